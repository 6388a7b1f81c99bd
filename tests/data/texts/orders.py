"""Orders of a shop, and what they cost."""

import math
from dataclasses import dataclass

CURRENCY = "EUR"


@dataclass
class Line:
    """What is ordered, and how often."""

    name: str
    cents: int


# Nothing is ever deleted from it.
class Ledger:
    """
    All orders that were paid.

    They stand in the order in which they came in.
    """

    limit = 40

    def __init__(self) -> None:
        self.lines: list[Line] = []

    @property
    def total(self) -> int:
        """
        What all lines cost.

        In cents.
        """
        return math.fsum(line.cents for line in self.lines)

    def put(
        self,
        line: Line,
    ) -> None:
        # More than this the shop does not deliver.
        if len(self.lines) >= self.limit:
            raise ValueError("the order is full")
        else:
            self.lines.append(line)


if __name__ == "__main__":
    print(Ledger().total)
