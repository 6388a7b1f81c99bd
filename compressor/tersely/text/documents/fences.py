"""Fenced code in Markdown -> blocks: short code whole, long code in parts that need its fences."""

from __future__ import annotations

import regex

from tersely.text.data import find_ini, find_json, find_yaml
from tersely.text.fence_spans import closed_fences
from tersely.text.layout import Line, line_groups, lines_between
from tersely.text.markup import find_markup
from tersely.text.outline import FindRegions, Outline, Region
from tersely.text.programs import find_programs, read_program
from tersely.text.terminal import OUTPUT_READERS, find_sessions, read_with

_LONGEST = 1000  # characters of a fenced block, or of lines between blank ones in it, that are one block

# Languages of fences that are no programs.
_NO_PROGRAM = regex.compile(
    r"(?:te?xt|plain\w*|console|terminal|output|log|diff|patch|csv|markdown|md|json\w*|ya?ml|toml|ini|xml|x?html)?\b",
    regex.I,
)
_READERS: tuple[FindRegions, ...] = (
    find_json,
    find_markup,
    find_sessions,
    *OUTPUT_READERS,
    find_ini,
    find_yaml,
    find_programs,
)


def find(text: str, start: int, end: int) -> list[Region]:
    """The fenced blocks that begin at the beginning of a line and are closed."""
    return [Region(first, last, _read) for first, last, indent in closed_fences(text, start, end) if not indent]


def _read(outline: Outline, start: int, end: int) -> None:
    if end - start <= _LONGEST:
        outline.add(start, end)
        return
    lines = lines_between(outline.text, start, end)
    opening, closing = lines[0], lines[-1]
    language = opening.content.strip("`~ ")
    fence = outline.add(opening.start, opening.end, standalone=False)
    with outline.under(fence):
        if not language or _NO_PROGRAM.match(language):
            read_with(_READERS, outline, opening.end, closing.start, _read_lines)
        else:
            read_program(outline, opening.end, closing.start)
    outline.add_needs(fence, outline.add(closing.start, closing.end, standalone=False))


def _read_lines(outline: Outline, start: int, end: int) -> None:
    """Add each group of lines between blank lines; of a long group each line."""
    lines = lines_between(outline.text, start, end)
    for group in line_groups(lines):
        block: list[Line] = lines[group.start : group.stop]
        if block[-1].end - block[0].start <= _LONGEST:
            outline.add(block[0].start, block[-1].end)
        else:
            for line in block:
                outline.add(line.start, line.end)
