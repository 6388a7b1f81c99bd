"""Formulas on lines of their own, in any text -> one block each."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.outline import Outline, Region

_LONGEST = 3000  # characters of a formula; after more its end is taken for missing

_ENVIRONMENTS = "equation|align|aligned|alignat|gather|multline|eqnarray|displaymath|math|flalign|split|cases"
_OPENING = regex.compile(rf"^[ \t>]*(?:(\$\$)|(\\\[)|\\begin\{{((?:{_ENVIRONMENTS})\*?)\}})", regex.M)


def find(text: str, start: int, end: int) -> list[Region]:
    """The formulas that begin a line and end one, between two characters that begin and end lines."""
    if text.find("$$", start, end) < 0 and text.find("\\[", start, end) < 0 and text.find("\\begin{", start, end) < 0:
        return []
    return [region for first, last in outside_fences(text, start, end) for region in _find(text, first, last)]


def _find(text: str, start: int, end: int) -> Iterator[Region]:
    position = start
    while match := _OPENING.search(text, position, end):
        closing = "$$" if match[1] else "\\]" if match[2] else f"\\end{{{match[3]}}}"
        close = text.find(closing, match.end(), min(match.end() + _LONGEST, end))
        position = match.end()
        if close < 0:
            continue
        line_end = text.find("\n", close, end)
        line_end = end if line_end < 0 else line_end + 1
        after = text[close + len(closing) : line_end].strip(" \t\r\n.,;")
        is_sentence = after and not after.startswith(("(", "\\tag", "\\label", "{#", "%"))
        is_sum_of_money = match[1] and "\n\n" in text[match.end() : close]
        if is_sentence or is_sum_of_money:
            continue
        yield Region(match.start(), line_end, _read)
        position = line_end


def _read(outline: Outline, start: int, end: int) -> None:
    lead_in = outline.lead_in(start)
    outline.add(start, end, needs=() if lead_in is None else (lead_in,))
