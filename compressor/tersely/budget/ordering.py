"""The order of the documents in the context. Knows only their relevance."""

from __future__ import annotations

from collections.abc import Sequence

from tersely.settings import Order


def arrange(relevance: Sequence[float], order: Order) -> list[int]:
    """Positions of the documents in the order asked for; equally relevant ones keep their original order.

    Args:
        relevance: one value a document, higher is better.
        order: `original`; `best_first` (LongLLMLingua, section 4.2); or `best_at_both_ends`, which alternates the best
            documents between the front and the back, where models read most attentively (arXiv 2307.03172).
    """
    if order == "original":
        return list(range(len(relevance)))
    best_first = sorted(range(len(relevance)), key=lambda position: -relevance[position])
    if order == "best_first":
        return best_first
    return best_first[::2] + best_first[1::2][::-1]
