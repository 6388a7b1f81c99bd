"""LaTeX -> blocks: sections as headings, environments whole or cut into items and paragraphs, prose for the rest."""

from __future__ import annotations

import regex

from tersely.text.documents.formulas import find as find_formulas
from tersely.text.layout import Line, lines_between
from tersely.text.outline import Outline, Region
from tersely.text.prose import read_prose

_LONGEST = 1200  # characters of an environment that is one block
_LONGEST_WHOLE = 3000  # the same for an environment that means nothing in parts, such as a table
_DEEPEST = 20  # levels; an environment below them is one block

_LEVELS = {
    "part": 1,
    "chapter": 1,
    "section": 2,
    "subsection": 3,
    "subsubsection": 4,
    "paragraph": 5,
    "subparagraph": 6,
}
_HEADING = regex.compile(rf"\\({'|'.join(_LEVELS)})\*?\s*[\[{{]")
_BEGIN = regex.compile(r"\\begin\{([\w*]+)\}")
_TRANSPARENT = ("document", "frame", "center", "small", "footnotesize")
_WHOLE = regex.compile(
    r"(?:tabular[xy*]?|array|verbatim|lstlisting|minted|tikzpicture|equation|align|gather|multline|eqnarray|algorithm\w*)\*?$"
)
_ITEM = regex.compile(r"\\item\b")
_EDGE = regex.compile(r"\\(begin|end)\{([\w*]+)\}")
_NOTHING = regex.compile(r"\s*(?:\\label\{[^{}\n]*\}\s*)?(?:%[^\n]*)?\s*")
# Commands that tell a reader nothing.
_MACHINERY = regex.compile(
    r"\\(?:documentclass|usepackage|(?:re)?newcommand|def|maketitle|input|include|(?:begin|end)\{)"
)
_SIGN = regex.compile(
    r"^[ \t]*\\(?:(?:sub)*section\*?\{|chapter\*?\{|begin\{|documentclass|item\b|paragraph\{)", regex.M
)
_FEWEST = 2  # lines that begin with such a command


def find(text: str, start: int, end: int) -> list[Region]:
    """All between two characters that begin and end lines, if it is LaTeX."""
    if text.find("\\", start, end) < 0:
        return []
    signs = 0
    for _ in _SIGN.finditer(text, start, end):
        signs += 1
        if signs == _FEWEST:
            return [Region(start, end, _read)]
    return []


def _read(outline: Outline, start: int, end: int) -> None:
    _Reader(outline, lines_between(outline.text, start, end)).read()


class _Reader:
    """Adds lines of LaTeX to an outline."""

    def __init__(self, outline: Outline, lines: list[Line]) -> None:
        self._outline = outline
        self._lines = lines
        self._ends = self._matching_ends()

    def read(self) -> None:
        self._read_span(range(len(self._lines)), 0)

    def _matching_ends(self) -> dict[int, int]:
        """For each line that begins an environment the line that ends it."""
        ends: dict[int, int] = {}
        opened: list[tuple[int, str]] = []
        for position, line in enumerate(self._lines):
            for match in _EDGE.finditer(line.content):
                if match[1] == "begin":
                    opened.append((position, match[2]))
                elif opened and opened[-1][1] == match[2]:
                    first, _ = opened.pop()
                    ends[first] = max(ends.get(first, 0), position)
        return ends

    def _read_span(self, span: range, depth: int) -> None:
        """Add lines: headings, environments, items and commands as such, the rest as prose."""
        lines, outline = self._lines, self._outline
        position = span.start
        unread = self._start(span)
        while position < span.stop:
            line = lines[position]
            heading, begin = _HEADING.match(line.content), _BEGIN.match(line.content)
            stop = position + 1
            if heading:
                self._read_text(unread, line.start)
                unread = self._add_heading(line, heading)
            elif begin and begin[1] not in _TRANSPARENT and self._ends.get(position, span.stop) < span.stop:
                self._read_text(unread, line.start)
                stop = self._ends[position] + 1
                self._add_environment(range(position, stop), begin[1], depth)
                unread = lines[stop - 1].end
            elif _ITEM.match(line.content):
                self._read_text(unread, line.start)
                stop = self._end_of_item(position, span.stop)
                self._add_item(range(position, stop), depth)
                unread = lines[stop - 1].end
            elif _MACHINERY.match(line.content):
                self._read_text(unread, line.start)
                outline.add(line.start, line.end, standalone=False)
                unread = line.end
            position = stop
        self._read_text(unread, lines[span.stop - 1].end if span else unread)

    def _start(self, span: range) -> int:
        return self._lines[span.start].start if span else 0

    def _add_heading(self, line: Line, heading: regex.Match[str]) -> int:
        """Open a heading, and return where the text after it begins."""
        text, level = self._outline.text, _LEVELS[heading[1]]
        end, depth = line.start, 0
        while end < line.end:
            depth += (text[end] in "{[") - (text[end] in "}]")
            end += 1
            if not depth and text[end - 1] == "}":
                break
        if _NOTHING.fullmatch(text, end, line.end):
            end = line.end
        self._outline.close_headings(level)
        self._outline.open_heading(level, self._outline.add(line.start, end, standalone=False))
        return end

    def _add_environment(self, span: range, name: str, depth: int) -> None:
        lines, outline = self._lines, self._outline
        start, end = lines[span.start].start, lines[span.stop - 1].end
        lead_in = outline.lead_in(start)
        above = [] if lead_in is None else [lead_in]
        longest = _LONGEST_WHOLE if _WHOLE.match(name) else _LONGEST
        if end - start <= longest or depth >= _DEEPEST or len(span) < 3:
            outline.add(start, end, needs=tuple(above))
            return
        with outline.under(*above):
            begin = outline.add(start, lines[span.start].end, standalone=False)
            with outline.under(begin):
                self._read_span(span[1:-1], depth + 1)
            outline.add_needs(begin, outline.add(lines[span.stop - 1].start, end, standalone=False))

    def _end_of_item(self, first: int, stop: int) -> int:
        position = first + 1
        while position < stop and not _ITEM.match(self._lines[position].content):
            position = max(self._ends.get(position, position) + 1, position + 1)
        return min(position, stop)

    def _add_item(self, span: range, depth: int) -> None:
        """Add an item: one block if it is short, else the environments in it under its own text."""
        lines, outline = self._lines, self._outline
        start, end = lines[span.start].start, lines[span.stop - 1].end
        text_end = next((n for n in span if n in self._ends or (n > span.start and not lines[n].content)), span.stop)
        text_end = max(text_end, span.start + 1)
        if end - start <= _LONGEST or text_end == span.stop or depth >= _DEEPEST:
            outline.add(start, end)
            return
        with outline.under(outline.add(start, lines[text_end - 1].end)):
            self._read_span(range(text_end, span.stop), depth + 1)

    def _read_text(self, start: int, end: int) -> None:
        """Add sentences, and formulas between them."""
        for region in find_formulas(self._outline.text, start, end) if start < end else ():
            read_prose(self._outline, start, region.start)
            region.read(self._outline, region.start, region.end)
            start = region.end
        read_prose(self._outline, start, end)
