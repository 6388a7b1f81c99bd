"""A text inside another, such as in a JSON string -> blocks, by the reader that understands it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tersely.text.outline import Outline


def read_inner(outline: Outline, inner: str, places: Sequence[int]) -> None:
    """Add the blocks of a text that stands inside the outline's text, maybe with characters that are written otherwise.

    Args:
        outline: it receives them.
        inner: the text as it would stand alone.
        places: for each character of it where it begins in the outline's text, and where the last one ends.
    """
    from tersely.text.structure import split_blocks  # which asks the readers that ask for this

    blocks = split_blocks(inner)
    if not blocks:  # white space, written otherwise
        outline.add(places[0], places[-1], stands=False)
    edges = [places[0], *(places[block.start] for block in blocks[1:]), places[-1]]
    first = len(outline.blocks)
    for block, (start, end) in zip(blocks, pairwise(edges), strict=False):
        needs = tuple(first + position for position in block.needs)
        position = outline.add(start, end, stands=block.stands, needs=needs)
        if block.joins:
            earlier, following = (range(first + part.start, first + part.stop) for part in block.joins)
            outline.blocks[position] = outline.blocks[position]._replace(joins=(earlier, following))
