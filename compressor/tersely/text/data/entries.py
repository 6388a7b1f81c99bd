"""Entries of settings (YAML, TOML, INI) -> blocks: each needs the keys or the section above it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import regex

from tersely.text.data.record_names import naming_fields
from tersely.text.outline import Outline

# All in characters. An entry up to this length, with its children, is one block.
_LONGEST = 400
_LONGEST_LIST = 200  # the same for an entry of which several children have children
_LONGEST_NAME = 200
_DEEPEST = 64  # levels; an entry below them is one block

_LINE = regex.compile(r"([ \t]*+)([^\n]*+\n?)")
_ANCHOR = regex.compile(r"(?<=[:\-]\s+)&([\w-]++)")
_ALIAS = regex.compile(r"(?<=[:\-,\[]\s*)\*([\w-]++)")


@dataclass(slots=True)
class Entry:
    """A key with its value, or an item of a list.

    Attributes:
        start: where it begins, the comments right above it included.
        end: where the next entry begins that is not in it.
        key: its key; empty for an item.
        has_value: its own lines have more than the key.
        content: if its value is a text on lines of its own, where these begin.
        children: the entries in it; its own lines end where the first child begins.
    """

    start: int
    end: int
    key: str
    has_value: bool
    content: int | None = None
    children: list[Entry] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Characters."""
        return self.end - self.start


def read_entries(outline: Outline, entries: list[Entry], depth: int = 0) -> None:
    """Add the blocks of neighbouring entries; each needs those that name the record of all of them."""
    positions: list[int] = []
    for entry in entries:
        positions.append(len(outline.blocks))
        _add(outline, entry, depth)
    fields = [
        (position, entry.key)
        for position, entry in zip(positions, entries, strict=True)
        if (entry.has_value or entry.children) and entry.content is None and entry.size <= _LONGEST_NAME
    ]
    names = naming_fields(fields)
    for position in positions if names else ():
        if position not in names:
            outline.add_needs(position, *names)


def tie_aliases(outline: Outline, first: int) -> None:
    """Let each block from a position on with an alias of YAML (`*name`) need the block with its anchor (`&name`)."""
    text, blocks = outline.text, outline.blocks
    anchors: dict[str, int] = {}
    for position in range(first, len(blocks)):
        start, end = blocks[position].start, blocks[position].end
        needed = {anchors[alias[1]] for alias in _ALIAS.finditer(text, start, end) if alias[1] in anchors}
        outline.add_needs(position, *needed)
        anchors |= {anchor[1]: position for anchor in _ANCHOR.finditer(text, start, end)}


def _add(outline: Outline, entry: Entry, depth: int) -> None:
    if _is_whole(outline.text, entry) or depth == _DEEPEST:
        outline.add(entry.start, entry.end, standalone=entry.has_value or bool(entry.children))
        return
    opening_end = entry.content if entry.content is not None else entry.children[0].start
    with outline.under(outline.add(entry.start, opening_end, standalone=False)):
        if entry.content is not None:
            _add_lines(outline, entry.content, entry.end)
        else:
            read_entries(outline, entry.children, depth + 1)


def _is_whole(text: str, entry: Entry) -> bool:
    if entry.content is not None:
        return entry.size <= _LONGEST
    if not entry.children or _ANCHOR.search(text, entry.start, entry.children[0].start):
        return True
    holds_records = sum(bool(child.children) for child in entry.children) > 1
    return entry.size <= (_LONGEST_LIST if holds_records else _LONGEST)


def _add_lines(outline: Outline, start: int, end: int) -> None:
    """Add the blocks of an indented text as those of the text without its indent."""
    lines = [line for line in _LINE.finditer(outline.text, start, end) if line[2].strip()]
    depths = [len(line[1]) for line in lines]
    least = min(depths, default=0)
    if depths != [least] * len(depths):  # a kept first line that is deeper than the next would be no YAML
        starts = [line.start() for line, depth in zip(lines, depths, strict=True) if depth == least]
        for first, last in pairwise([start, *starts[1:], end]):
            outline.add(first, last)
        return
    inner = "\n".join(line[2].rstrip("\n") for line in lines)
    places = [place for line in lines for place in range(line.start(2), line.start(2) + len(line[2].rstrip("\n")) + 1)]
    outline.add_inner(inner, [*places[:-1], end])
