"""What a program wrote, in a terminal or a fenced block -> blocks, by the first reader that understands some of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tersely.text import changes, columns, command_output, logs, matches, tracebacks
from tersely.text.outline import FindRegions, Outline

READERS: tuple[FindRegions, ...] = (
    changes.find,
    logs.find,
    tracebacks.find,
    columns.find,
    matches.find,
    command_output.find,
)


def read_with(
    readers: Sequence[FindRegions],
    outline: Outline,
    start: int,
    end: int,
    read_rest: Callable[[Outline, int, int], None],
) -> None:
    """Add the blocks between two characters that begin and end lines; `read_rest` adds what no reader takes."""
    understood = (regions for find in readers if (regions := find(outline.text, start, end)))
    for region in next(understood, []):
        read_rest(outline, start, region.start)
        region.read(outline, region.start, region.end)
        start = region.end
    read_rest(outline, start, end)
