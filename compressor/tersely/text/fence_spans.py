"""Where the fenced blocks of Markdown begin and end in a text."""

from __future__ import annotations

from collections.abc import Iterator

import regex

_FENCE = regex.compile(r"^([ \t]*)(`{3,12}|~{3,12})([^`\n]*)$", regex.M)


def outside_fences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The spans between fenced blocks, those inside list items included."""
    outside: list[tuple[int, int]] = []
    for first, last, _ in closed_fences(text, start, end):
        outside.append((start, first))
        start = last
    outside.append((start, end))
    return [(first, last) for first, last in outside if first < last]


def closed_fences(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """The first and last character of each closed fenced block, and the white space before it."""
    if text.find("```", start, end) < 0 and text.find("~~~", start, end) < 0:
        return
    opening: regex.Match[str] | None = None
    for match in _FENCE.finditer(text, start, end):
        if opening is None:
            if match[2][0] == "~" and not match[3].strip() and _is_underline(text, match.start(), start):
                continue
            opening = match
        elif match[2].startswith(opening[2]) and not match[3].strip():
            line_end = text.find("\n", match.end(), end)
            yield opening.start(), end if line_end < 0 else line_end + 1, opening[1]
            opening = None


def _is_underline(text: str, start: int, first: int) -> bool:
    """Whether the line above is a title that this line underlines, as in reStructuredText."""
    return bool(text[text.rfind("\n", first, max(start - 1, first)) + 1 : start].strip())
