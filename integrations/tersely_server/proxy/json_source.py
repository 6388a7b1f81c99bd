"""A JSON text with some of its values changed. All other characters stay as they were written.

Escapes, digits beyond a double, the order of keys and white space are the client's and survive, for nothing is written
anew but what changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

# Keys and indexes from the outermost value to the one that is meant.
Path = tuple[str | int, ...]

_LONGEST_INTEGER = 4_000  # digits: Python refuses to read longer ones
_SPACE = re.compile(r"[ \t\n\r]*")
# What stands for one character of a string's value.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Splice(NamedTuple):
    """Characters `start` up to but not including `end` of a string's value, and the text that takes their place."""

    start: int
    end: int
    text: str


# What becomes of a value: some of a string is replaced; None cuts a member or an element, its comma included.
Change = Sequence[Splice] | None


class _Edit(NamedTuple):
    """Characters of the source, and what takes their place."""

    start: int
    end: int
    text: str


class _Item(NamedTuple):
    """A member of an object or an element of an array, and where it and its value are written."""

    key: str | int
    start: int
    value_start: int
    end: int


def parsed(source: str) -> Any:
    """The value that a JSON text stands for.

    Raises:
        ValueError: it is no JSON.
    """
    return _decoder.decode(source)


def changed(source: str, changes: Mapping[Path, Change]) -> str:
    """The text with some of its values changed.

    Of members with the same key the last one counts, as for `parsed`; a cut takes all of them.

    Args:
        source: JSON, which `parsed` has read.
        changes: by where the values stand; the splices of a string ascend. What is changed within a cut is cut.
    """
    if not changes:
        return source
    pieces, end_of_last = [], 0
    for edit in _edits(source, _after_space(source, 0), changes):
        pieces += [source[end_of_last : edit.start], edit.text]
        end_of_last = edit.end
    return "".join([*pieces, source[end_of_last:]])


def _edits(source: str, start: int, changes: Mapping[Path, Change]) -> Iterator[_Edit]:
    """The edits within the value that is written at `start`, in their order."""
    splices = changes.get(())
    if splices is not None:
        yield from _edits_of_string(source, start, splices)
        return
    below: dict[str | int, dict[Path, Change]] = {}
    for (key, *rest), change in changes.items():
        below.setdefault(key, {})[tuple(rest)] = change
    items = list(_items(source, start))
    last = {item.key: item for item in items}
    before, keeps = None, False
    for item, after in zip_longest(items, items[1:]):
        inner = below.get(item.key, {})
        if () in inner and inner[()] is None:
            if keeps:  # with the comma before it
                yield _Edit(before.end if before else item.start, item.end, "")
            else:
                yield _Edit(item.start, after.start if after else item.end, "")
        else:
            keeps = True
            if inner and last[item.key] is item:
                yield from _edits(source, item.value_start, inner)
        before = item


def _items(source: str, start: int) -> Iterator[_Item]:
    """What the object or array that is written at `start` holds."""
    position, number = _after_space(source, start + 1), 0
    while source[position] not in "]}":
        key: str | int = number
        value_start = position
        if source[start] == "{":
            key, end_of_key = _decoder.raw_decode(source, position)
            value_start = _after_space(source, _after_space(source, end_of_key) + 1)
        _, end = _decoder.raw_decode(source, value_start)
        yield _Item(key, position, value_start, end)
        position, number = _after_space(source, end), number + 1
        if source[position] == ",":
            position = _after_space(source, position + 1)


def _edits_of_string(source: str, start: int, splices: Sequence[Splice]) -> Iterator[_Edit]:
    _, end = _decoder.raw_decode(source, start)
    ascii_only = source[start:end].isascii()
    edges = iter(_written_at(source, start + 1, end - 1, [edge for splice in splices for edge in splice[:2]]))
    for splice, first, last in zip(splices, edges, edges, strict=True):
        yield _Edit(first, last, _written(splice.text, ascii_only))


def _written_at(source: str, start: int, end: int, indexes: Sequence[int]) -> Iterator[int]:
    """Where characters of a string's value are written; `start` and `end` lie inside its quotes, the indexes ascend."""
    escapes = _ESCAPE.finditer(source, start, end)
    escape = next(escapes, None)
    position, passed = start, 0
    for index in indexes:
        while escape is not None and passed + escape.start() - position < index:
            passed += escape.start() - position + 1
            position = escape.end()
            escape = next(escapes, None)
        yield position + index - passed


def _written(text: str, ascii_only: bool) -> str:
    """The text as it stands in a JSON string. A lone surrogate is always escaped: UTF-8 has no bytes for it."""
    return _SURROGATE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", json.dumps(text, ensure_ascii=ascii_only)[1:-1])


def _after_space(source: str, position: int) -> int:
    """The first position, from this one on, that holds no white space."""
    space = _SPACE.match(source, position)
    return space.end() if space else position


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_decoder = json.JSONDecoder(parse_int=_integer)
