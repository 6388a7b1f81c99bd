"""Output in columns (`df`, `ps`, `docker ps`, `ls -l`) -> blocks: each row under the header row, if there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import Line, line_groups, lines_between, reads_as_prose
from tersely.text.outline import Outline, Region

_FEWEST_ROWS = 2
_FEWEST_GAPS = 2  # columns of spaces between columns
_WIDEST = 500  # characters of a row
_FEW = 0.2

_HINT = regex.compile(r"^[\p{Lu}%#][^\n|]*\S  |^[-dlbcps][-rwx]{9}", regex.M)
_GAP = regex.compile(r"\S {2,}\S")
_NAMES = regex.compile(r"[\p{Lu}%#][\p{Lu}\d%#()/_.:-]*(?: {1,}[\p{Lu}%#][\p{Lu}\d%#()/_.:-]*)+")  # NAME   READY   AGE
_TITLE = regex.compile(r"[\p{Lu}%#]\S*(?:\s+\S+)*")
_PERMISSIONS = regex.compile(r"[-dlbcps][-rwxsStT]{9}[.+@]?\s+\d+\s")
_TOTAL = regex.compile(r"total \d")


def find(text: str, start: int, end: int) -> list[Region]:
    """The tables in columns between two characters that begin and end lines."""
    if text.find("  ", start, end) < 0 and text.find("r--", start, end) < 0:
        return []
    if text.count("\n", start, end) < _FEWEST_ROWS - 1 or not _HINT.search(text, start, end):
        return []
    regions: list[Region] = []
    for first, last in outside_fences(text, start, end):
        lines = lines_between(text, first, last)
        for group in line_groups(lines):
            for span in _tables([lines[position] for position in group], text):
                regions.append(Region(span[0].start, span[-1].end, read))
    return regions


def _tables(lines: Sequence[Line], text: str) -> Iterator[Sequence[Line]]:
    """The table in a group of lines without blank lines, from its first line to the end of the group."""
    for position, line in enumerate(lines[:3]):  # a command or a lead-in may be above the table
        if len(lines) - position <= _FEWEST_ROWS and not _NAMES.fullmatch(line.content):
            return
        rows = lines[position:]
        if _is_listing(rows) or _is_aligned(rows, text):
            yield rows
            return


def _is_listing(rows: Sequence[Line]) -> bool:
    """Whether these rows are files with their permissions, as `ls -l` lists them."""
    files = rows[1:] if _TOTAL.match(rows[0].content) else rows
    return len(files) >= _FEWEST_ROWS and all(_PERMISSIONS.match(line.content) for line in files)


def _is_aligned(rows: Sequence[Line], text: str) -> bool:
    """Whether the same columns of characters are empty in all rows, and the rows are no prose."""
    named = _NAMES.fullmatch(rows[0].content) is not None and _GAP.search(rows[0].content) is not None
    if len(rows) < (2 if named else _FEWEST_ROWS + 1) or not (named or _TITLE.fullmatch(rows[0].content)):
        return False
    if not named and not any(_GAP.search(line.content) for line in rows[:2]):
        return False
    empty: set[int] | None = None
    for line in rows:
        if line.end - line.start > _WIDEST:
            return False
        raw = text[line.start : line.end].rstrip().expandtabs(8)
        spaces = {column for column, character in enumerate(raw) if character == " "}
        ahead = range(len(raw), _WIDEST)
        empty = spaces.union(ahead) if empty is None else {c for c in empty if c in spaces or c >= len(raw)}
        if not empty:
            return False
    width = max(len(line.content) + line.indent for line in rows)
    gaps = sorted(column for column in empty or () if rows[0].indent < column < width)
    gap_ends = sum(column + 1 not in (empty or ()) for column in gaps)
    if gap_ends < _FEWEST_GAPS or sum(reads_as_prose(line.content) for line in rows) > _FEW * len(rows):
        return False
    return named or sum(any(map(str.isdigit, line.content)) for line in rows[1:]) * 2 > len(rows)


def read(outline: Outline, start: int, end: int) -> None:
    """Add the rows between two characters that begin and end lines."""
    rows = [line for line in lines_between(outline.text, start, end) if line.content]
    has_names = not _PERMISSIONS.match(rows[0].content) and (
        _TOTAL.match(rows[0].content) is None and not any(map(str.isdigit, rows[0].content))
    )
    names = [outline.add(rows[0].start, rows[0].end, standalone=False)] if has_names and len(rows) > 1 else []
    with outline.under(*names):
        for row in rows[len(names) :]:
            outline.add(row.start, row.end)
