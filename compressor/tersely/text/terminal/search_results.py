"""Results of a search in files -> blocks: matching lines, together with the lines around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import Line, lines_between
from tersely.text.outline import Outline, Region

_FEWEST = 2  # lines that begin with the name of a file
_LONGEST = 1500  # characters of neighbouring lines of a file that are one block

_NAME = r"(?P<file>(?:[\w.@~+-]*/)*[\w.@+-]*?(?:\.\w{1,10}|(?<=/)[\w@+-]+))"
_NUMBERED = regex.compile(_NAME + r"(?P<sign>[:-])\d+(?P=sign)")
_PLAIN = regex.compile(_NAME + r"(?P<sign>[:-])(?!//)")
_HINT = regex.compile(r"\n(?=[^\s:]{1,200}[:-])[^\s:]{0,200}?[./]")
_BETWEEN = "--"


def find(text: str, start: int, end: int) -> list[Region]:
    """The results of searches between two characters that begin and end lines."""
    if text.find("\n", start, end) < 0 or not _HINT.search(text, start, end):
        return []
    return [region for first, last in outside_fences(text, start, end) for region in _find(text, first, last)]


def _find(text: str, start: int, end: int) -> Iterator[Region]:
    lines = lines_between(text, start, end)
    run: list[Line] = []
    for line in [*lines, Line(end, end, 0, "")]:
        if not line.indent and (_match(line) or (run and line.content == _BETWEEN)):
            run.append(line)
            continue
        while run and run[-1].content == _BETWEEN:
            run.pop()
        if _is_search(run):
            yield Region(run[0].start, run[-1].end, read)
        run = []


def _match(line: Line) -> regex.Match[str] | None:
    return _NUMBERED.match(line.content[:300]) or _PLAIN.match(line.content[:300])


def _is_search(run: Sequence[Line]) -> bool:
    """Whether lines are results of a search, and not only begin like names of files."""
    matches = [match for line in run if (match := _match(line))]
    if len(matches) < _FEWEST or not any(match["sign"] == ":" for match in matches):
        return False
    numbered = sum(_NUMBERED.match(line.content[:300]) is not None for line in run)
    is_separated = any(line.content == _BETWEEN for line in run)
    return numbered * 2 > len(matches) or is_separated or all("/" in match["file"] for match in matches)


def read(outline: Outline, start: int, end: int) -> None:
    """Add the results between two characters that begin and end lines."""
    lines = [line for line in lines_between(outline.text, start, end) if line.content]
    around = any(match["sign"] == "-" for line in lines if (match := _match(line)))
    first_sibling, separator = len(outline.blocks), -1
    first = 0
    for position in range(1, len(lines) + 1):
        following = lines[position] if position < len(lines) else None
        if following and around and _file(following) == _file(lines[first]) and _fits(lines[first], following):
            continue
        if lines[first].content == _BETWEEN:
            separator = outline.add_separator(lines[first].start, lines[position - 1].end, first_sibling)
        else:
            outline.add(lines[first].start, lines[position - 1].end)
            if separator >= 0:
                if following is None or following.content == _BETWEEN:
                    outline.close_separator(separator)
                    separator = -1
        first = position


def _file(line: Line) -> str:
    match = _match(line)
    return match["file"] if match else line.content


def _fits(first: Line, last: Line) -> bool:
    return last.end - first.start <= _LONGEST
