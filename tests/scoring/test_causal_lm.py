"""The torch scorer against the naive computation: full logits, one sequence at a time, no cache, no windows."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

from conftest import CONTEXT_LENGTH
from tersely import ModelError
from tersely.scoring import packing
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.scorer import ScoringRequest
from tersely.scoring.windows import windows


class Naive:
    """Log-probabilities from the whole logits of one sequence."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def __call__(self, tokens: list[int], prefix: list[int] = ()) -> np.ndarray:
        if not tokens:
            return np.zeros(0, dtype=np.float32)
        ids = torch.tensor([[*prefix, *tokens]])
        with torch.no_grad():
            log_probabilities = self.model(ids).logits.log_softmax(-1)[0]
        scores = [log_probabilities[i - 1, ids[0, i]].item() if i else np.nan for i in range(ids.shape[1])]
        return np.array(scores[len(prefix) :], dtype=np.float32)


@pytest.fixture(params=["tiny_llama", "tiny_mistral", "tiny_gpt2"])
def folder(request: pytest.FixtureRequest) -> Path:
    """Rotary positions, computed here and by transformers, and learned ones."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def scorer(folder: Path) -> CausalLanguageModelScorer:
    return CausalLanguageModelScorer(str(folder), dtype="float32")


@pytest.fixture
def naive(folder: Path) -> Naive:
    return Naive(folder)


def random_tokens(generator: np.random.Generator, length: int) -> list[int]:
    return generator.integers(0, 256, length).tolist()


@pytest.mark.parametrize("batch_tokens", [1, 100, 10_000])
@pytest.mark.parametrize("head_rows", [7, 256])
def test_equals_the_naive_computation_whatever_the_batch(scorer, naive, monkeypatch, batch_tokens, head_rows) -> None:
    monkeypatch.setattr("tersely.scoring.prefixes._GROUP_TOKENS", batch_tokens)
    scorer._queue._limit = batch_tokens
    monkeypatch.setattr(packing, "_HEAD_ROWS", head_rows)
    monkeypatch.setattr(packing, "_NORMALISED_LOGITS", 256 * min(head_rows, 5))
    generator = np.random.default_rng(1)
    shared = random_tokens(generator, 9)
    prefixes = [[], shared, shared, random_tokens(generator, 20)]
    requests = [
        ScoringRequest(random_tokens(generator, int(generator.integers(0, CONTEXT_LENGTH - 20))), prefixes[i % 4])
        for i in range(24)
    ]
    for request, scores in zip(requests, scorer.score(requests), strict=True):
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, naive(request.tokens, request.prefix), atol=1e-4)


def test_no_requests_and_no_tokens(scorer) -> None:
    assert scorer.score([]) == []
    assert [len(scores) for scores in scorer.score([ScoringRequest([]), ScoringRequest([], [1, 2])])] == [0, 0]


@pytest.mark.parametrize("prefix_length", [0, 5, CONTEXT_LENGTH // 2, CONTEXT_LENGTH // 2 + 1, 3 * CONTEXT_LENGTH])
def test_a_long_text_is_scored_with_at_least_half_a_window_before_each_token(scorer, naive, prefix_length) -> None:
    generator = np.random.default_rng(2)
    prefix, tokens = random_tokens(generator, prefix_length), random_tokens(generator, 5 * CONTEXT_LENGTH + 3)
    cut = list(windows(0, ScoringRequest(tokens, prefix), CONTEXT_LENGTH))
    scored = [window.start + i for window in cut for i in range(len(window.tokens) - window.score_from)]
    assert scored == list(range(0 if prefix else 1, len(tokens))), "each token once, in order"
    for window in cut:
        available = window.start + len(prefix)
        assert len(window.tokens) <= CONTEXT_LENGTH
        assert window.score_from >= min(CONTEXT_LENGTH // 2, available)

    (scores,) = scorer.score([ScoringRequest(tokens, prefix)])
    for window in cut:
        expected = naive(window.tokens)[window.score_from :]
        np.testing.assert_allclose(scores[window.start : window.start + len(expected)], expected, atol=1e-4)


def test_a_chain_scores_each_piece_after_all_that_was_accepted(scorer, naive) -> None:
    generator = np.random.default_rng(3)
    condition = random_tokens(generator, 4)
    chain = scorer.chain([condition])
    for _ in range(6):
        piece = random_tokens(generator, 8)
        np.testing.assert_allclose(chain.score(piece)[0], naive(piece, condition), atol=1e-4)
        np.testing.assert_allclose(chain.score(piece)[0], naive(piece, condition), atol=1e-4)  # scoring changed nothing
        chain.accept(piece[::2])
        condition += piece[::2]


def test_a_chain_without_a_condition_has_no_score_for_its_first_token(scorer, naive) -> None:
    chain = scorer.chain([[]])
    assert np.isnan(chain.score([5])).all()
    chain.accept([5])
    np.testing.assert_allclose(chain.score([7, 8])[0], naive([7, 8], [5]), atol=1e-4)


def test_a_shallow_chain_computes_its_conditions_by_as_many_layers_as_shallow_requests(scorer) -> None:
    generator = np.random.default_rng(5)
    condition, accepted = random_tokens(generator, 9), random_tokens(generator, 8)
    pieces = [random_tokens(generator, 8) for _ in range(2)]
    at_depth = {}
    for layers in (None, 1):
        chain = scorer.with_depth(layers).chain([condition], shallow=True)
        whole = [ScoringRequest(pieces[0], condition, "prefix", shallow=True)]
        whole.append(ScoringRequest(pieces[1], condition + accepted, "prefix", shallow=True))
        at_depth[layers] = [chain.score(pieces[0])[0]]
        chain.accept(accepted)
        at_depth[layers].append(chain.score(pieces[1])[0])
        for scores, expected in zip(at_depth[layers], scorer.with_depth(layers).score(whole), strict=True):
            np.testing.assert_allclose(scores, expected, atol=1e-4)
    for all_layers, one_layer in zip(at_depth[None], at_depth[1], strict=True):
        assert np.allclose(all_layers, one_layer, atol=1e-4) != scorer.supports_shallow


def test_a_chain_that_is_not_shallow_computes_all_layers(tiny_llama) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")
    condition, piece = list(range(1, 10)), [20, 30, 40]
    shallow, deep = (scorer.with_depth(1).chain([condition], shallow) for shallow in (True, False))
    np.testing.assert_array_equal(deep.score(piece), scorer.with_depth(None).chain([condition], True).score(piece))
    assert not np.allclose(shallow.score(piece), deep.score(piece), atol=1e-4)


def test_several_conditions_are_compared_over_the_truncated_vocabulary(tiny_llama, monkeypatch) -> None:
    monkeypatch.setattr("tersely.scoring.llama.decoder.TRUNCATED_VOCABULARY", 100)
    scorer = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")
    conditions, piece = [[1, 2, 3], [4, 5]], random_tokens(np.random.default_rng(7), 30)
    requests = [ScoringRequest(piece, condition, "prefix") for condition in conditions]
    seen = scorer.attend(requests, scorer.heads[:1])
    for one, expected, condition in zip(scorer.chain(conditions).score(piece), seen, conditions, strict=True):
        np.testing.assert_allclose(one, expected.log_probabilities, atol=1e-4)
        assert (one > scorer.chain([condition]).score(piece)[0]).all()


def test_a_chain_goes_on_past_the_context(scorer, naive) -> None:
    generator = np.random.default_rng(4)
    chain, accepted = scorer.chain([[]]), []
    for length in generator.integers(1, 2 * CONTEXT_LENGTH, 40).tolist():
        piece = random_tokens(generator, length)
        (scores,) = chain.score(piece)
        assert scores.shape == (length,)
        assert np.isnan(scores[1:]).sum() == 0
        chain.accept(piece)
        accepted += piece
    half = CONTEXT_LENGTH // 2
    chain = scorer.chain([accepted[-CONTEXT_LENGTH:]])
    piece = random_tokens(generator, 5)
    np.testing.assert_allclose(chain.score(piece)[0], naive(piece, accepted[-half:]), atol=1e-4)


def test_a_chain_still_begins_with_its_prefix_when_older_text_slides_away(scorer, naive) -> None:
    generator = np.random.default_rng(6)
    prefix, accepted = random_tokens(generator, 7), []
    chain = scorer.chain([prefix])
    for _ in range(12):
        piece = random_tokens(generator, 10)
        chain.score(piece)
        chain.accept(piece)
        accepted += piece
    chain._conditions[0].restart()
    piece = random_tokens(generator, 10)
    newest = accepted[-(CONTEXT_LENGTH // 2 - len(prefix)) :]
    np.testing.assert_allclose(chain.score(piece)[0], naive(piece, [*prefix, *newest]), atol=1e-4)


def test_threads_share_a_scorer(scorer, naive) -> None:
    generator = np.random.default_rng(5)
    texts = [random_tokens(generator, 30) for _ in range(8)]
    results: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        for _ in range(5):
            (results[number],) = scorer.score([ScoringRequest(texts[number])])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, text in enumerate(texts):
        np.testing.assert_allclose(results[number], naive(text), atol=1e-4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_sixteen_threads_score_leaves_a_child_that_scores(scorer, naive) -> None:
    generator = np.random.default_rng(3)
    texts = [random_tokens(generator, 30) for _ in range(16)]
    exact = naive(texts[0])
    stop = threading.Event()

    def work(text: list[int]) -> None:
        while not stop.is_set():
            scorer.score([ScoringRequest(text)])

    threads = [threading.Thread(target=work, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            (scores,) = scorer.score([ScoringRequest(texts[0])])
            os._exit(0 if np.allclose(scores[1:], exact[1:], atol=1e-4) else 1)
        children.append(child)
    stop.set()
    for thread in threads:
        thread.join()
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]


def test_offsets_name_the_characters_of_each_token(scorer) -> None:
    text = "Plain words, naïve 日本 😀."
    encoding = scorer.encode(text)
    assert len(encoding.tokens) == len(encoding.offsets) == len(text.encode())
    assert encoding.offsets[0] == (0, 1)
    assert encoding.offsets[-1] == (len(text) - 1, len(text))


def test_the_device_is_an_argument(tiny_llama) -> None:
    assert CausalLanguageModelScorer(str(tiny_llama), device="cpu").device == "cpu"


def test_a_model_that_bends_its_logits_is_refused(tiny_gpt2, monkeypatch) -> None:
    forward = GPT2LMHeadModel.forward

    def capped(*arguments, **inputs):
        output = forward(*arguments, **inputs)
        output.logits = torch.tanh(output.logits)
        return output

    monkeypatch.setattr(GPT2LMHeadModel, "forward", capped)
    with pytest.raises(ModelError, match="soft cap"):
        CausalLanguageModelScorer(str(tiny_gpt2))


@pytest.mark.model
def test_bfloat16_agrees_with_float32(real_float32_scorer, hotpot) -> None:
    texts = [document["text"] for document in hotpot[0]["documents"]]
    requests = [ScoringRequest(real_float32_scorer.encode(text).tokens, [198]) for text in texts]
    low = np.concatenate(CausalLanguageModelScorer(dtype="bfloat16").score(requests))
    high = np.concatenate(real_float32_scorer.score(requests))
    assert np.corrcoef(low, high)[0, 1] > 0.999
