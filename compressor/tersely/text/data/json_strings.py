"""A JSON string -> its text without escapes, and the place of each character of the text in the string."""

from __future__ import annotations

import json

import regex

# A character beyond the first 65,536 is written as two escapes.
_ESCAPE = regex.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_HALF = regex.compile(r"[\ud800-\udfff]")  # half a character


def decode_string(text: str, start: int, end: int) -> tuple[str, list[int]]:
    """The text of a string, and the place of each of its characters; at last where the string ends.

    Args:
        text: has the string in it.
        start, end: the characters between its quotation marks.
    """
    decoded = _HALF.sub("\ufffd", json.loads(f'"{text[start:end]}"'))
    places: list[int] = []
    for escape in _ESCAPE.finditer(text, start, end):
        places += range(start, escape.start() + 1)
        start = escape.end()
    return decoded, [*places, *range(start, end + 1)]
