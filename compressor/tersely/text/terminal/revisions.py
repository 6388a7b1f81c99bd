"""The log of a repository: each revision with its number, author, date and message is one block."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import regex

from tersely.text.outline import Outline, Region

_REVISION = regex.compile(r"^commit [0-9a-f]{7,40}\b[^\n]*$", regex.M)
_AUTHOR = regex.compile(r"^Author:", regex.M)


def find(text: str, start: int, end: int) -> list[Region]:
    """The log from its first revision on."""
    starts = [match.start() for match in _REVISION.finditer(text, start, end)]
    if not starts or not _AUTHOR.search(text, starts[0], end):
        return []
    return [Region(starts[0], end, partial(_read, starts))]


def _read(starts: list[int], outline: Outline, start: int, end: int) -> None:
    for first, last in pairwise([*starts, end]):
        outline.add(first, last)
