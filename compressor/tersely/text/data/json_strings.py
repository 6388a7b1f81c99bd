"""A JSON string -> the text that it stands for, and where in the string each character of it is written."""

from __future__ import annotations

import json

import regex

# Two escapes can be one character, outside the first 65,536.
_ESCAPE = regex.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_HALF = regex.compile(r"[\ud800-\udfff]")  # half a character


def decode_string(text: str, start: int, end: int) -> tuple[str, list[int]]:
    """What stands between the quotation marks of a string, and for each character its place; last where it ends."""
    decoded = _HALF.sub("\ufffd", json.loads(f'"{text[start:end]}"'))
    places: list[int] = []
    for escape in _ESCAPE.finditer(text, start, end):
        places += range(start, escape.start() + 1)
        start = escape.end()
    return decoded, [*places, *range(start, end + 1)]
