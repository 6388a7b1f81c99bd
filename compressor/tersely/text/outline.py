"""The outline of a text: its blocks in order, and which of them mean nothing without which others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import regex

_SAYS_SOMETHING = regex.compile(r"[\p{L}\p{N}\p{Extended_Pictographic}]")
# A longer line before a list, a table or a block of code costs more than it explains.
_LONGEST_LEAD_IN = 200
_BELOW_ALL_HEADINGS = 7  # headings have levels 1 to 6.9


class Block(NamedTuple):
    """Characters `start` to `end` of a text, which are kept or left out together.

    Attributes:
        start, end: its characters, the white space after it included.
        needs: positions, in the list of all blocks, of its context: the headings over it, the header of its table, the
            question that it answers, the bracket that closes it. What those need is not repeated here.
        standalone: with its context it tells a reader something, so it becomes a unit. A heading, a lead-in or a
            bracket is not standalone: it is kept only as context of other blocks.
        divisible: it is a sentence of prose; where fragments are allowed, a part of it may be kept.
        word_border: a new word begins with it, as with a paragraph, an item or a row.
        separates: for a separator, such as the comma between two records: the positions of all blocks before it with
            the same parent, and of those of the next record. It is kept if a block of each is kept.
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
        blocks: those added so far. Together they cover the text up to where its readers are, but for white space.

    Args:
        text: all of it.
        split: text -> blocks, for a text inside this one, such as in a string of JSON.
    """

    def __init__(self, text: str, split: Callable[[str], list[Block]]) -> None:
        self.text = text
        self._split = split
        self.blocks: list[Block] = []
        self._context: list[tuple[float, int]] = []  # what the next block needs: levels and positions, outermost first
        self._fixed = 0  # how many of these come from `under`: a new heading does not close them

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
        """Add a block, and return its position. White space is no block: then the last block's position is returned.

        Args:
            start, end: its characters.
            standalone, divisible, word_border: see `Block`. A block without a letter or digit is never standalone.
            needs: its context besides that of all blocks here (see `under` and `open_heading`).
        """
        if self.text[start:end].strip():
            context = (position for _, position in self._context)
            standalone = standalone and _SAYS_SOMETHING.search(self.text, start, end) is not None
            self.blocks.append(Block(start, end, tuple(sorted({*context, *needs})), standalone, divisible, word_border))
        return len(self.blocks) - 1

    def add_separator(self, start: int, end: int, first_sibling: int) -> int:
        """Add a separator right after the record before it, and return its position.

        Once all blocks of the next record have been added, `close_separator` must be called.

        Args:
            start, end: its characters.
            first_sibling: position of the first block with the same parent.
        """
        position = self.add(start, end, standalone=False)
        nothing_yet = range(position + 1, position + 1)
        self.blocks[position] = self.blocks[position]._replace(separates=(range(first_sibling, position), nothing_yet))
        return position

    def close_separator(self, position: int) -> None:
        """End the record after a separator: all its blocks have been added."""
        neighbours = self.blocks[position].separates
        assert neighbours is not None
        after = range(position + 1, len(self.blocks))
        self.blocks[position] = self.blocks[position]._replace(separates=(neighbours[0], after))

    def add_inner(self, inner: str, places: Sequence[int]) -> None:
        """Add the blocks of a text inside this one, such as a string of JSON, in which escapes stand for characters.

        Args:
            inner: the text as it would stand alone.
            places: for each of its characters the position in this text, and at last where the last one ends.
        """
        blocks = self._split(inner)
        if not blocks:  # nothing but escaped white space
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
        """Add to the context of a block, such as the closing bracket to that of the opening one."""
        block = self.blocks[position]
        self.blocks[position] = block._replace(needs=tuple(sorted({*block.needs, *needed} - {position})))

    def only_as_context(self, position: int) -> None:
        """Make a block one that is no unit, and is kept only where another block needs it."""
        self.blocks[position] = self.blocks[position]._replace(standalone=False)

    def lead_ins_only_as_context(self) -> None:
        """Keep a block that ends in a colon only as context, if the block after it needs it."""
        for position, (block, following) in enumerate(pairwise(self.blocks)):
            if block.standalone and position in following.needs and self._leads_in(block):
                self.only_as_context(position)

    def _leads_in(self, block: Block) -> bool:
        content = self.text[block.start : block.end].rstrip()
        return len(content) <= _LONGEST_LEAD_IN and content.endswith((":", "："))

    @contextmanager
    def under(self, *positions: int) -> Iterator[None]:
        """Let all blocks added inside the `with` need those at these positions; headings opened inside end with it.

        Without any position nothing changes.
        """
        if not positions:
            yield
            return
        before = list(self._context), self._fixed
        self._context += [(_BELOW_ALL_HEADINGS, position) for position in positions]
        self._fixed = len(self._context)
        try:
            yield
        finally:
            self._context, self._fixed = before

    def open_heading(self, level: float, position: int) -> None:
        """Let all that follows need the heading at this position, up to the next one of its level or above."""
        self.close_headings(level)
        self._context.append((level, position))

    @property
    def open_level(self) -> float | None:
        """The level of the heading that was opened last and is still open."""
        return self._context[-1][0] if len(self._context) > self._fixed else None

    def close_headings(self, level: float) -> None:
        """End the headings of this level and below: what follows does not need them."""
        while len(self._context) > self._fixed and self._context[-1][0] >= level:
            self._context.pop()

    def lead_in(self, start: int) -> int | None:
        """The position of the last block if it introduces what begins at `start`; it is then kept only as context."""
        if not self.blocks:
            return None
        last = self.blocks[-1]
        if not self._leads_in(last) or self.text[last.end : start].strip() or last.separates:
            return None
        self.only_as_context(len(self.blocks) - 1)
        return len(self.blocks) - 1


class Region(NamedTuple):
    """Whole lines of a text that one reader understands.

    Attributes:
        start, end: their characters.
        read: takes an outline, `start` and `end`, and adds blocks that cover all of them but white space, in order.
    """

    start: int
    end: int
    read: Callable[[Outline, int, int], None]


# A reader: takes a text and two positions in it; returns the regions between them that it understands, in order.
FindRegions = Callable[[str, int, int], list[Region]]
