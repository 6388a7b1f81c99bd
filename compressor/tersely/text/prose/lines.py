"""Paragraphs whose lines are records: rows of a CSV file, entries of a log, items of a list without marks.

Line breaks tell wrapped prose from records. Prose breaks a line where the next word would not fit, and often goes on
with a small letter; records end anywhere. In doubt it is prose.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import regex

_FEWEST = 4  # lines; fewer are kept together
LONGEST_RECORD = 400  # characters of a line with its deeper lines below that is one record
_LONGEST_WRAPPED = 250  # characters; nobody wraps prose to longer lines
_MANY = 0.4
_ALMOST_ALL = 0.8
# A break is early if the next word would have ended within this share of the longest line. The share is below 1, since
# the lines of a PDF are equal in millimetres, not in characters.
_EARLY = 0.8

_LINE = regex.compile(r"[^\n]+")
_SMALL = regex.compile(r"\p{Ll}")
_SIGN = regex.compile(r"[\d\[\]{}<(\"]")
_NAMED = regex.compile(r"[^\s:=][^:=]{0,40}?(?::\s|:$|\s?=)")  # `name: value`, `Alice: message`
_CLOSING = regex.compile(r"[}\])]|</")
_DELIMITERS = {"\t": 2, ";": 2, "|": 3, ",": 3}  # each with the fewest fields of a row


class Record(NamedTuple):
    """A line with the deeper lines below it.

    Attributes:
        start, end: its characters, the white space after it included.
        is_row: it is a row of a table, and never cut.
        is_header: it names the columns of the rows after it.
    """

    start: int
    end: int
    is_row: bool = False
    is_header: bool = False


class _Line(NamedTuple):
    start: int
    indent: int
    text: str  # without the white space around it


def split_records(text: str, start: int, end: int) -> list[Record]:
    """The records of a paragraph, which together cover it; none if it is prose."""
    before = start - 1 - text.rfind("\n", 0, start)  # characters of the first line before the paragraph
    if before and text[start - before : start].isspace():
        return []  # indented as a whole: a quotation, or a program
    lines = [
        _Line(match.start(), len(match[0]) - len(match[0].lstrip()), match[0].strip())
        for match in _LINE.finditer(text, start, end)
        if match[0].strip()
    ]
    if len(lines) < _FEWEST or lines[0].indent:
        return []
    rows = _rows(lines)
    if len(rows) >= _FEWEST and _is_delimited([row.text for row in rows]):
        has_header = _is_header(rows)
        starts = [start, *(row.start for row in rows[1:]), end]
        return [Record(*edges, True, has_header and not number) for number, edges in enumerate(pairwise(starts))]
    outer = [line.text for line in lines if not line.indent]
    if not _are_records(outer if len(outer) >= _FEWEST else [line.text for line in lines]):
        return []
    starts = [start, *list(_record_starts(lines, end))[1:], end]
    return [Record(*edges) for edges in pairwise(starts)]


def _record_starts(lines: Sequence[_Line], end: int) -> Iterator[int]:
    """Where records start: at each outermost line, and in a record that is too long at the outermost lines in it."""
    opening = [i for i, line in enumerate(lines) if not _CLOSING.match(line.text)]
    outermost = min((lines[i].indent for i in opening), default=0)
    # Deeper lines before the first outermost line are one record.
    outer_lines = sorted({0, *(i for i in opening if lines[i].indent <= outermost)})
    for first, last in pairwise([*outer_lines, len(lines)]):
        yield lines[first].start
        stop = lines[last].start if last < len(lines) else end
        if stop - lines[first].start > LONGEST_RECORD and last - first > 1:
            yield from _record_starts(lines[first + 1 : last], stop)


def _rows(lines: Sequence[_Line]) -> list[_Line]:
    """The rows: lines are joined while a quotation mark is open, since a cell may have line ends in it."""
    rows: list[_Line] = []
    is_open = False
    for line in lines:
        if is_open:
            rows[-1] = rows[-1]._replace(text=f"{rows[-1].text}\n{line.text}")
        else:
            rows.append(line)
        is_open ^= line.text.count('"') % 2 == 1
    return rows if not is_open else list(lines)


def _is_delimited(lines: Sequence[str]) -> bool:
    """Whether all lines have the same number of fields, by one of the usual delimiters, and are not sentences."""
    if _share(", " in line and line.endswith((".", "!", "?")) for line in lines) > _MANY:
        return False
    for delimiter, fewest in _DELIMITERS.items():
        fields = len(_fields(lines[0], delimiter))
        if fields >= fewest and all(len(_fields(line, delimiter)) == fields for line in lines):
            return True
    return False


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(line.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error:  # a field of more than 128 kB
        return []


def _is_header(lines: Sequence[_Line]) -> bool:
    """Whether the first row has no number though most others have one."""
    first, *following = (any(map(str.isdigit, line.text)) for line in lines)
    return not first and _share(following) > 0.5


def _are_records(lines: Sequence[str]) -> bool:
    if _share(_NAMED.match(line) is not None for line in lines) >= _ALMOST_ALL:
        return True
    if _share(_SIGN.match(line) is not None for line in lines) >= _ALMOST_ALL:
        return True
    if _share(_SMALL.match(line) is not None for line in lines) > 1 - _ALMOST_ALL:
        return False
    longest = max(map(len, lines))
    if longest > _LONGEST_WRAPPED:
        return True
    ends = (len(line) + 1 + len(following.split(maxsplit=1)[0]) for line, following in pairwise(lines))
    return _share(end <= _EARLY * longest for end in ends) >= _MANY


def _share(answers: Iterable[bool]) -> float:
    answers = list(answers)
    return sum(answers) / len(answers)
