"""Commands with their output, copied from a terminal -> blocks.

A command with short output is one block. Longer output needs the command, and is read by the reader that understands
it.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import Line, lines_between, reads_as_prose
from tersely.text.outline import Outline, Region
from tersely.text.terminal.output import READERS, read_lines, read_with

_LONGEST = 600  # characters of a command with its output that are one block

_PROMPT = regex.compile(
    r"\$ (?!(?:in|per|and|or|[mb]illions?|thousands?|mn|bn)\b)(?=[a-z./~_])"
    r"|(?:\(\S+\) )?\[?[\w.-]+@[\w.-]+[: ]\S*\]?[$\#%] \S|>>> \S"
    r"|In \[\d+\]: \S|PS [A-Z]:\\[^>\n]*> ?\S|[A-Z]:\\[^>\n]*>\S"
)
_HINT = regex.compile(rf"^(?:{_PROMPT.pattern})", regex.M)
_CONTINUED = regex.compile(r"(?:\.\.\.|\.{3}:|>)(?: |$)")
_HEADING = regex.compile(r"#{1,6} \p{Lu}|[-*] |\d+\. ")


def find(text: str, start: int, end: int) -> list[Region]:
    """The sessions between two characters that begin and end lines."""
    if not _HINT.search(text, start, end):
        return []
    regions: list[Region] = []
    for first, last in outside_fences(text, start, end):
        lines = lines_between(text, first, last)
        position = 0
        while position < len(lines):
            if not _is_prompt(lines[position]):
                position += 1
                continue
            stop = _end_of_session(lines, position)
            regions.append(Region(lines[position].start, lines[stop - 1].end, read))
            position = stop
    return regions


def _is_prompt(line: Line) -> bool:
    return not line.indent and _PROMPT.match(line.content) is not None


def _end_of_session(lines: Sequence[Line], first: int) -> int:
    """Where a session ends: before prose after a blank line, or with the text."""
    blank = False
    for position in range(first, len(lines)):
        line = lines[position]
        if blank and not line.indent and (reads_as_prose(line.content) or _HEADING.match(line.content)):
            return position
        blank = not line.content
    return len(lines)


def read(outline: Outline, start: int, end: int) -> None:
    """Add commands with their output between two characters that begin and end lines."""
    lines = lines_between(outline.text, start, end)
    prompts = [position for position, line in enumerate(lines) if _is_prompt(line)]
    for number, first in enumerate(prompts):
        stop = prompts[number + 1] if number + 1 < len(prompts) else len(lines)
        output_start = first + 1
        while output_start < stop and (
            lines[output_start - 1].content.endswith("\\") or _CONTINUED.match(lines[output_start].content)
        ):
            output_start += 1
        if lines[stop - 1].end - lines[first].start <= _LONGEST:
            outline.add(lines[first].start, lines[stop - 1].end)
            continue
        command = outline.add(lines[first].start, lines[output_start - 1].end, standalone=output_start == stop)
        if output_start < stop:
            with outline.under(command):
                read_with(READERS, outline, lines[output_start].start, lines[stop - 1].end, read_lines)
