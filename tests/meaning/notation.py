"""Texts in a small notation, from which both the text and the rules of what may be sent of it come.

<depth><flags>|line            blank lines stand for themselves; `  |rest` goes on with the line above, after a space
>  container (heading, question, lead-in, header row): never alone, and everything deeper below it needs it
.  line: kept whole on a line of its own      p  prose paragraph (may be joined to other prose by a space)
+  belongs to the line before: one unit       _  hard-wrapped continuation of the paragraph before
~  optional line before a unit: needs the next unit (comment)
^  closing line of the container of the same depth: everything in it needs it, and it never stands alone
v  optional closing line of the container of the same depth: never alone, but may go
with >: % its lack is only reported as soft (a section's heading above units that read on their own), unless the unit
   then stands under another's heading; o it may stand alone (a log entry with its trace below)
inside a line: `¦` parts sentences (each may go); `¦>` what stands before it is needed by the rest of the paragraph
(number, speaker); `¦&` this sentence needs the one before; `¦=` each needs the other
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

Document = str | dict[str, str]
Check = Callable[[str, Sequence[Document]], list[str]]

ROW = re.compile(r"(\d+)([.>+_~^vp%o]+)\|(.*)")
CONTINUATION = re.compile(r"\n +\|")
SENTENCE_MARK = re.compile(r"(¦[>&=]?)")
CJK = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
CLOSING = frozenset("^v")
OF_THE_TITLE = -1  # the number of the title's group
MOST_READINGS, MOST_STEPS = 3_000, 200_000


@dataclass
class Group:
    """Lines that are one unit, or a paragraph whose sentences are units."""

    depth: int
    flags: str
    lines: list[str]
    wrapped: bool
    atoms: list[int] = field(default_factory=list)
    parents: list[Group] = field(default_factory=list)

    @property
    def closes(self) -> bool:
        return bool(CLOSING & set(self.flags))

    def is_in(self, groups: Iterable[Group]) -> bool:
        return any(self is group for group in groups)


class Atom:
    """What is sent whole or not at all: lines or a sentence."""

    def __init__(self, raw: str, group: int, first: bool, flags: str, wrapped: bool) -> None:
        self.raw, self.group, self.first, self.flags, self.wrapped = raw, group, first, flags, wrapped
        self.prose = "p" in flags
        self.indent = re.match(r"[ \t]*", raw).group() if first else ""
        self.text = raw.strip()
        self.heads_its_line = False
        if wrapped:
            body = r"\s+".join(re.escape(word) for word in raw.split())
        else:
            first_line, *others = [line for line in raw.strip("\n").split("\n") if line.strip()]
            parts = [first_line.strip(), *(line.rstrip() for line in others)]
            body = r"[ \t]*\n(?:[ \t]*\n)*".join(re.escape(part) for part in parts)
        self.regex = re.compile(body)


class Doc:
    """Text and rules of one document."""

    def __init__(self, spec: str, title: str | None = None, indent: bool = False) -> None:
        self.title, self.indent = title, indent
        self.body, self.groups = self._read(spec)
        self.atoms: list[Atom] = []
        self.needs: list[tuple[int, int]] = []
        self.needs_any_of: list[tuple[int, list[int]]] = []
        self.soft: set[tuple[int, int]] = set()  # those of `needs` whose lack is reported as soft
        if title:
            self.atoms.append(Atom(title, OF_THE_TITLE, first=True, flags=">", wrapped=False))
        for number, group in enumerate(self.groups):
            self._part(number, group)
        self._nest()
        for number, group in enumerate(self.groups):
            if "~" in group.flags:
                following = next(other for other in self.groups[number + 1 :] if "~" not in other.flags)
                self.needs += itertools.product(group.atoms, following.atoms)
            if ">" in group.flags and "o" not in group.flags:
                content = self._content(group)
                self.needs_any_of += [(atom, content) for atom in group.atoms]
        if title:
            units_of_text = [number for number, atom in enumerate(self.atoms) if number and ">" not in atom.flags]
            self.needs_any_of.append((0, units_of_text))

    @staticmethod
    def _read(spec: str) -> tuple[str, list[Group]]:
        lines, groups = [], []
        for raw in CONTINUATION.sub(" ", spec.strip("\n")).split("\n"):
            if not raw.strip():
                lines.append("")
                continue
            row = ROW.fullmatch(raw)
            assert row, raw
            depth, flags, body = int(row[1]), row[2], row[3]
            lines.append(SENTENCE_MARK.sub("", body))
            if "+" in flags or "_" in flags:
                groups[-1].lines.append(body)
                groups[-1].wrapped |= "_" in flags
            else:
                groups.append(Group(depth, flags, [body], wrapped=False))
        return "\n".join(lines), groups

    def _part(self, number: int, group: Group) -> None:
        """The atoms of a group, and what they need of one another."""
        mark, heads = "", []
        for place, piece in enumerate(SENTENCE_MARK.split("\n".join(group.lines))):
            if place % 2:
                mark = piece
                continue
            atom = len(self.atoms)
            self.atoms.append(Atom(piece, number, first=place == 0, flags=group.flags, wrapped=group.wrapped))
            if mark == "¦>":
                self.atoms[atom - 1].heads_its_line = True
                heads.append(atom - 1)
            if mark in ("¦&", "¦="):
                self.needs.append((atom, atom - 1))
            if mark == "¦=":
                self.needs.append((atom - 1, atom))
            self.needs += [(atom, head) for head in heads]
            group.atoms.append(atom)
        if ">" not in group.flags:
            self.needs_any_of += [(head, [atom for atom in group.atoms if atom > head]) for head in heads]

    def _nest(self) -> None:
        """Which containers each group is in, and that it needs them."""
        containers: list[Group] = []
        for group in self.groups:
            while containers and containers[-1].depth >= group.depth + group.closes:
                containers.pop()
            group.parents = list(containers)
            if group.closes:
                closed = containers[-1]
                assert closed.depth == group.depth, group
                self.needs += itertools.product(group.atoms, closed.atoms)
                if "^" in group.flags:
                    self.needs += itertools.product(closed.atoms, group.atoms)
                continue
            for container in containers:
                pairs = list(itertools.product(group.atoms, container.atoms))
                self.needs += pairs
                if "%" in container.flags:
                    self.soft.update(pairs)
            if ">" in group.flags:
                containers.append(group)

    def _content(self, container: Group) -> list[int]:
        """The atoms with one of which a container is not alone."""
        content = []
        for group in self.groups:
            no_content = "~^v" if "o" in group.flags else ">~^v"
            if container.is_in(group.parents) and not set(no_content) & set(group.flags):
                content += group.atoms
        assert content, container
        return content

    @property
    def document(self) -> Document:
        return {"title": self.title, "text": self.body} if self.title else self.body

    def render(self, kept: Iterable[int]) -> str:
        text, last = "", None
        for number in sorted(kept):
            atom = self.atoms[number]
            if last is not None and last.group == atom.group:
                text += "" if CJK.search(text[-1]) else " "
            elif last is not None:
                text += "\n"
            text += atom.raw.strip("\n").rstrip() if atom.first else atom.raw.strip()
            last = atom
        return text

    def closure(self, atom: int) -> set[int]:
        """An atom with all that it needs."""
        kept, waiting = set(), [atom]
        while waiting:
            one = waiting.pop()
            if one not in kept:
                kept.add(one)
                waiting += [needed for needing, needed in self.needs if needing == one]
        return kept

    def smallest_with(self, atom: int) -> set[int]:
        """An atom with all that it needs, and with something in every container."""
        kept = self.closure(atom)
        while True:
            empty = [group for head, group in self.needs_any_of if head in kept and not kept & set(group)]
            if not empty:
                return kept
            kept |= self.closure(empty[0][0])

    def faults(self, kept: Iterable[int]) -> list[str]:
        kept = set(kept)
        return [*self._lacks(kept), *self._displaced(kept), *self._alone(kept)]

    def _lacks(self, kept: set[int]) -> Iterator[str]:
        for needing, needed in self.needs:
            if needing in kept and needed not in kept:
                soft = "soft: " if (needing, needed) in self.soft else ""
                yield f"{soft}{self.atoms[needing].text[:50]!r} without {self.atoms[needed].text[:50]!r}"

    def _displaced(self, kept: set[int]) -> Iterator[str]:
        containers: list[Group] = []
        for number in sorted(kept):
            atom = self.atoms[number]
            if atom.group == OF_THE_TITLE:
                continue
            group = self.groups[atom.group]
            while containers and containers[-1].depth >= group.depth + group.closes:
                containers.pop()
            for container in containers:
                if container is not group and not container.is_in(group.parents):
                    yield f"{atom.text[:50]!r} stands under {self.atoms[container.atoms[0]].text[:50]!r}"
            if ">" in group.flags and not group.is_in(containers):
                containers.append(group)

    def _alone(self, kept: set[int]) -> Iterator[str]:
        for atom, group in self.needs_any_of:
            if atom in kept and not kept & set(group):
                yield f"alone: {self.atoms[atom].text[:60]!r}"


class Readings:
    """All ways to read a context as whole units of documents, in their order, and how far one came at most."""

    def __init__(self, context: str, docs: Sequence[Doc]) -> None:
        self.context, self.docs = context, docs
        self.found: list[list[tuple[int, int]]] = []
        self.reached = 0
        self._all = [(doc, atom) for doc in range(len(docs)) for atom in range(len(docs[doc].atoms))]
        self._steps = 0
        self._go(0, 0, [])

    def _go(self, position: int, first: int, chosen: list[tuple[int, int]]) -> None:
        self._steps += 1
        space = re.compile(r"\s*").match(self.context, position)
        start = space.end()
        self.reached = max(self.reached, start)
        if start == len(self.context):
            self.found.append(list(chosen))
            return
        if len(self.found) >= MOST_READINGS or self._steps > MOST_STEPS:
            return
        for number in range(first, len(self._all)):
            doc, atom = self._all[number]
            match = self.docs[doc].atoms[atom].regex.match(self.context, start)
            if match and self._may_follow(chosen[-1] if chosen else None, (doc, atom), space.group(), start):
                chosen.append((doc, atom))
                self._go(match.end(), number + 1, chosen)
                chosen.pop()

    def _may_follow(self, last: tuple[int, int] | None, this: tuple[int, int], space: str, start: int) -> bool:
        atom = self.docs[this[0]].atoms[this[1]]
        if self.docs[this[0]].indent and atom.first and space.split("\n")[-1] != atom.indent:
            return False
        if last is None:
            return True
        before = self.docs[last[0]].atoms[last[1]]
        parted = bool(space) or bool(CJK.match(self.context[start - 1]))
        if last[0] == this[0] and before.group == atom.group:
            if before.heads_its_line and "\n" in space and not before.wrapped:
                return False
            glued = last[1] + 1 == this[1] and not before.raw[-1:].isspace() and not atom.raw[:1].isspace()
            return parted or glued
        return parted if atom.prose and before.prose else "\n" in space


def weight(faults: list[str]) -> int:
    return sum(not fault.startswith("soft: ") for fault in faults) * 1000 + len(faults)


def units(*docs: Doc) -> Check:
    """The check of texts in the notation: of all ways to read a context, that with the fewest faults counts."""

    def check(context: str, documents: Sequence[Document]) -> list[str]:
        if not context.strip():
            return []
        best, reached = None, 0
        for order in itertools.permutations(docs) if len(docs) <= 3 else [docs]:
            readings = Readings(context, order)
            reached = max(reached, readings.reached)
            for chosen in readings.found:
                faults = []
                for number, doc in enumerate(order):
                    faults += doc.faults([atom for of, atom in chosen if of == number])
                if best is None or weight(faults) < weight(best):
                    best = faults
                if not best:
                    return []
        if best is None:
            before, after = context[max(0, reached - 30) : reached], context[reached : reached + 70]
            return [
                f"no whole unit, out of order, or not on a line of its own, at {reached}: {before!r} HERE {after!r}"
            ]
        return list(dict.fromkeys(best))[:8]

    return check


def indented(text: str) -> str:
    """Notation for an indented text (YAML): a line needs the lines it stands under; an item '- key:' is whole."""
    lines = text.strip("\n").split("\n")
    rows, item = [], None
    for number, line in enumerate(lines):
        depth = depth_of(line)
        if not line.strip():
            rows.append("")
        elif item is not None and depth > item:
            rows.append(f"{depth}+|{line}")
        elif line.lstrip().startswith("#"):
            item = None
            rows.append(f"{depth}~|{line}")
        elif line.lstrip().startswith("- "):
            item = depth
            rows.append(f"{depth}.|{line}")
        else:
            item = None
            others = (other for other in lines[number + 1 :] if other.strip() and not other.lstrip().startswith("#"))
            rows.append(f"{depth}{'>' if depth_of(next(others, '')) > depth else '.'}|{line}")
    return "\n".join(rows)


def depth_of(line: str) -> int:
    return len(line) - len(line.lstrip())
