"""A peer's budget: counted with the tokenizer asked for, searched by bisection, cut between words."""

from __future__ import annotations

import pytest

from tersely_eval.peers.peer_process import Budget
from tersely_eval.peers.peers import variables


@pytest.fixture(autouse=True)
def carried_encoding(monkeypatch) -> None:
    """The encoding is had offline, as in a peer's process."""
    if folder := variables().get("TIKTOKEN_CACHE_DIR"):
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", folder)


def test_a_text_is_cut_after_the_last_word_that_fits() -> None:
    budget = Budget(4, "o200k_base")
    assert budget.cut("one two three four five six") == "one two three four"
    assert budget.count("one two three four") == 4
    assert budget.cut("one two") == "one two"
    assert budget.cut("incomprehensibilities-and-antidisestablishmentarianism") == ""


def test_the_fullest_context_that_fits_is_found() -> None:
    asked: list[int] = []

    def context(step: int) -> str:
        asked.append(step)
        return "word " * step

    assert Budget(100, "o200k_base").fullest(context, 1000).split() == ["word"] * 99
    assert len(asked) < 20


def test_where_all_steps_fit_it_is_the_last() -> None:
    assert Budget(100, "o200k_base").fullest(lambda step: "word " * step, 5) == "word " * 4


@pytest.mark.parametrize("least", [0, 1])
def test_where_no_step_fits_that_is_not_empty_the_next_is_cut(least) -> None:
    def context(step: int) -> str:
        return "" if step < least else "one two three"

    assert Budget(2, "o200k_base").fullest(context, 10) == "one two"
