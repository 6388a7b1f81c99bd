"""Patches, as `diff` and `git` write them -> blocks: each hunk whole, under the name of its file."""

from __future__ import annotations

import regex

from tersely.text.layout import Line, lines_between
from tersely.text.outline import Outline, Region

_LONGEST_HUNK = 3000  # characters of a hunk that is one block

_HUNK = regex.compile(r"@@+ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_HAS_HUNK = regex.compile(r"^@@+ -\d", regex.M)
_FILE = regex.compile(
    r"diff --git |diff -|index [0-9a-f]{6,}|--- \S|\+\+\+ \S|(?:new|deleted) file mode|(?:old|new) mode|"
    r"(?:similarity|dissimilarity) index|(?:rename|copy) (?:from|to)|Index: |={60,}$|Binary files "
)


def find(text: str, start: int, end: int) -> list[Region]:
    """The patches between two characters that begin and end lines."""
    if text.find("@@ -", start, end) < 0 or not _HAS_HUNK.search(text, start, end):
        return []
    regions: list[Region] = []
    lines = lines_between(text, start, end)
    position = 0
    while position < len(lines):
        stop = _end_of_patch(lines, position)
        if stop > position:
            regions.append(Region(lines[position].start, lines[stop - 1].end, read))
        position = max(stop, position + 1)
    return regions


def _end_of_patch(lines: list[Line], first: int) -> int:
    """Where the patch ends that begins at a line; the line itself if there is none."""
    position, stop = first, first
    while position < len(lines) and not lines[position].indent:
        if _HUNK.match(lines[position].content):
            position = stop = _end_of_hunk(lines, position)
        elif _FILE.match(lines[position].content):
            position += 1
        else:
            break
        while position < len(lines) and not lines[position].content and position > first:
            position += 1
    return stop


def _end_of_hunk(lines: list[Line], first: int) -> int:
    """Where a hunk ends: after as many lines as its first line counts, or before a line that cannot be in it."""
    match = _HUNK.match(lines[first].content)
    assert match is not None
    old, new = int(match[1] or 1), int(match[2] or 1)
    position = first + 1
    while position < len(lines) and (old > 0 or new > 0):
        line = lines[position]
        sign = "" if line.indent else line.content[:1]
        if sign not in ("", "+", "-", "\\") or (sign and _HUNK.match(line.content)):
            break
        old -= sign in ("", "-")
        new -= sign in ("", "+")
        position += 1
    if position < len(lines) and lines[position].content.startswith("\\ No newline"):
        position += 1
    return position


def read(outline: Outline, start: int, end: int) -> None:
    """Add the hunks between two characters that begin and end lines."""
    lines = lines_between(outline.text, start, end)
    position = 0
    while position < len(lines):
        stop = position
        while stop < len(lines) and not _HUNK.match(lines[stop].content):
            stop += 1
        hunks = stop
        while hunks < len(lines) and _HUNK.match(lines[hunks].content):
            hunks = _end_of_hunk(lines, hunks)
            while hunks < len(lines) and not lines[hunks].content:
                hunks += 1
        names = lines[position:stop]
        above = [outline.add(names[0].start, names[-1].end, standalone=hunks == stop)] if names else []
        with outline.under(*above):
            while stop < hunks:
                last = _end_of_hunk(lines, stop)
                _add_hunk(outline, lines[stop:last])
                stop = last
                while stop < hunks and not lines[stop].content:
                    stop += 1
        position = max(hunks, position + 1)


def _add_hunk(outline: Outline, lines: list[Line]) -> None:
    if lines[-1].end - lines[0].start <= _LONGEST_HUNK:
        outline.add(lines[0].start, lines[-1].end)
        return
    with outline.under(outline.add(lines[0].start, lines[0].end, standalone=False)):
        first = 1
        for position in range(2, len(lines) + 1):
            # A new piece begins where unchanged lines follow changed ones.
            ends = position == len(lines) or (_is_changed(lines[position - 1]) and not _is_changed(lines[position]))
            if ends or lines[position - 1].end - lines[first].start > _LONGEST_HUNK:
                outline.add(lines[first].start, lines[position - 1].end)
                first = position


def _is_changed(line: Line) -> bool:
    return not line.indent and line.content[:1] in ("+", "-")
