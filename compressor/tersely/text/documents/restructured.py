"""reStructuredText -> blocks: directives with their bodies, and underlined titles as headings.

Underlined lines have other meanings in plain text. Only in a text with a directive or a role are they surely titles.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import regex

from tersely.text.layout import Line, lines_between
from tersely.text.outline import Outline, Region
from tersely.text.programs import read_program
from tersely.text.prose import add_entry

_LONGEST_CODE = 1000  # characters of a program that is one block with its directive
_LONGEST_TITLE = 200
_DEEPEST_LEVEL = 6

_DIRECTIVE = regex.compile(r"\.\. (?:[\w:+-]+::|\[[\w#*-]+\]\s|_[^:]+:)")
_CODE = regex.compile(r"\.\. (?:code|code-block|sourcecode|parsed-literal|testcode|literalinclude|prompt)::")
_SIGN = regex.compile(r"^\.\. (?:[\w:+-]+::|_[^:\n]+:)|:[\w+-]+(?::[\w+-]+)?:`[^`\n]+`", regex.M)
_UNDERLINE = regex.compile(r"([=\-~^\"'*+#`.:_<>])\1{2,}$")


def find(text: str, start: int, end: int) -> list[Region]:
    """The directives and titles between two characters that begin and end lines."""
    if text.find(".. ", start, end) < 0 and text.find(":`", start, end) < 0:
        return []
    if not _SIGN.search(text, start, end):
        return []
    lines = lines_between(text, start, end)
    levels: list[str] = []  # kinds of lines above and under titles, as they come
    regions: list[Region] = []
    position = 0
    while position < len(lines):
        stop, read = _part(lines, position, levels)
        if read:
            regions.append(Region(lines[position].start, lines[stop - 1].end, read))
        position = stop
    return regions


def _part(lines: list[Line], first: int, levels: list[str]) -> tuple[int, Callable[[Outline, int, int], None] | None]:
    """Where the directive or title at a line ends, and its reader; the next line and None if there is none."""
    line = lines[first]
    if line.indent or not line.content:
        return first + 1, None
    if _DIRECTIVE.match(line.content):
        stop = first + 1
        while stop < len(lines) and (not lines[stop].content or lines[stop].indent):
            stop += 1
        return stop, _read_code if _CODE.match(line.content) else add_entry
    over = _UNDERLINE.match(line.content) is not None
    title, under = lines[first + over : first + over + 2] if first + over + 1 < len(lines) else (line, line)
    is_under = _UNDERLINE.match(under.content) and not under.indent and 0 < len(title.content) <= len(under.content)
    if not is_under or _UNDERLINE.match(title.content) or len(title.content) > _LONGEST_TITLE:
        return first + 1, None
    if over and line.content != under.content:
        return first + 1, None
    kind = under.content[0] * (1 + over)
    if kind not in levels:
        levels.append(kind)
    return first + over + 2, partial(_read_title, level=min(levels.index(kind) + 1, _DEEPEST_LEVEL))


def _read_title(outline: Outline, start: int, end: int, level: int) -> None:
    outline.close_headings(level)
    outline.open_heading(level, outline.add(start, end, standalone=False))


def _read_code(outline: Outline, start: int, end: int) -> None:
    """Add a directive with the program in it."""
    if end - start <= _LONGEST_CODE:
        outline.add(start, end)
        return
    lines = lines_between(outline.text, start, end)
    body = next((number for number, line in enumerate(lines) if number and not line.content), 1)
    with outline.under(outline.add(start, lines[body - 1].end, standalone=False)):
        if body < len(lines):
            read_program(outline, lines[body].start, end)
