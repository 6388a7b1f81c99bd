"""A user's patterns: which are valid, how large all of them may be, and how they are compiled. Searches nothing.

A pattern may come from a stranger, through a service: it must neither fill the memory nor stay in a cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import regex

# Characters of all patterns as they are compiled, repetitions written out; each takes some 400 bytes of memory.
_MOST_CHARACTERS = 100_000
# The `regex` package caches the last 500 patterns that it compiled, however large they are.
_MOST_CACHED = 2_500
_REPETITION = regex.compile(r"\{\s*(\d+)")


def check_size(patterns: Any) -> Any:
    """The patterns, if they may be compiled; what is no list of patterns is returned as it is.

    Raises:
        ValueError: they would fill the memory.
    """
    if not isinstance(patterns, Iterable) or isinstance(patterns, (str, bytes, Mapping)):
        return patterns
    patterns = tuple(patterns)
    size = 0
    for pattern in patterns:
        text = pattern.pattern if isinstance(pattern, (re.Pattern, regex.Pattern)) else pattern
        size += _written_out(text) if isinstance(text, str) else 0
        if size > _MOST_CHARACTERS:
            raise ValueError(
                f"the patterns have more than {_MOST_CHARACTERS:,} characters, repetitions such as x{{100}} written "
                f"out; give fewer or simpler ones"
            )
    return patterns


def pattern_source(pattern: Any) -> str:
    """A pattern as text that the `regex` engine compiles.

    Raises:
        ValueError: it does not compile.
    """
    if isinstance(pattern, (re.Pattern, regex.Pattern)):
        flags = "".join(
            letter for letter, flag in (("i", re.I), ("m", re.M), ("s", re.S), ("x", re.X)) if pattern.flags & flag
        )
        pattern = f"(?{flags}){pattern.pattern}" if flags else pattern.pattern
    if not isinstance(pattern, str):
        raise ValueError(f"a pattern must be a string or a compiled text pattern, not {pattern!r}")
    if not pattern:
        raise ValueError("a pattern must not be empty")
    try:
        compiled(pattern)
    except (regex.error, RecursionError) as error:
        raise ValueError(f"pattern {pattern!r} does not compile: {error}") from error
    return pattern


def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern, compiled; a large one is compiled anew each time, so that no cache holds it."""
    return regex.compile(pattern, cache_pattern=_written_out(pattern) <= _MOST_CACHED)


def _written_out(pattern: str) -> int:
    """How many characters the pattern has where every repetition is written out as often as it must occur, or more."""
    size = max(len(pattern), 1)
    for number in _REPETITION.findall(pattern):
        size *= max(int(number.lstrip("0")[:10] or 0), 1)
        if size > _MOST_CHARACTERS:
            break
    return size
