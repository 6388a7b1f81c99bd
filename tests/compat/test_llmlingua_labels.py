"""The drop-in's LLMLingua-2 over a token classifier: its parameters, its labels and its warnings."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import tiktoken
import tiny_encoders

from tersely import InvalidInputError
from tersely.compat.llmlingua import PromptCompressor

TEXTS = tiny_encoders.TEXTS


def count(text: str) -> int:
    return len(tiktoken.get_encoding("cl100k_base").encode(text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoders.save_bert(tmp_path_factory.mktemp("encoders") / "bert")


@pytest.fixture(scope="module")
def compressor(folder: Path) -> PromptCompressor:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return PromptCompressor(str(folder), use_llmlingua2=True, device_map="cpu")


def test_all_its_parameters_are_taken_without_a_warning(compressor: PromptCompressor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compressor.compress_prompt(
            TEXTS,
            rate=0.4,
            use_context_level_filter=True,
            context_level_rate=0.9,
            force_tokens=["museum"],
            force_reserve_digit=True,
            token_to_word="first",
            drop_consecutive=True,
            chunk_end_tokens=[".", ";"],
            return_word_label=True,
        )
    assert result["compressed_tokens"] <= 0.4 * sum(map(count, TEXTS))
    assert "fn_labeled_original_prompt" in result


def test_each_context_is_compressed_to_the_rate(compressor: PromptCompressor) -> None:
    result = compressor.compress_prompt_llmlingua2(TEXTS, rate=0.5)
    for shorter, text in zip(result["compressed_prompt_list"], TEXTS, strict=True):
        assert 0.3 * count(text) < count(shorter) <= 0.5 * count(text)


def test_labels_name_the_words_that_stay(compressor: PromptCompressor) -> None:
    result = compressor.compress_prompt_llmlingua2(TEXTS[1], rate=0.5, return_word_label=True, word_sep="|")
    labelled = [word.rsplit(" ", 1) for word in result["fn_labeled_original_prompt"].split("|")]
    assert " ".join(word for word, _ in labelled).split() == TEXTS[1].split()
    kept = " ".join(word for word, label in labelled if label == "1")
    assert kept.split() == result["compressed_prompt"].split()


def test_forced_words_and_digits_stay_whatever_the_model_says(compressor: PromptCompressor) -> None:
    result = compressor.compress_prompt_llmlingua2(
        TEXTS[1], rate=0.6, force_tokens=["museum", "baker"], force_reserve_digit=True
    )
    for word in ("museum", "baker", "2009", "1,850,000", "10:30", "17:00"):
        assert word in result["compressed_prompt"]


def test_a_number_of_contexts_goes_on(compressor: PromptCompressor) -> None:
    texts = [f"In room {number} the visitors see stones and {number * 3} ropes." for number in range(1, 11)]
    few, all_of_them = (
        compressor.compress_prompt_llmlingua2(
            texts, target_token=40, use_context_level_filter=True, target_context=contexts
        )
        for contexts in (4, 10)
    )
    assert len(few["compressed_prompt_list"]) < len(all_of_them["compressed_prompt_list"])


def test_how_tokens_make_a_word_changes_what_stays(compressor: PromptCompressor) -> None:
    mean, first = (
        compressor.compress_prompt_llmlingua2(TEXTS[2], rate=0.2, token_to_word=how)["compressed_prompt"]
        for how in ("mean", "first")
    )
    assert mean != first


def test_wrong_values_are_named(compressor: PromptCompressor) -> None:
    for name, value in (("token_to_word", "max"), ("context_level_rate", 2.0), ("chunk_end_tokens", ".")):
        with pytest.raises(InvalidInputError, match=name):
            compressor.compress_prompt_llmlingua2(TEXTS, **{name: value})


def test_a_classifier_serves_without_the_switch_and_another_method_is_refused(folder: Path) -> None:
    result = PromptCompressor(str(folder)).compress_prompt(TEXTS[:2], question="When was it sold?", rate=0.7)
    assert result["compressed_tokens"] <= 0.7 * result["origin_tokens"]
    with pytest.raises(InvalidInputError, match="'evidence' needs attention"):
        PromptCompressor(str(folder), use_llmlingua2=True, method="evidence").compress_prompt(TEXTS, question="When?")
