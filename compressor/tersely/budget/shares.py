"""A rate as tokens, and the papers' shares of the budget for each document. Knows nothing of models."""

from __future__ import annotations

from collections.abc import Sequence


def target_from_rate(rate: float, original_tokens: int) -> int:
    """The budget in whole tokens that a rate allows, at least one."""
    return max(1, int(rate * original_tokens + 1e-9))  # 0.29 * 100 is a little less than 29


def dynamic_rates(count: int, rate: float, spread: float) -> list[float]:
    """Rates for documents in order of relevance (LongLLMLingua, equation 5): more for the better.

    Args:
        count: number of documents.
        rate: the rate of the document in the middle (tau).
        spread: how far the first lies above it and the last below (delta tau).
    """
    return [min(max(rate + spread * (1 - 2 * rank / max(count - 1, 1)), 0.0), 1.0) for rank in range(count)]


def select_documents(relevance: Sequence[float], tokens: Sequence[int], target: int, granularity: float) -> list[int]:
    """The most relevant documents whose tokens together reach `granularity` times the budget, best first.

    This is the coarse half of the budget controller (LLMLingua, section 3.1; k is `granularity`): what remains for the
    fine half to delete is about 1 - 1/k of what is selected.
    """
    selected: list[int] = []
    total = 0
    for position in sorted(range(len(relevance)), key=lambda position: -relevance[position]):
        if total >= granularity * target:
            break
        selected.append(position)
        total += tokens[position]
    return selected
