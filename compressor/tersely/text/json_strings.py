"""A text inside a JSON string -> blocks, as if it stood alone; none begins or ends inside an escape such as `\\n`."""

from __future__ import annotations

import json
from itertools import pairwise

import regex

from tersely.text.outline import Outline

# Two escapes can be one character, outside the first 65,536.
_ESCAPE = regex.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_HALF = regex.compile(r"[\ud800-\udfff]")  # half a character


def read_string(outline: Outline, start: int, end: int) -> None:
    """Add the blocks of what stands between the quotation marks of a JSON string."""
    from tersely.text.structure import split_blocks  # which in turn reads JSON, as such a text can be

    characters = _positions(outline.text, start, end)
    decoded = _HALF.sub("\ufffd", json.loads(f'"{outline.text[start:end]}"'))
    blocks = split_blocks(decoded)
    if not blocks:  # nothing but white space
        outline.add(start, end)
        return
    edges = [start, *(characters[block.start] for block in blocks[1:]), end]
    first = len(outline.blocks)
    for block, (block_start, block_end) in zip(blocks, pairwise(edges), strict=True):
        needs = tuple(first + position for position in block.needs)
        position = outline.add(block_start, block_end, stands=block.stands, needs=needs)
        if block.joins:
            earlier, following = (range(first + part.start, first + part.stop) for part in block.joins)
            outline.blocks[position] = outline.blocks[position]._replace(joins=(earlier, following))


def _positions(text: str, start: int, end: int) -> list[int]:
    """For each character of the string where it begins in the text."""
    positions: list[int] = []
    for escape in _ESCAPE.finditer(text, start, end):
        positions += range(start, escape.start() + 1)
        start = escape.end()
    positions += range(start, end)
    return positions
