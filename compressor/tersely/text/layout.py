"""Lines of a text: where each begins and ends, its indent, and its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import regex

_TAB = 4
# Six small words in a row, the first of which may begin with a capital; or a short sentence from beginning to end.
_SENTENCE = regex.compile(
    r"(?<![^\s(\"'“])\p{L}[\p{Ll}'’-]*+[,;:]?(?:\s\(?[\p{Ll}'’-]++[,;:)]{0,2}){5}(?=[\s.!?]|$)"
    r"|^\p{Lu}\p{Ll}*+(?:,?\s[\p{L}\d'’-]++){2,8}[.!?]$"
)


class Line(NamedTuple):
    """Characters `start` to `end` of a text, the line break included.

    Attributes:
        indent: columns of white space before the content.
        content: its text, without the white space around it.
    """

    start: int
    end: int
    indent: int
    content: str


class HasContent(Protocol):
    """A line of any reader."""

    @property
    def content(self) -> str: ...


def lines_between(text: str, start: int, end: int) -> list[Line]:
    """All lines between two characters that begin and end lines."""
    lines: list[Line] = []
    for raw in text[start:end].split("\n"):
        stop = min(start + len(raw) + 1, end)
        content = raw.strip()
        lead = raw[: len(raw) - len(raw.lstrip())]
        lines.append(Line(start, stop, len(lead.expandtabs(_TAB)) if content else 0, content))
        start = stop
    if lines and lines[-1].start == lines[-1].end:
        lines.pop()
    return lines


def line_groups(lines: Iterable[HasContent]) -> Iterator[range]:
    """Ranges of neighbouring lines without a blank line between them."""
    first: int | None = None
    position = -1
    for position, line in enumerate(lines):
        if line.content:
            first = position if first is None else first
        elif first is not None:
            yield range(first, position)
            first = None
    if first is not None:
        yield range(first, position + 1)


def reads_as_prose(content: str) -> bool:
    """Whether a line has a sentence on it, or a piece of a sentence."""
    return _SENTENCE.search(content[:400]) is not None
