"""What the rows of an HTML table need: its header rows, and rows with cells that reach down to them (`rowspan`)."""

from __future__ import annotations

import regex

from tersely.text.markup.scanner import Element
from tersely.text.outline import Outline

_LONGEST_HEADER = 500  # characters; a longer header row is a row like others
_CELL = regex.compile(r"<(td|th)\b", regex.I)
_REACH = regex.compile(r"\browspan\s*=\s*[\"']?(\d{1,3})", regex.I)


class TableRows:
    """Follows the rows of a table as they are added.

    Attributes:
        header: the positions of the header rows over the next row.
    """

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self.header: list[int] = []
        self._under_header = False  # whether a row has been added since the header
        self._reaching: dict[int, int] = {}  # positions of rows, with how many more rows they reach down to

    def is_header(self, row: Element) -> bool:
        """Whether a row has nothing but names of columns."""
        if row.size > _LONGEST_HEADER:
            return False
        cells = {match[1].lower() for match in _CELL.finditer(self._outline.text, row.start, row.end)}
        return cells == {"th"}

    def add_header(self, row: Element) -> None:
        """Add a header row; after other rows it replaces the header rows before these."""
        if self._under_header:
            self.header = []
        self._under_header = False
        self.header.append(self._outline.add(row.start, row.end, standalone=False))

    def above(self) -> list[int]:
        """The positions of the blocks that the next row needs."""
        return [*self.header, *self._reaching]

    def count_row(self, row: Element, position: int) -> None:
        """Count a row that was added at a position."""
        self._under_header = True
        self._reaching = {other: left - 1 for other, left in self._reaching.items() if left > 1}
        reach = max((int(match[1]) for match in _REACH.finditer(self._outline.text, row.start, row.end)), default=1)
        if reach > 1:
            self._reaching[position] = reach - 1
