"""Listings -> blocks: a name with the line below it, or keys with their values.

`which rg jq` prints each name and its path on two lines. `apt show` and `systemctl show` print groups of keys with
values, and blank lines between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import Line, line_groups, lines_between
from tersely.text.outline import Outline, Region

_FEWEST_PAIRS = 3
_LONGEST_OF_PAIR = 120  # characters of a line
_LONGEST = 1500  # characters of a group of keys and values that is one block

_KEY = regex.compile(r"([\p{L}_][\w .()/-]{0,40}?)\s?[:=](?:\s|$)")
_FIRST_KEY = regex.compile(r"^[\p{L}_][\w .()/-]{0,40}?\s?[:=]\s", regex.M)
_SECOND_PAIR = regex.compile(r"\n\S{1,60}\n[^\n]*(?:/|not found)")
_NAME = regex.compile(r"[\w.@+-]{1,60}:?")
_PLACE = regex.compile(
    r"(?:~|\.{1,2})?/\S*(?: .*)?|[A-Z]:\\.*|.*\b(?:not found|no such|not installed|missing|none)\b.*", regex.I
)


def find(text: str, start: int, end: int) -> list[Region]:
    """The listings between two characters that begin and end lines."""
    if text.count("\n", start, end) < _FEWEST_PAIRS:
        return []
    in_blocks = text.find("\n\n", start, end) >= 0 and _FIRST_KEY.search(text, start, end)
    if not in_blocks and not _SECOND_PAIR.search(text, start, end):
        return []
    regions: list[Region] = []
    for first, last in outside_fences(text, start, end):
        lines = lines_between(text, first, last)
        groups = [lines[group.start : group.stop] for group in line_groups(lines)]
        regions += [*_blocks(groups), *(Region(g[0].start, g[-1].end, _read_pairs) for g in groups if _is_pairs(g))]
    return sorted(regions, key=lambda region: region.start)


def _is_pairs(lines: Sequence[Line]) -> bool:
    """Whether lines are in turns a name and its path, or a remark such as `not found`."""
    if len(lines) % 2 or len(lines) < 2 * _FEWEST_PAIRS:
        return False
    names, places = lines[::2], lines[1::2]
    if any(line.indent or len(line.content) > _LONGEST_OF_PAIR for line in lines):
        return False
    placed = sum(_PLACE.fullmatch(line.content) is not None for line in places)
    return all(_NAME.fullmatch(line.content) for line in names) and placed * 2 > len(places)


def _blocks(groups: Sequence[Sequence[Line]]) -> Iterator[Region]:
    """Neighbouring groups of keys and values that begin with the same key."""
    keys = [_first_key(group) for group in groups]
    first = 0
    for position in range(1, len(groups) + 1):
        if position < len(groups) and keys[position] and keys[position] == keys[first]:
            continue
        if keys[first] and position - first > 1:
            yield Region(groups[first][0].start, groups[position - 1][-1].end, _read_blocks)
        first = position


def _first_key(lines: Sequence[Line]) -> str | None:
    """The first key of a group; None if not all of its outermost lines have a key."""
    if len(lines) < 2 or lines[0].indent:
        return None
    matches = [_KEY.match(line.content) for line in lines if not line.indent]
    return matches[0][1] if matches[0] and all(matches) and len(matches) > 1 else None


def _read_pairs(outline: Outline, start: int, end: int) -> None:
    lines = lines_between(outline.text, start, end)
    for name, place in zip(lines[::2], lines[1::2], strict=True):
        outline.add(name.start, place.end)


def _read_blocks(outline: Outline, start: int, end: int) -> None:
    lines = lines_between(outline.text, start, end)
    for group in line_groups(lines):
        block = lines[group.start : group.stop]
        if block[-1].end - block[0].start <= _LONGEST:
            outline.add(block[0].start, block[-1].end)
            continue
        starts = [position for position, line in enumerate(block) if not line.indent]
        with outline.under(outline.add(block[0].start, block[starts[1] - 1].end)):
            for first, stop in pairwise([*starts[1:], len(block)]):
                outline.add(block[first].start, block[stop - 1].end)
