"""What must stay: forced contexts, words, digits and sentences."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import numpy as np
import pytest
from llmlingua_prompts import CONTEXTS, MILL, QUESTION, count, no_unexpected_warning, prompt_compressor, watched

from tersely import ProtectedTextError
from tersely.compat.llmlingua import PromptCompressor


@pytest.mark.parametrize("target", [40, 60])
@pytest.mark.parametrize(
    ("question", "forced"),
    [*(("", forced) for forced in ([0], [1, 2], [0, 1, 2])), (QUESTION, [0]), (QUESTION, [1, 2])],
)
def test_forced_contexts_are_there_within_the_budget(fake_model, monkeypatch, target, question, forced) -> None:
    results = watched(monkeypatch)
    PromptCompressor().compress_prompt(CONTEXTS, question=question, target_token=target, force_context_ids=forced)
    assert {one.index for one in results[-1].documents if one.kept} >= set(forced)
    assert results[-1].compressed_tokens <= target


def test_a_forced_context_whose_sentences_are_longer_than_its_share_is_as_free_as_others(
    fake_model, monkeypatch
) -> None:
    results = watched(monkeypatch)
    PromptCompressor().compress_prompt(CONTEXTS, question=QUESTION, target_token=12, force_context_ids=[0])
    assert results[-1].compressed_tokens <= 12
    for document in results[-1].documents:
        assert not document.kept or document.text in document.document.text


def test_forced_contexts_have_no_white_space_of_their_own(prompt_compressor) -> None:
    prompt = prompt_compressor.compress_prompt(CONTEXTS, target_token=30, force_context_ids=np.array([0, 2]))
    assert "  " not in prompt["compressed_prompt"]


def test_a_number_of_contexts_can_be_forced(fake_model, monkeypatch) -> None:
    results = watched(monkeypatch)
    for number in (0, 1, 2, 3, 9):
        PromptCompressor().compress_prompt(CONTEXTS, target_token=24, force_context_number=number)
        assert sum(bool(one.kept) for one in results[-1].documents) >= min(number, 3)
        assert results[-1].compressed_tokens <= 24


def test_first_and_last_sentences_stay(prompt_compressor) -> None:
    result = prompt_compressor.compress_prompt(CONTEXTS, target_token=60, keep_first_sentence=1, keep_last_sentence=1)
    prompt = result["compressed_prompt"]
    assert prompt.startswith("The old mill on the river was built in 1820 by Jan de Vries.")
    assert prompt.endswith("His daughter plays the organ in church on Sundays.")
    assert count(prompt) <= 60


def test_forced_words_and_digits_stay(prompt_compressor) -> None:
    prompt = prompt_compressor.compress_prompt(
        CONTEXTS, rate=0.4, force_tokens=["organ", "museum"], force_reserve_digit=True
    )["compressed_prompt"]
    for word in ("organ", "museum,", "1820", "October 2009", "1,850,000 euros"):
        assert word in prompt


def test_a_forced_token_is_no_part_of_a_word(prompt_compressor) -> None:
    prompt = prompt_compressor.compress_prompt("caters " * 30 + "cat " + "caters " * 30, rate=0.3, force_tokens=["cat"])
    assert "cat" in prompt["compressed_prompt"].split()


def test_the_caller_hears_by_how_much_forced_text_is_too_long(prompt_compressor) -> None:
    with pytest.raises(ProtectedTextError, match="more than the budget of 3"):
        prompt_compressor.compress_prompt(MILL, target_token=3, force_reserve_digit=True)
