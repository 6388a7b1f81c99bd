"""Elements of XML or HTML -> blocks: each row, item, paragraph and record whole, within the tags around it.

No tag is ever cut. In an element that is too long for one block, each block needs its tags, the headings above it, and
what names the element: the header of a table, the term of a description, the title of a record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import regex

from tersely.text.data import naming_fields
from tersely.text.markup.names import CELLS, HEADINGS, INLINE, INTRODUCED, ITEMS, SILENT, TITLES
from tersely.text.markup.scanner import CDATA, COMMENT, DECLARATION, INSTRUCTION, STRAY, Element
from tersely.text.markup.tables import TableRows
from tersely.text.outline import Outline
from tersely.text.sentences import split_sentences

# All in characters. Up to this length an element is one block.
_LONGEST = 400
_LONGEST_RECORD = 800  # the same for a row, or for one of several elements of the same name
_LONGEST_LIST = 80  # the same for an element with several rows, items or records in it
_LONGEST_NAME = 200
_LONGEST_HEADING = 500  # a longer heading or header row is a block like others
_LONGEST_COMMENT = 100  # inside a text; a longer one is left out of it
_DEEPEST = 64  # levels; an element below them is one block

_TAG = regex.compile(r"<[^<>]*+>")
_INTRODUCES = regex.compile(r"[:：]\s*+(?:</[\w:-]++\s*+>\s*+)*+$")
_SAYS_NOTHING = regex.compile(r"(?:<(?![^<>]*\b(?:alt|title|value)=)[^<>]*+>|&\#?\w++;|[^\p{L}\p{N}<&])*+")


def read_elements(elements: list[Element], is_html: bool, outline: Outline, start: int, end: int) -> None:
    """Add the blocks of elements, and of the text around them, between two characters."""
    _Reader(outline, is_html).read(Element("", start, start, end, end, children=elements), depth=0)


class _Reader:
    def __init__(self, outline: Outline, is_html: bool) -> None:
        self._outline = outline
        self._text = outline.text
        self._is_html = is_html

    def read(self, parent: Element, depth: int, is_record: bool = False) -> None:
        """Add the blocks of the content of an element; headings in it end with it."""
        outline = self._outline
        with outline.under():
            positions, names = self._read(parent, depth, is_record)
        for position in positions if names else ():
            if position not in names:
                outline.add_needs(position, *names)

    def _read(self, parent: Element, depth: int, is_record: bool) -> tuple[list[int], list[int]]:
        """Positions of the first block of each child and of all text blocks; and of those that name the element."""
        outline = self._outline
        mixed = self._has_text(parent)
        counts = Counter(child.name for child in parent.children)
        positions: list[int] = []
        names: list[int] = []
        rows = TableRows(outline)
        terms: list[int] = []  # that the next description describes
        fields: list[tuple[int, str]] = []
        run_start, inside = parent.content, list[Element]()
        for child in parent.children:
            if self._is_inline(child, mixed):
                inside.append(child)
                continue
            text_blocks = self._add_run(run_start, child.start, inside)
            if parent.name == "li" and not positions and len(text_blocks) == 1:
                names += text_blocks if child.start - run_start <= _LONGEST_NAME else ()
            positions += text_blocks
            run_start, inside = child.end, []
            position = len(outline.blocks)
            positions.append(position)
            if self._is_title(child, parent):
                outline.add(child.start, child.end, standalone=child.name in CELLS)
                names.append(position)
            elif level := self._heading_level(child):
                outline.close_headings(level)
                outline.open_heading(level, outline.add(child.start, child.end, standalone=False))
            elif self._is_html and child.name == "dt":
                if position - 1 not in terms:
                    terms = []
                terms.append(outline.add(child.start, child.end, standalone=False))
            elif self._is_html and child.name == "tr" and rows.is_header(child):
                rows.add_header(child)
            elif self._is_html and child.name == "tr":
                with outline.under(*rows.above()):
                    self._add(child, depth, _LONGEST_RECORD)
                rows.count_row(child, position)
            else:
                above = terms if child.name == "dd" else [*rows.header, *self._lead_in(child, positions)]
                with outline.under(*above):
                    repeated = not self._is_html and counts[child.name] > 1
                    self._add(child, depth, _LONGEST_RECORD if repeated else _LONGEST)
                if not child.children and child.size <= _LONGEST_NAME:
                    fields.append((position, child.name))
        positions += self._add_run(run_start, parent.close, inside)
        if not self._is_html and depth:
            names += naming_fields(fields) or [position for position, _ in fields[:is_record]]
        return positions, names

    def _is_title(self, child: Element, parent: Element) -> bool:
        """Whether it names the subject of its siblings."""
        if child.name == DECLARATION:
            return "[" in self._text[child.start : child.end]  # the elements use what it declares
        if not self._is_html:
            return False
        if parent.name == "tr" and child is parent.children[0]:
            return child.size <= _LONGEST_NAME
        return child.name in TITLES and child.size <= _LONGEST_HEADING

    def _heading_level(self, element: Element) -> int:
        """The level of a heading, also of an element that has nothing but a heading in it; else 0."""
        if not self._is_html or element.size > _LONGEST_HEADING or element.name in ITEMS | CELLS:
            return 0
        if element.name in HEADINGS:
            return HEADINGS[element.name]
        levels = [self._heading_level(child) for child in element.children if child.name != COMMENT]
        if element.name in ("header", "hgroup"):
            return min(filter(None, levels), default=0)
        return levels[0] if len(levels) == 1 and not self._has_text(element) else 0

    def _lead_in(self, child: Element, positions: Sequence[int]) -> list[int]:
        """The text right before a list or a table, if it introduces that; it is then kept only as context."""
        previous = len(self._outline.blocks) - 1
        if not self._is_html or child.name not in INTRODUCED or previous not in positions[-2:]:
            return []
        block = self._outline.blocks[previous]
        lead_in = self._text[block.start : block.end]
        if len(lead_in) > _LONGEST_NAME or not _INTRODUCES.search(lead_in):
            return []
        self._outline.only_as_context(previous)
        return [previous]

    def _add(self, element: Element, depth: int, longest: int) -> None:
        """Add an element, whole or between its tags."""
        outline = self._outline
        if self._is_whole(element, longest) or depth == _DEEPEST:
            outline.add(element.start, element.end, standalone=self._says_something(element))
            return
        content, close = element.content, element.close
        only = element.children[0] if len(element.children) == 1 else None
        if only and only.name == CDATA and not self._text[content : only.start].strip():
            if not self._text[only.end : close].strip():
                content, close = only.content, only.close
        opening = outline.add(element.start, content, standalone=False)
        with outline.under(opening):
            if content == element.content:
                self.read(element, depth + 1, longest == _LONGEST_RECORD)
            else:
                self._add_run(content, close, [])
        if element.closed:
            outline.add_needs(opening, outline.add(close, element.end, standalone=False))

    def _is_whole(self, element: Element, longest: int) -> bool:
        if element.name in (COMMENT, INSTRUCTION, DECLARATION) or (self._is_html and element.name in SILENT):
            return True
        if element.content == element.close:
            return True
        if longest == _LONGEST_RECORD or element.size <= _LONGEST_LIST:
            return element.size <= longest
        return element.size <= longest and (element.name in ITEMS or self._records(element) < 2)

    def _records(self, element: Element) -> int:
        """How many rows, items or records are in it, at the level with most of them."""
        counts = Counter(child.name for child in element.children)
        inner = max(map(self._records, element.children), default=0)
        if self._is_html:
            return max(inner, counts["tr"], counts["li"], counts["dt"])
        detailed = Counter(child.name for child in element.children if child.children)
        return max(inner, *detailed.values(), 0)

    def _says_something(self, element: Element) -> bool:
        if element.name in (COMMENT, INSTRUCTION, DECLARATION):
            return False
        if not self._is_html:
            return True
        return element.name not in SILENT and not _SAYS_NOTHING.fullmatch(self._text, element.start, element.end)

    def _is_inline(self, element: Element, mixed: bool) -> bool:
        """Whether it is a part of the text around it, and that is not cut inside the element."""
        if element.name in (STRAY, CDATA):
            return True
        if element.name in (COMMENT, INSTRUCTION):
            return mixed and element.size <= _LONGEST_COMMENT
        if element.size > _LONGEST or element.name == DECLARATION:
            return False
        if self._is_html:
            return element.name in INLINE and all(self._is_inline(child, True) for child in element.children)
        return mixed

    def _has_text(self, parent: Element) -> bool:
        start = parent.content
        for child in parent.children:
            if child.name == CDATA or self._text[start : child.start].strip():
                return True
            start = child.end
        return bool(self._text[start : parent.close].strip())

    def _add_run(self, start: int, end: int, inside: Sequence[Element]) -> list[int]:
        """Add a text with its inline elements, and return the positions of its blocks."""
        outline, text = self._outline, self._text
        first = len(outline.blocks)
        if end - start <= _LONGEST:
            standalone = not _SAYS_NOTHING.fullmatch(text, start, end)
            outline.add(start, end, standalone=standalone)
        elif not inside:
            outline.add_inner(text[start:end], range(start, end + 1))
        else:
            edges = [start, *self._cuts(start, end, inside), end]
            for begin, stop in pairwise(edges):
                outline.add(begin, stop)
        return list(range(first, len(outline.blocks)))

    def _cuts(self, start: int, end: int, inside: Sequence[Element]) -> list[int]:
        """Where sentences and lines of a text begin outside its inline elements."""
        plain = _TAG.sub(lambda tag: " " * len(tag[0]), self._text[start:end])
        cuts = {child.end for child in inside if child.name == "br"}
        number = 0
        for sentence in split_sentences(plain):
            cut = start + sentence.start
            while number < len(inside) and inside[number].end <= cut:
                number += 1
            if number < len(inside) and inside[number].start < cut:
                if plain[inside[number].start - start : cut - start].strip():
                    continue  # in the middle of an element
                cut = inside[number].start
            cuts.add(cut)
        return sorted(cut for cut in cuts if start < cut < end and not plain[cut - start :].isspace())
