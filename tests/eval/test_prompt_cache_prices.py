"""When compression pays beside a prompt cache: against bills that are added up request by request."""

from __future__ import annotations

import pytest

from tersely_eval.report.prompt_cache import ANTHROPIC, CachePrices, first_loss, most_questions

PRICES = [ANTHROPIC, CachePrices(write=1.0, read=0.1), CachePrices(write=2.0, read=0.5)]
RATES = [0.05, 0.13, 0.25, 0.37, 0.5, 0.75, 0.9]


def bill(turns: int, prices: CachePrices, *, kept: float = 1.0, rewritten: bool = False) -> float:
    """What a conversation costs whose every turn brings a context of one token."""
    total = 0.0
    for turn in range(turns):
        earlier = turn * kept * (prices.write if rewritten else prices.read)
        total += earlier + kept * prices.write
    return total


@pytest.mark.parametrize("prices", PRICES)
@pytest.mark.parametrize("rate", RATES)
def test_a_context_compressed_for_each_question(rate: float, prices: CachePrices) -> None:
    most = most_questions(rate, prices)
    pays = [questions * rate < prices.write + prices.read * (questions - 1) - 1e-9 for questions in range(1, 200)]
    assert pays == [True] * len(pays) if most is None else pays.index(False) == most


@pytest.mark.parametrize("prices", PRICES)
@pytest.mark.parametrize("rate", RATES)
def test_a_conversation_that_is_rewritten(rate: float, prices: CachePrices) -> None:
    loss = first_loss(rate, prices)
    costs_more = [
        bill(turns, prices, kept=rate, rewritten=True) > bill(turns, prices) + 1e-9 for turns in range(1, 400)
    ]
    assert (True in costs_more) == (loss is not None)
    if loss is not None:
        assert costs_more.index(True) + 1 == loss


@pytest.mark.parametrize("rate", RATES)
def test_compressed_once_it_saves_the_same_share_of_every_conversation(rate: float) -> None:
    for turns in (1, 5, 50):
        assert bill(turns, ANTHROPIC, kept=rate) == pytest.approx(rate * bill(turns, ANTHROPIC))


def test_the_figures_of_the_documentation() -> None:
    assert [most_questions(rate) for rate in (0.5, 0.25, 0.125, 0.1)] == [2, 7, 45, None]
    assert [first_loss(rate) for rate in (0.5, 0.25, 0.125, 0.08)] == [4, 10, 40, None]
    bills = [bill(10, ANTHROPIC), bill(10, ANTHROPIC, kept=0.5), bill(10, ANTHROPIC, kept=0.5, rewritten=True)]
    assert bills == pytest.approx([17.0, 8.5, 34.375])
