"""Logs -> blocks: each entry whole, with the lines that belong to it, such as a stack trace.

An entry begins with a time or a severity. Of the lines without either, deeper ones continue an entry; others are
entries of another format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import Line, lines_between, reads_as_prose
from tersely.text.outline import Outline, Region

_FEWEST = 3  # entries
_LONGEST_ENTRY = 2000  # characters of an entry with its lines that is one block
_LONGEST_GROUP = 600  # characters of a group of entries that is one block
_LONGEST_GAP = 60  # lines without a time between two with one
_LONGEST_STAMP = 200  # characters of a line that are searched for time and severity

_TIME = (
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|\s?[+-]\d\d:?\d\d)?"  # 2026-11-30T20:31:00.123Z
    r"|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|\d\d/\p{L}{3}/\d{4}:\d\d:\d\d:\d\d"  # 2026/11/30 20:31:00, 30/Nov/2026:20:31:00
    r"|(?:\p{L}{3} )?\p{L}{3} [ \d]\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d(?:[.,]\d+)?|[IWEF]\d{4} \d\d:\d\d:\d\d)"
)
_SEVERITY = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|SEVERE)"
_ENTRY = regex.compile(
    rf"\ufeff?[\[(]?{_TIME}(?=[\])]|\s|$|,|:\s|\|)|\S+ \S+ \S+ \[{_TIME}|\[?{_SEVERITY}\]?[:\s|]"
    rf"|(?:\S+\s+){{0,3}}?\[?{_TIME}\]?\s.*\b{_SEVERITY}\b|[\w.-]+ +\| "
    r"|\[\s*\d+\.\d{{6}}\] |(?:level|ts|time)=\S"
)
_HINT = regex.compile(rf"\d:\d\d:\d\d|\d[T ]\d\d:\d\d|{_SEVERITY}|\]\s|\b(?:level|ts|time)=")
# The time before each line, in a log that was recorded line by line.
_STAMP = regex.compile(rf"\ufeff?[\[(]?{_TIME}[\])]?\s?")
_GROUP = regex.compile(r"(?:##\[|::)(end)?group(?:\]|::)")
_CONTINUES = regex.compile(r"at \S|Caused by:|\.\.\. \d+ more|Traceback \(most|[\w.]+(?:Error|Exception)(?::|$)|[)}\]]")


def find(text: str, start: int, end: int) -> list[Region]:
    """The logs between two characters that begin and end lines."""
    if text.count("\n", start, end) < _FEWEST - 1 or not _HINT.search(text, start, end):
        return []
    return [region for first, last in outside_fences(text, start, end) for region in _find(text, first, last)]


def _find(text: str, start: int, end: int) -> Iterator[Region]:
    lines = lines_between(text, start, end)
    entries = [position for position, line in enumerate(lines) if _is_entry(line)]
    run: list[int] = []
    for position in [*entries, len(lines) + _LONGEST_GAP + 1]:
        if run and (position >= len(lines) or not _same_log(lines[run[-1] + 1 : position])):
            if len(run) >= _FEWEST:
                last = _last_line(lines, run)
                yield Region(lines[run[0]].start, lines[last].end, read)
            run = []
        run.append(position)


def _is_entry(line: Line) -> bool:
    """Whether a line begins with a time or a severity, and is no paragraph of a diary."""
    if line.indent or not _ENTRY.match(line.content[:_LONGEST_STAMP]):
        return False
    return (
        len(line.content) < _LONGEST_STAMP
        or line.content.count(". ") < 3
        or regex.search(_SEVERITY, line.content[:80]) is not None
    )


def _same_log(between: Sequence[Line]) -> bool:
    """Whether the lines between two entries belong to the log, too."""
    if len(between) > _LONGEST_GAP:
        return False
    blank = False
    for line in between:
        if blank and not line.indent and reads_as_prose(line.content):
            return False
        blank = not line.content
    return True


def _last_line(lines: Sequence[Line], run: Sequence[int]) -> int:
    """The number of the last line of a log, which is the last line of its last entry."""
    last = run[-1]
    while last + 1 < len(lines) and lines[last + 1].content and not reads_as_prose(lines[last + 1].content):
        last += 1
    return last


def read(outline: Outline, start: int, end: int) -> None:
    """Add the entries between two characters that begin and end lines."""
    lines = [line for line in lines_between(outline.text, start, end) if line.content]
    stamped = sum(_STAMP.match(line.content) is not None for line in lines) > 0.9 * len(lines)
    contents = [_STAMP.sub("", line.content, count=1) if stamped else line.content for line in lines]
    position = 0
    while position < len(lines):
        group = _GROUP.match(contents[position].lstrip())
        stop = position + 1
        if group and not group[1]:
            stop = _end_of_group(contents, position)
            _add_group(outline, lines, contents, range(position, stop))
        else:
            while stop < len(lines) and not _GROUP.match(contents[stop].lstrip()):
                stop += 1
            _add_entries(outline, lines, contents, range(position, stop))
        position = stop


def _end_of_group(contents: Sequence[str], first: int) -> int:
    for position in range(first + 1, len(contents)):
        group = _GROUP.match(contents[position].lstrip())
        if group:
            return position + 1 if group[1] else position
    return len(contents)


def _add_group(outline: Outline, lines: Sequence[Line], contents: Sequence[str], span: range) -> None:
    """Add a group: its entries between the line with its name and the line that ends it."""
    if lines[span[-1]].end - lines[span[0]].start <= _LONGEST_GROUP or len(span) < 3:
        outline.add(lines[span[0]].start, lines[span[-1]].end)
        return
    name = outline.add(lines[span[0]].start, lines[span[0]].end, standalone=False)
    is_closed = _GROUP.match(contents[span[-1]].lstrip()) is not None
    with outline.under(name):
        _add_entries(outline, lines, contents, span[1:-1] if is_closed else span[1:])
    if is_closed:
        outline.add_needs(name, outline.add(lines[span[-1]].start, lines[span[-1]].end, standalone=False))


def _add_entries(outline: Outline, lines: Sequence[Line], contents: Sequence[str], span: range) -> None:
    starts = [
        position for position in span if position == span[0] or not _continues(lines[position], contents[position])
    ]
    for first, stop in pairwise([*starts, span.stop]):
        if lines[stop - 1].end - lines[first].start <= _LONGEST_ENTRY:
            outline.add(lines[first].start, lines[stop - 1].end)
            continue
        entry = outline.add(lines[first].start, lines[first].end)
        with outline.under(entry):
            for position in range(first + 1, stop):
                outline.add(lines[position].start, lines[position].end)


def _continues(line: Line, content: str) -> bool:
    if content is line.content:  # no stamp before it
        return bool(line.indent) or (
            _CONTINUES.match(content) is not None and not _ENTRY.match(content[:_LONGEST_STAMP])
        )
    return content[:1].isspace() or _CONTINUES.match(content) is not None
