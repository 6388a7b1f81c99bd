"""What was found of a text the last time: a service asks again and again about the same documents.

Only for functions of nothing but a text, whose results nobody changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Found = TypeVar("Found")

_TEXTS = 1024
# Characters; what is found of a longer text takes too much room, and the time to find it is little beside reading it.
_LONGEST = 2000


def remembered(function: Callable[[str], Found]) -> Callable[[str], Found]:
    """The function, with what it found of the last thousand short texts. Safe to call from several threads."""
    kept = lru_cache(_TEXTS)(function)

    @wraps(function)
    def of(text: str) -> Found:
        return kept(text) if len(text) <= _LONGEST else function(text)

    return of
