"""Tables with bars between cells -> blocks: each row needs the header rows, the caption and the name of its group.

They are read line by line, not by a parser of Markdown: tables from PDF files and converters have header rows below the
line of dashes, blank lines inside, or no line of dashes at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import regex

from tersely.text.outline import Outline, Region

# A row has two bars that are not escaped, or one bar between two cells.
_ROW = regex.compile(r"^[ \t]{0,3}(?=\S).*(?<!\\)\|.*(?<!\\)\|.*$|^[ \t]{0,3}[^|\n]+(?<!\\)\|[^|\n]+$", regex.M)
_DASHES = regex.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL_BORDER = regex.compile(r"(?<!\\)\|")
_LINE = regex.compile(r"[^\n]*\n|[^\n]+$")
_CAPTION = regex.compile(
    r"[*_]{0,2}(?:Table|Tab\.|Figure|Fig\.|Exhibit|Schedule|Tabelle|Abbildung|Tableau|Tabla|Cuadro|表格?|图表?|الجدول|جدول)\b?",
    regex.IGNORECASE,
)
_CAPTION_BELOW = regex.compile(r"(?:[ \t]*\n)?(?P<content>[^\n]*\S[^\n]*)(?:\n|$)")
_ROW_BELOW = regex.compile(r"(?:[ \t]*\n)?[^\n|]*\|")
_SLANTED = regex.compile(r"[*_](?![*_\s])[^\n]{5,250}[*_]")
_SENTENCE_END = regex.compile(r"[.!?。！？؟][\"'”’)\]]*\s*$")
_LONGEST_HEADER = 800  # characters of all header rows; if they are longer they are rows like others
_LONGEST_CAPTION = 250
_MOST_HEADER_ROWS = 3  # below the line of dashes
# A table up to this length is one block: to choose among its rows would save little.
_LONGEST_WHOLE = 300


class _Line(NamedTuple):
    start: int
    end: int
    cells: list[str]
    dashes: bool  # it is the line of dashes below a header


def find(text: str, start: int, end: int) -> list[Region]:
    """The tables between two characters, each with the caption right below it, if it has one."""
    regions: list[Region] = []
    lines: list[_Line] = []
    blank: list[tuple[int, int]] = []
    if text.find("|", start, end) < 0:
        return regions
    for match in _LINE.finditer(text, start, end):
        content = match[0].rstrip("\n")
        if not content.strip():
            blank.append(match.span())
            continue
        is_row = "|" in content and (_ROW.match(content) is not None or _is_dashes(content))
        # A table has at most one blank line in a row, and only next to the line of dashes.
        is_apart = len(blank) > 1 or (blank and not (_is_dashes(content) or (lines and lines[-1].dashes)))
        if lines and (not is_row or is_apart):
            regions += _region(text, start, lines)
            lines = []
        blank = []
        if is_row:
            lines.append(_Line(match.start(), match.end(), _cells(content), _is_dashes(content)))
    return regions + (_region(text, start, lines) if lines else [])


def _region(text: str, start: int, lines: Sequence[_Line]) -> list[Region]:
    has_dashes = any(line.dashes for line in lines[: 1 + _MOST_HEADER_ROWS])
    outer_bars = all(text[line.start : line.end].strip().startswith("|") for line in lines)
    if len(lines) < 2 or not (has_dashes or (outer_bars and len({len(line.cells) for line in lines}) <= 2)):
        return []
    below = _CAPTION_BELOW.match(text, lines[-1].end)
    is_own = (
        below is not None and _CAPTION.match(below["content"]) is not None and not _ROW_BELOW.match(text, below.end())
    )
    is_own = is_own or (below is not None and _SLANTED.fullmatch(below["content"].strip()) is not None)
    end = below.end() if below and is_own else lines[-1].end
    return [Region(lines[0].start, end, _Table(lines).read)]


class _Table:
    """Reads the lines of one table."""

    def __init__(self, lines: Sequence[_Line]) -> None:
        self._lines = lines
        self._body = _header_rows(lines)

    def read(self, outline: Outline, start: int, end: int) -> None:
        lines, body = self._lines, self._body
        caption = _caption(outline, start)
        with outline.under(*([] if caption is None else [caption])):
            if end - start <= _LONGEST_WHOLE or body >= len(lines):
                outline.add(start, end)
                return
            header: list[int] = []
            if body:
                header.append(outline.add(start, lines[body].start, standalone=False))
            first = len(outline.blocks)
            with outline.under(*header):
                self._add_rows(outline, lines[body:])
            if lines[-1].end < end:
                below = outline.add(lines[-1].end, end, standalone=False)
                for position in range(first, below):
                    outline.add_needs(position, below)

    def _add_rows(self, outline: Outline, rows: Sequence[_Line]) -> None:
        """Add rows; those below a row that is only the name of a group need that row."""
        group: list[int] = []
        for number, row in enumerate(rows):
            stop = rows[number + 1].start if number + 1 < len(rows) else row.end
            names_group = _is_group_name(row) and number + 1 < len(rows)
            if names_group:
                group = []
            with outline.under(*group):
                position = outline.add(row.start, stop, standalone=not names_group)
            if names_group:
                group = [position]


def _header_rows(lines: Sequence[_Line]) -> int:
    """The number of header rows: all up to the line of dashes, and those below it that only name columns."""
    dashes = next((number for number, line in enumerate(lines[: 1 + _MOST_HEADER_ROWS]) if line.dashes), None)
    number = 1 if dashes is None else dashes + 1
    if dashes is None and _has_values(lines[0]):
        return 0
    below = [line for line in lines[number:] if not line.dashes]
    rows = [line for line in below if not _is_group_name(line)]
    with_values = sum(map(_has_values, rows))
    for line in below[:_MOST_HEADER_ROWS]:
        if with_values < 0.6 * len(rows) or _has_values(line) or _is_group_name(line) or len(below) < 2:
            break
        number += 1
    if lines[number - 1].end - lines[0].start > _LONGEST_HEADER:
        return 0
    return number


def _has_values(line: _Line) -> bool:
    """Whether a cell after the first has a digit. Years do not count, for they often name columns."""
    return any(
        any(map(str.isdigit, cell)) and not regex.fullmatch(r"[\D]*(?:19|20)\d\d[\D]*(?:(?:19|20)?\d\d\D*)?", cell)
        for cell in line.cells[1:]
    )


def _is_group_name(line: _Line) -> bool:
    """Whether only the first cell has text, and it is no number."""
    first, *following = line.cells
    return bool(first) and bool(following) and not any(following) and any(map(str.isalpha, first))


def _caption(outline: Outline, start: int) -> int | None:
    """The position of the last block if it is the table's caption."""
    position = len(outline.blocks) - 1
    if position < 0:
        return None
    last = outline.blocks[position]
    content = outline.text[last.start : last.end].strip()
    between = outline.text[last.start + len(outline.text[last.start : last.end].rstrip()) : start]
    if (
        not last.word_border
        or len(content) > _LONGEST_CAPTION
        or between.count("\n") > 2
        or not (last.standalone or last.divisible)
    ):
        return None
    if _CAPTION.match(content) or (not _SENTENCE_END.search(content) and "\n" not in content):
        outline.only_as_context(position)
        return position
    # A whole sentence stays standalone, but the rows need it: it may name their unit of measure.
    return position


def _is_dashes(content: str) -> bool:
    return "-" in content and "|" in content and _DASHES.fullmatch(content) is not None


def _cells(content: str) -> list[str]:
    cells = [cell.strip() for cell in _CELL_BORDER.split(content.strip())]
    return cells[bool(not cells[0]) : len(cells) - (not cells[-1]) if len(cells) > 1 else None]
