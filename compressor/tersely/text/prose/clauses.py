"""Numbered clauses of contracts, laws and manuals (`3.2`, `(a)`, `(ii)`) -> blocks under their lead-ins.

A clause needs all lead-ins above it, and a lead-in is never kept without a clause. A short clause with all its parts is
one block: only the whole of it tells which conditions must hold together. Whole sentences with numbers of their own,
such as `7.1` below `7. COVER`, are blocks under that heading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import regex

from tersely.text.outline import Outline, Region
from tersely.text.prose.headings import heading_level, is_numbered_title
from tersely.text.prose.paragraphs import add_sentences

_LINE = regex.compile(r"[^\n]*\n|[^\n]+$")
_QUICK = regex.compile(r"^[ \t]*(?:\(?[a-zA-Z]{1,4}\)|\(\d{1,2}\)|\d{1,2}\.\d|§|Art\w*\.? \d|第)", regex.M)
_NUMBER = regex.compile(
    r"[ \t]*(?:"
    r"(?P<dotted>\d{1,2}(?:\.\d{1,3}){1,5})[.)]?(?=[ \t]+\S)"
    r"|(?P<single>\d{1,2})[.)](?=[ \t]+\S)"
    r"|\((?P<bracketed>\d{1,2})\)(?=[ \t]*\S)"
    r"|\(?(?P<roman>[ivx]{1,5})\)(?=[ \t]*\S)"
    r"|\(?(?P<letter>[a-z])\)(?=[ \t]*\S)"
    r"|\(?(?P<capital>[A-Z])\)(?=[ \t]+\S)"
    r"|(?P<article>(?:§+|Art(?:icle|ikel|\.)|Section|第)[ \t]*[\d一二三四五六七八九十]+\w{0,2}[条條款]?)[.:]?(?=\s)"
    r")"
)
_FEWEST = 2  # clauses of a kind
_LONGEST_WHOLE = 500  # characters of a clause with all its parts that is one block
_LONGEST_JOINED = 1500  # the same if `and` joins its parts
_JOINED = regex.compile(r"(?:\band|\bund|\bet|\by|[和并且]|و)\s*$")
_LONGEST_LEAD_IN = 600
_LISTED = frozenset({"bracketed", "roman", "letter", "capital"})  # kinds of clauses that are items of a list
_AFTER_LIST = "after list"  # the kind of a text without a number below the last item of a list
_ITEM_GOES_ON = regex.compile(r"[;,；，、]$|\b(?:and|or|und|oder|et|ou|y|o)$")
_STARTS_SENTENCE = regex.compile(r"[\s\"'“‘«(]*[\p{Lu}\p{Lo}]")
_SENTENCE_ENDS = (".", "。", "!", "?", "؟")


@dataclass(slots=True)
class _Clause:
    kind: str
    start: int
    text_end: int  # where its own text ends
    end: int  # where its last part ends
    parts: list[_Clause] = field(default_factory=list)
    tail: int | None = None  # where its own text goes on after its parts


def find(text: str, start: int, end: int) -> list[Region]:
    """The runs of numbered clauses between two characters."""
    if not _QUICK.search(text, start, end):
        return []
    lines = [match.span() for match in _LINE.finditer(text, start, end)]
    regions: list[Region] = []
    run: list[tuple[str, int]] = []  # kind and start of each clause
    seen: Counter[str] = Counter()  # kinds in the run
    stop = start  # of the run
    blank = False
    for number, (first, last) in enumerate(lines):
        line = text[first:last]
        if not line.strip():
            blank = True
            continue
        kind = _kind(line, run[-1][0] if run else None, seen)
        is_heading = _is_heading(text, lines, number) if kind else is_numbered_title(line)
        if kind and not is_heading:
            run.append((kind, first))
            seen[kind] += 1
            stop = last
        elif run and not is_heading and not blank and _list_ended(text, run, stop, line):
            if run[0][0] != run[-1][0]:
                run.append((_AFTER_LIST, first))
                stop = last
            else:  # no clause is around the list: the line is prose
                regions += _region(text, run, stop)
                run, seen = [], Counter()
        elif run and not is_heading and (not blank or line.lstrip()[:1].islower()):
            stop = last
        else:
            regions += _region(text, run, stop)
            run, seen = [], Counter()
        blank = False
    return regions + _region(text, run, stop)


def _region(text: str, run: Sequence[tuple[str, int]], stop: int) -> list[Region]:
    # Lists of plain numbers are left to Markdown.
    kinds = Counter(kind for kind, _ in run if kind not in ("single", _AFTER_LIST))
    if not kinds or kinds.most_common(1)[0][1] < _FEWEST:
        return []
    tops = _nested(text, run, stop)
    return [Region(run[0][1], stop, lambda outline, start, end: _read(outline, tops))]


def _kind(line: str, before: str | None, seen: Counter[str]) -> str | None:
    """The kind of number that a line begins with; `(i)` is a letter after `(h)`, and `(c)` is no roman number."""
    match = _NUMBER.match(line)
    if not match:
        return None
    kind = match.lastgroup or ""
    value = match[kind]
    if kind == "roman" and len(value) == 1 and value != "i" and not seen["roman"]:
        kind = "letter"
    if kind == "roman" and value == "i" and before == "letter" and seen["letter"] >= 8:
        kind = "letter"
    if kind == "dotted":
        return f"dotted{value.count('.')}"
    return kind


def _list_ended(text: str, run: Sequence[tuple[str, int]], stop: int, line: str) -> bool:
    """Whether the last clause ends a list, as its full stop after items with `;` tells, and a line begins anew."""
    if len(run) < 2 or run[-1][0] not in _LISTED or run[-2][0] != run[-1][0]:
        return False
    (_, earlier), (_, start) = run[-2:]
    item = text[start:stop]
    return bool(
        _ITEM_GOES_ON.search(text[earlier:start].rstrip())
        and item.rstrip().endswith(_SENTENCE_ENDS)
        and _STARTS_SENTENCE.match(line)
        and _indent(line) <= _indent(item)
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _is_heading(text: str, lines: Sequence[tuple[int, int]], number: int) -> bool:
    """Whether a numbered line is a heading: short, without a full stop, and before a blank line."""
    first, last = lines[number]
    following = next((text[a:b] for a, b in lines[number + 1 :] if text[a:b].strip()), "")
    after_blank = number + 1 < len(lines) and not text[slice(*lines[number + 1])].strip()
    return after_blank and heading_level(text[first:last], following) is not None


def _nested(text: str, run: Sequence[tuple[str, int]], stop: int) -> list[_Clause]:
    """The clauses as a tree: a clause of a new kind is a part of the clause before it."""
    tops: list[_Clause] = []
    above: list[_Clause] = []
    starts = [start for _, start in run]
    for (kind, start), end in zip(run, [*starts[1:], stop], strict=True):
        clause = _Clause(kind, start, end, end)
        if kind == _AFTER_LIST:
            above.pop()
            above[-1].parts.append(clause)
            for parent in above:
                parent.end = end
            continue
        same = next((depth for depth, parent in enumerate(above) if parent.kind == kind), None)
        if same is not None:
            del above[same:]
        elif kind.startswith("dotted"):  # their depth is in the number
            while above and not (above[-1].kind in ("single", "article") or above[-1].kind < kind):
                above.pop()
        (above[-1].parts if above else tops).append(clause)
        for parent in above:
            parent.end = end
        above.append(clause)
    _split_tails(text, tops)
    return tops


def _split_tails(text: str, clauses: Sequence[_Clause]) -> None:
    """Let lines in small letters, after a blank line or less indented, go on with a clause after its last part."""
    for clause in clauses:
        if not clause.parts:
            continue
        last = clause.parts[-1]
        _split_tails(text, clause.parts)
        tail = None if last.parts else _tail(text, last)
        if tail is not None:
            last.text_end = last.end = clause.tail = tail


def _tail(text: str, part: _Clause) -> int | None:
    """Where lines begin that go on with the clause around a part, in small letters."""
    indent = _indent(text[part.start : part.end])
    blank = False
    lines: list[tuple[int, int]] = [match.span() for match in _LINE.finditer(text, part.start, part.end)]
    for start, end in lines[1:]:
        line = text[start:end]
        if line.strip() and line.lstrip()[0].islower() and (blank or _indent(line) < indent):
            return start
        blank = not line.strip()
    return None


def _read(outline: Outline, clauses: Sequence[_Clause]) -> None:
    for clause in clauses:
        _add(outline, clause)


def _add(outline: Outline, clause: _Clause) -> None:
    text = outline.text
    length = clause.end - clause.start
    joined = any(_JOINED.search(text[part.start : part.text_end].rstrip().rstrip(";,")) for part in clause.parts)
    longest = _LONGEST_JOINED if joined and _leads_in(text, clause) else _LONGEST_WHOLE
    if length <= longest and not _is_over_sentences(text, clause):
        outline.add(clause.start, clause.end, divisible=not clause.parts)
        return
    if not clause.parts:
        first = len(outline.blocks)
        add_sentences(outline, clause.start, clause.end)
        for position in range(first + 1, len(outline.blocks) if clause.kind != _AFTER_LIST else 0):
            outline.add_needs(position, first)
        return
    lead_in = outline.add(
        clause.start,
        clause.text_end,
        standalone=not _leads_in(text, clause) or clause.text_end - clause.start > _LONGEST_LEAD_IN,
    )
    first = len(outline.blocks)
    with outline.under(lead_in):
        for part in clause.parts:
            _add(outline, part)
        if clause.tail is not None:
            tail = outline.add(clause.tail, clause.end, standalone=False)
            for position in range(first, tail):
                outline.add_needs(position, tail)


def _is_over_sentences(text: str, clause: _Clause) -> bool:
    """Whether a clause is a heading, as in `7. COVER`, over dotted clauses that are whole sentences."""
    parts = [text[part.start : part.end] for part in clause.parts if part.kind.startswith("dotted")]
    if not parts or len(parts) < len(clause.parts):
        return False
    title = text[clause.start : clause.text_end]
    return heading_level(title, parts[0]) is not None and all(map(_is_sentence, parts))


def _is_sentence(clause: str) -> bool:
    number = _NUMBER.match(clause)
    return bool(number and _STARTS_SENTENCE.match(clause, number.end()) and clause.rstrip().endswith(_SENTENCE_ENDS))


def _leads_in(text: str, clause: _Clause) -> bool:
    """Whether a clause's own text means nothing without its parts: it does not end as a sentence does."""
    return bool(clause.parts) and not text[clause.start : clause.text_end].rstrip().endswith((".", "。", "!", "؟"))
