"""The outline of a text: its blocks in order, and which of them cannot stand without which others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import regex

_SAYS_SOMETHING = regex.compile(r"[\p{L}\p{N}\p{Extended_Pictographic}]")
# A longer line before a list, a table or a block of code costs more than it explains.
_LONGEST_LEAD_IN = 200
_HEADING_LEVELS = 7  # everything but headings, which have levels 1 to 6, stands deeper than all of them


class Block(NamedTuple):
    """Characters `start` to `end` of a text, which are kept or left out as one.

    Attributes:
        start, end: where it stands, the white space after it included.
        needs: positions, in the list of all blocks, of those without which it says something else or nothing: the
            headings over it, the header of its table, the question that it answers, the bracket that closes it. What
            those need, it needs, too; that is not repeated here.
        stands: it says something with no more than what it needs. A heading, a lead-in, a bracket does not: it is kept
            for the blocks that need it, never for itself.
        divisible: it is a sentence of prose, of which a fragment may be of use where fragments are asked for.
        apart: it begins a paragraph, an item, a row or the like: no word reaches into it from the block before.
        joins: for what only stands between two neighbours, such as a comma between records: the positions of all
            blocks before it with the same parent, and of those of the next neighbour. It is kept where a block of both
            is.
    """

    start: int
    end: int
    needs: tuple[int, ...] = ()
    standalone: bool = True
    divisible: bool = False
    word_border: bool = True
    separates: tuple[range, range] | None = None


class Outline:
    """The blocks of a text as its readers add them, from its beginning to its end.

    Attributes:
        text: all of it.
        blocks: those added so far. Together they cover all that was read but white space.

    Args:
        text: all of it.
        split: text -> blocks, for a text inside this one, such as in a string of JSON.
    """

    def __init__(self, text: str, split: Callable[[str], list[Block]]) -> None:
        self.text = text
        self._split = split
        self.blocks: list[Block] = []
        self._context: list[tuple[float, int]] = []  # level and position of what the next block needs, outermost first
        self._fixed = 0  # so many of these stand above all headings that may still be opened

    def add(
        self,
        start: int,
        end: int,
        *,
        standalone: bool = True,
        divisible: bool = False,
        word_border: bool = True,
        needs: tuple[int, ...] = (),
    ) -> int:
        """Add a block, and say its position. White space alone is none: then the last block's position is returned.

        Args:
            start, end: its characters.
            stands, divisible, apart: see `Block`. What has no letter and no digit never stands for itself.
            needs: blocks that it needs besides those that all blocks here need (see `under` and `open_heading`).
        """
        if self.text[start:end].strip():
            context = (position for _, position in self._context)
            standalone = standalone and _SAYS_SOMETHING.search(self.text, start, end) is not None
            self.blocks.append(Block(start, end, tuple(sorted({*context, *needs})), standalone, divisible, word_border))
        return len(self.blocks) - 1

    def add_separator(self, start: int, end: int, first_sibling: int) -> int:
        """Add what stands between two neighbours, right after the first of them, and say its position.

        Args:
            start, end: its characters.
            first_sibling: position of the first block with the same parent.

        Once all blocks of the next neighbour have been added, `close_separator` must be told.
        """
        position = self.add(start, end, standalone=False)
        nothing_yet = range(position + 1, position + 1)
        self.blocks[position] = self.blocks[position]._replace(separates=(range(first_sibling, position), nothing_yet))
        return position

    def close_separator(self, position: int) -> None:
        """Say that the neighbour after a separator has been added whole."""
        neighbours = self.blocks[position].separates
        assert neighbours is not None
        after = range(position + 1, len(self.blocks))
        self.blocks[position] = self.blocks[position]._replace(separates=(neighbours[0], after))

    def add_inner(self, inner: str, places: Sequence[int]) -> None:
        """Add the blocks of a text that stands inside this one, maybe with characters that are written otherwise.

        Args:
            inner: the text as it would stand alone.
            places: for each of its characters where that begins in this text, and where the last one ends.
        """
        blocks = self._split(inner)
        if not blocks:  # white space, written otherwise
            self.add(places[0], places[-1], standalone=False)
        edges = [places[0], *(places[block.start] for block in blocks[1:]), places[-1]]
        first = len(self.blocks)
        for block, (start, end) in zip(blocks, pairwise(edges), strict=False):
            needs = tuple(first + position for position in block.needs)
            position = self.add(start, end, standalone=block.standalone, needs=needs)
            if block.separates:
                earlier, following = (range(first + part.start, first + part.stop) for part in block.separates)
                self.blocks[position] = self.blocks[position]._replace(separates=(earlier, following))

    def add_needs(self, position: int, *needed: int) -> None:
        """Let a block, and all that need it, need others, too, such as an opening bracket the one that closes it."""
        block = self.blocks[position]
        self.blocks[position] = block._replace(needs=tuple(sorted({*block.needs, *needed} - {position})))

    def only_as_context(self, position: int) -> None:
        """Let a block be kept only for those that need it, never for itself."""
        self.blocks[position] = self.blocks[position]._replace(standalone=False)

    def lead_ins_only_as_context(self) -> None:
        """Let no block that ends in a colon stand for itself where the one after it needs it, such as an item."""
        for position, (block, following) in enumerate(pairwise(self.blocks)):
            if block.standalone and position in following.needs and self._leads_in(block):
                self.only_as_context(position)

    def _leads_in(self, block: Block) -> bool:
        content = self.text[block.start : block.end].rstrip()
        return len(content) <= _LONGEST_LEAD_IN and content.endswith((":", "："))

    @contextmanager
    def under(self, *positions: int) -> Iterator[None]:
        """Blocks that are added meanwhile need those at these positions; headings among them end with it.

        Without any position nothing changes.
        """
        if not positions:
            yield
            return
        before = list(self._context), self._fixed
        self._context += [(_HEADING_LEVELS, position) for position in positions]
        self._fixed = len(self._context)
        try:
            yield
        finally:
            self._context, self._fixed = before

    def open_heading(self, level: float, position: int) -> None:
        """All that follows needs the heading at this position, up to the next one of its level or above it."""
        self.close_headings(level)
        self._context.append((level, position))

    @property
    def open_level(self) -> float | None:
        """The level of the heading that was opened last and is still open."""
        return self._context[-1][0] if len(self._context) > self._fixed else None

    def close_headings(self, level: float) -> None:
        """What follows stands under no heading of this level or below it any more."""
        while len(self._context) > self._fixed and self._context[-1][0] >= level:
            self._context.pop()

    def lead_in(self, start: int) -> int | None:
        """The position of the last block if it introduces what begins at `start`; it stands for nothing else then."""
        if not self.blocks:
            return None
        last = self.blocks[-1]
        if not self._leads_in(last) or self.text[last.end : start].strip() or last.separates:
            return None
        self.only_as_context(len(self.blocks) - 1)
        return len(self.blocks) - 1


class Region(NamedTuple):
    """Characters `start` to `end` of a text, whole lines, that one reader understands.

    Attributes:
        start, end: where it stands.
        read: adds its blocks to an outline, in order, so that they cover all of it but white space.
    """

    start: int
    end: int
    read: Callable[[Outline, int, int], None]


# Looks for regions between two characters of a text; gives them in order, none overlapping, often none.
FindRegions = Callable[[str, int, int], list[Region]]
