"""Stack traces of Python, Java and JavaScript -> blocks: a trace whole, or its calls under the error."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import Line, lines_between
from tersely.text.outline import Outline, Region

_LONGEST = 1500  # characters of a trace that is one block

_PYTHON = regex.compile(r"Traceback \(most recent call last\):")
_RAISED = regex.compile(r"[\w.]+(?::|$)")
_CHAINED = regex.compile(r"During handling of the above|The above exception was the direct cause")
_ERROR = regex.compile(
    r"(?:Exception in thread |Uncaught |Caused by: )?(?:\"[^\"]*\" )?[\w.$]*(?:Error|Exception|Throwable)\b"
)
_CALL = regex.compile(r"at [\w.$<>\[\]/@ ]+|\.\.\. \d+ (?:more|common)|Caused by: |Suppressed: ")
_CAUSE = regex.compile(r"Caused by: |Suppressed: ")
_HINT = regex.compile(r"Traceback \(most|\n[ \t]+at \S")


def find(text: str, start: int, end: int) -> list[Region]:
    """The stack traces between two characters that begin and end lines."""
    if text.find("\n", start, end) < 0 or not _HINT.search(text, start, end):
        return []
    regions: list[Region] = []
    for first, last in outside_fences(text, start, end):
        lines = lines_between(text, first, last)
        position = 0
        while position < len(lines):
            stop = _end_of_trace(lines, position)
            if stop:
                regions.append(Region(lines[position].start, lines[stop - 1].end, read))
            position = stop or position + 1
    return regions


def _end_of_trace(lines: Sequence[Line], first: int) -> int:
    """Where the trace ends that begins at a line; 0 if there is none."""
    if _PYTHON.match(lines[first].content):
        return _end_of_python(lines, first)
    if not _ERROR.match(lines[first].content):
        return 0
    calls = position = first + 1
    while position < len(lines) and _CALL.match(lines[position].content):
        position += 1
    return position if position > calls and lines[calls].content.startswith("at ") else 0


def _end_of_python(lines: Sequence[Line], first: int) -> int:
    """Where a trace of Python ends, with the traces of further errors that were raised meanwhile."""
    while True:
        position = _end_of_calls(lines, first)
        chained = _skip_blank(lines, position)
        following = _skip_blank(lines, chained + 1)
        is_chain = following < len(lines) and _CHAINED.match(lines[chained].content)
        if not is_chain or not _PYTHON.match(lines[following].content):
            return position
        first = following


def _end_of_calls(lines: Sequence[Line], first: int) -> int:
    indent = lines[first].indent
    position = first + 1
    while position < len(lines) and lines[position].content and lines[position].indent > indent:
        position += 1
    raised = position < len(lines) and lines[position].indent == indent and _RAISED.match(lines[position].content)
    return position + 1 if raised else position


def _skip_blank(lines: Sequence[Line], position: int) -> int:
    while position < len(lines) and not lines[position].content:
        position += 1
    return position


def read(outline: Outline, start: int, end: int) -> None:
    """Add the blocks of a stack trace between two characters that begin and end lines."""
    if end - start <= _LONGEST:
        outline.add(start, end)
        return
    lines = lines_between(outline.text, start, end)
    openings = [
        position for position, line in enumerate(lines) if _PYTHON.match(line.content) or _CAUSE.match(line.content)
    ]
    edges = sorted({0, *openings, len(lines)})
    for first, stop in pairwise(edges):
        _add_calls(outline, lines[first:stop])


def _add_calls(outline: Outline, lines: Sequence[Line]) -> None:
    """Add the calls that led to an error; each needs the line with the error."""
    is_python = _PYTHON.match(lines[0].content) is not None
    opening = outline.add(lines[0].start, lines[0].end, standalone=not is_python)
    inner = lines[1:]
    outer = (position for position, line in enumerate(inner) if line.content and line.indent <= lines[0].indent)
    raised = next(outer, len(inner)) if is_python else len(inner)
    depth = min((line.indent for line in inner[:raised] if line.content), default=0)
    with outline.under(opening):
        starts = [position for position in range(raised) if not position or inner[position].indent <= depth]
        calls = [outline.add(inner[first].start, inner[stop - 1].end) for first, stop in pairwise([*starts, raised])]
        if raised < len(inner):
            error = outline.add(inner[raised].start, inner[-1].end)
            for call in calls:
                outline.add_needs(call, error)
