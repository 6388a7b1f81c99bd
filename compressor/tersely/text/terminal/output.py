"""Output of a command, in a terminal or a fenced block -> blocks, by the first reader that understands some of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from tersely.text.layout import lines_between
from tersely.text.outline import FindRegions, Outline
from tersely.text.terminal.columns import find as find_columns
from tersely.text.terminal.listings import find as find_listings
from tersely.text.terminal.logs import find as find_logs
from tersely.text.terminal.patches import find as find_patches
from tersely.text.terminal.search_results import find as find_search_results
from tersely.text.terminal.tracebacks import find as find_tracebacks

READERS: tuple[FindRegions, ...] = (
    find_patches,
    find_logs,
    find_tracebacks,
    find_columns,
    find_search_results,
    find_listings,
)


def read_lines(outline: Outline, start: int, end: int) -> None:
    """Add lines of an unknown kind: each with the deeper lines below it is a block."""
    lines = [line for line in lines_between(outline.text, start, end) if line.content]
    starts = [line.start for number, line in enumerate(lines) if not number or not line.indent]
    for first, stop in pairwise([*starts, end]):
        outline.add(first, stop)


def read_with(
    readers: Sequence[FindRegions],
    outline: Outline,
    start: int,
    end: int,
    read_rest: Callable[[Outline, int, int], None],
) -> None:
    """Add the blocks between two characters that begin and end lines.

    Args:
        readers: the first that understands some of the lines is the only one used.
        outline: receives the blocks.
        start, end: the characters.
        read_rest: adds the lines that are in no region of that reader.
    """
    understood = (regions for find in readers if (regions := find(outline.text, start, end)))
    for region in next(understood, []):
        read_rest(outline, start, region.start)
        region.read(outline, region.start, region.end)
        start = region.end
    read_rest(outline, start, end)
