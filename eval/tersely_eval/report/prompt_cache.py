"""When compression saves money beside a provider's prompt cache, and when it costs more. Only input tokens count.

A cache takes more than the plain price for tokens that it writes, and little for those that it has. It has what a
request begins with as long as that stays the same, byte for byte. Three ways to compress follow from that:

- **once**: each turn's context is compressed by that turn's question and then stays. All that is written and had
  shrinks alike, so `1 - rate` of it is saved, however long the conversation is.
- **anew for each question**: the same context again and again, compressed by each new question. Nothing of it is in
  the cache, and each question pays `rate` of it. Whole, it would be written once and had from then on.
- **rewritten**: with each turn all earlier contexts are compressed by the newest question. Each turn writes them all.

The documents' tokens are the unit, and the plain price of one is 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class CachePrices(NamedTuple):
    """Prices beside the plain one, which is 1.

    Attributes:
        write: of a token that is put into the cache.
        read: of a token that is had from it.
    """

    write: float
    read: float


# For a cache of five minutes: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
ANTHROPIC = CachePrices(write=1.25, read=0.1)
_TIE = 1e-9  # where two bills are equal, rounding must not decide


def most_questions(rate: float, prices: CachePrices = ANTHROPIC) -> int | None:
    """The most questions over one context for which compressing it anew for each costs less than caching it whole.

    Args:
        rate: compressed / original tokens.
        prices: the cache's.

    Returns:
        The number; None where compression costs less however many there are.

    Example:
        >>> most_questions(0.25)
        7
    """
    if rate <= prices.read:
        return None
    # rate * n < write + read * (n - 1)
    return max(math.ceil((prices.write - prices.read) / (rate - prices.read) - _TIE) - 1, 0)


def first_loss(rate: float, prices: CachePrices = ANTHROPIC) -> int | None:
    """The turn from which a conversation whose earlier contexts are rewritten has cost more than one left whole.

    Each turn brings a context of the same length.

    Args:
        rate: compressed / original tokens.
        prices: the cache's.

    Returns:
        The turn; None where rewriting never costs more.

    Example:
        >>> first_loss(0.5)
        4
    """
    gain = rate * prices.write - prices.read  # of a turn more
    if gain <= 0:
        return None
    # rate * write * n (n + 1) / 2 > write * n + read * n (n - 1) / 2
    return max(math.floor((2 * prices.write - prices.read - rate * prices.write) / gain + _TIE) + 1, 1)
