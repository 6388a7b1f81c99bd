"""The positions of a JSON value and of all values in it. Python's own parser checks JSON, but gives no positions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import regex

# Levels; real data have fewer, and Python's own parser fails at about a thousand.
_DEEPEST = 100

# A token after white space. A string with the colon after it is a key.
_TOKEN = regex.compile(
    r'[ \t\r\n]*+([{}\[\],]|"[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+"(?:[ \t\r\n]*+:)?|[-+.\w]++)'
)


@dataclass(slots=True)
class Value:
    """A JSON value, with its key if it is a member of an object.

    Attributes:
        start: where it begins, its key included.
        content: where its value begins, after the key.
        end: where it ends.
        key: its key as it is written, without the quotation marks; none for an element of an array.
        kind: its first character: `{`, `[`, `"`, or that of a number or a word.
        children: members or elements.
        commas: the positions of the commas between them.
    """

    start: int
    content: int
    end: int
    key: str | None
    kind: str
    children: list[Value] = field(default_factory=list)
    commas: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Characters."""
        return self.end - self.start


def scan_values(text: str, start: int, end: int) -> tuple[list[Value], int]:
    """The object or array that begins at a character, and how far the text was scanned.

    If it has no end, or is no JSON, the values in it that are closed are returned instead, in order. Only brackets,
    keys and strings are looked at: call `is_json` on what is returned.
    """
    opened: list[Value] = []
    key: tuple[int, str] | None = None
    reached = start
    while token := _TOKEN.match(text, reached, end):
        begin, reached = token.span(1)
        first = text[begin]
        if first in "]}":
            if not opened or opened[-1].kind + first not in ("[]", "{}"):
                break
            opened[-1].end = reached
            if len(opened) == 1:
                return opened, reached
            opened.pop()
        elif first == ",":
            opened[-1].commas.append(begin)
        elif text[reached - 1] == ":":
            key = begin, text[begin + 1 : text.rindex('"', begin, reached)]
        else:
            key_start, name = key or (begin, None)
            key = None
            value = Value(key_start, begin, reached, name, first)
            if opened:
                opened[-1].children.append(value)
            if first in "[{":
                if len(opened) == _DEEPEST:
                    break
                opened.append(value)
    unclosed = {id(value) for value in opened}
    return [child for value in opened for child in value.children if id(child) not in unclosed], reached


def is_json(text: str, value: Value) -> bool:
    """Whether Python's own parser accepts the value without its key."""
    try:
        json.loads(text[value.content : value.end])
    except (ValueError, RecursionError):
        return False
    return True
