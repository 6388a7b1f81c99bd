"""How likely an answer is after a context: with random models, and with the embedded one on a question of its size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from conftest import CONTEXT_LENGTH
from tersely import InvalidInputError
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely_eval.measure.local_reader import answer_log_probability, local_prompt


@pytest.fixture(scope="module")
def tiny_scorer(tiny_llama) -> CausalLanguageModelScorer:
    return CausalLanguageModelScorer(str(tiny_llama), dtype="float32")


def by_hand(scorer: CausalLanguageModelScorer, prompt: str, answer: str) -> float:
    """The same from the model's logits, all at once; a token is a byte."""
    tokens = list((prompt + " " + answer).encode())
    ids = torch.tensor([scorer.encode(prompt + " " + answer).tokens])
    with torch.inference_mode():
        scores = AutoModelForCausalLM.from_pretrained(scorer.name)(input_ids=ids).logits[0].log_softmax(-1)
    first = len(prompt.encode())
    return float(np.mean([scores[i - 1, ids[0, i]].item() for i in range(first, len(tokens))]))


def test_the_prompt_is_context_question_answer() -> None:
    assert local_prompt("It was sold.", "When?") == "It was sold.\n\nQuestion: When?\nAnswer:"
    assert local_prompt(" \n", "When?") == "Question: When?\nAnswer:"


@pytest.mark.parametrize("answer", ["in 1820", "Zürich", "x"])
def test_it_is_the_mean_over_the_answers_own_tokens(tiny_scorer, answer) -> None:
    prompt = local_prompt("Sold.", "When?")
    assert answer_log_probability(tiny_scorer, prompt, answer) == pytest.approx(
        by_hand(tiny_scorer, prompt, answer), abs=1e-4
    )


def test_of_several_answers_the_likeliest_counts(tiny_scorer) -> None:
    prompt, answers = local_prompt("Sold.", "When?"), ["1820", "last year", "never"]
    each = [answer_log_probability(tiny_scorer, prompt, answer) for answer in answers]
    assert len(set(each)) == 3
    assert answer_log_probability(tiny_scorer, prompt, answers) == pytest.approx(max(each), abs=1e-4)


def test_white_space_around_an_answer_does_not_count(tiny_scorer) -> None:
    prompt = local_prompt("Sold.", "When?")
    assert answer_log_probability(tiny_scorer, prompt, " 1820\n") == answer_log_probability(tiny_scorer, prompt, "1820")


def test_of_a_context_longer_than_the_window_the_end_is_read(tiny_scorer) -> None:
    contexts = ["a" * 10 * CONTEXT_LENGTH, "b" * 10 * CONTEXT_LENGTH + "a" * CONTEXT_LENGTH]
    first, second = (
        answer_log_probability(tiny_scorer, local_prompt(context, "When?"), "1820") for context in contexts
    )
    assert np.isfinite(first)
    assert first == pytest.approx(second, abs=1e-4)


def test_an_answer_longer_than_the_window_works(tiny_scorer) -> None:
    assert np.isfinite(answer_log_probability(tiny_scorer, "Answer:", "long " * CONTEXT_LENGTH))


@pytest.mark.parametrize("answer", ["", "  ", [], ["", "\n"]])
def test_an_answer_there_must_be(fake_scorer, answer) -> None:
    with pytest.raises(InvalidInputError, match="no answer that is not blank"):
        answer_log_probability(fake_scorer, "Answer:", answer)


def test_a_blank_one_among_several_does_not_count(fake_scorer) -> None:
    assert answer_log_probability(fake_scorer, "Answer:", ["", "1820"]) == answer_log_probability(
        fake_scorer, "Answer:", "1820"
    )


def test_an_empty_prompt_is_refused(fake_scorer) -> None:
    with pytest.raises(InvalidInputError, match="prompt is empty"):
        answer_log_probability(fake_scorer, "", "1820")


@pytest.mark.model
def test_a_context_with_the_answer_makes_it_likelier(real_compressor) -> None:
    question, answer = "When was the mill sold?", "in October 2009"
    contexts = ["The mill was sold in October 2009.", "The mill was built of stone.", ""]
    scores = [
        answer_log_probability(real_compressor.scorer, local_prompt(context, question), answer) for context in contexts
    ]
    assert scores[0] > max(scores[1:]) + 1
