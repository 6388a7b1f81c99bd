"""What chosen heads see, against transformers' own eager attention; and what a model's fingerprint depends on."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BloomConfig, BloomForCausalLM

from conftest import CONTEXT_LENGTH, in_eight_bits, save_tiny_model
from tersely import ModelError
from tersely.scoring import packing, prefixes, transformers_decoder
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.llama import decoder as llama_decoder
from tersely.scoring.models import DEFAULT_MODEL, model_path
from tersely.scoring.scorer import Head, ScoringRequest


class Eager:
    """The whole attention of one sequence, every head and every row, as transformers computes it."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()

    def __call__(self, request: ScoringRequest, heads: list[Head]) -> np.ndarray:
        seen = len(request.prefix) - 1  # its last token sees
        with torch.no_grad():
            output = self.model(torch.tensor([[*request.prefix, *request.tokens]]), output_attentions=True)
        return np.stack([output.attentions[head.layer][0, head.head, seen:, :seen].mean(0).numpy() for head in heads])


@pytest.fixture(params=["tiny_llama", "tiny_mistral", "tiny_gpt2"])
def folder(request: pytest.FixtureRequest) -> Path:
    """Models whose heads share their keys, computed here and by transformers, and one whose heads do not."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def scorer(folder: Path) -> CausalLanguageModelScorer:
    return CausalLanguageModelScorer(str(folder), dtype="float32")


@pytest.fixture
def requests() -> list[ScoringRequest]:
    """Of lengths from two tokens to all that fit, in no order."""
    generator = np.random.default_rng(1)
    lengths = [(1, 1), (50, CONTEXT_LENGTH - 50), (7, 30), (30, 7), (20, 20), (1, 40), (40, 1), (7, 29)]
    return [
        ScoringRequest(generator.integers(0, 256, tokens).tolist(), generator.integers(0, 256, prefix).tolist())
        for prefix, tokens in lengths
    ]


def test_a_model_has_all_its_heads(scorer, folder) -> None:
    layers = 3 if folder.name == "llama" else 2
    assert list(scorer.heads) == [Head(layer, head) for layer in range(layers) for head in range(4)]


@pytest.mark.parametrize("batch_tokens", [1, 200, 10_000])
def test_equals_eager_attention_whatever_the_batch(scorer, folder, requests, monkeypatch, batch_tokens) -> None:
    monkeypatch.setattr(prefixes, "_GROUP_TOKENS", batch_tokens)
    scorer._queue._limit = batch_tokens
    eager = Eager(folder)
    heads = list(scorer.heads)
    for request, seen in zip(requests, scorer.attend(requests, heads), strict=True):
        assert seen.weights.shape == (len(heads), len(request.prefix) - 1) and seen.weights.dtype == np.float32
        np.testing.assert_allclose(seen.weights, eager(request, heads), atol=1e-5)
        assert (seen.weights >= 0).all() and (seen.weights.sum(axis=1) <= 1 + 1e-5).all()


@pytest.mark.parametrize(
    "heads",
    [
        [Head(0, 0)],
        [Head(1, 3)],
        [Head(1, 2), Head(0, 3), Head(1, 0), Head(0, 0)],
        [Head(0, 2), Head(0, 1)],
        [Head(1, 1), Head(0, 1), Head(1, 1)],
    ],
)
def test_any_heads_come_in_the_order_asked_for(scorer, folder, requests, heads) -> None:
    eager = Eager(folder)
    for request, seen in zip(requests, scorer.attend(requests, heads), strict=True):
        np.testing.assert_allclose(seen.weights, eager(request, heads), atol=1e-5)


def test_log_probabilities_are_those_of_score(scorer, requests) -> None:
    found = scorer.attend(requests, scorer.heads[:3])
    for seen, scores in zip(found, scorer.score(requests), strict=True):
        assert seen.log_probabilities.dtype == np.float32
        np.testing.assert_allclose(seen.log_probabilities, scores, atol=1e-5)


@pytest.mark.parametrize(
    "model, dtype",
    [
        *((model, "float32") for model in ("tiny_llama", "tiny_mistral", "tiny_gpt2")),
        pytest.param("tiny_llama", "int8", marks=in_eight_bits),
    ],
)
def test_log_probabilities_are_normalised_over_the_truncated_vocabulary_and_the_token_itself(
    request, requests, monkeypatch, model, dtype
) -> None:
    folder = request.getfixturevalue(model)
    for module in (llama_decoder, transformers_decoder):
        monkeypatch.setattr(module, "TRUNCATED_VOCABULARY", 100)
    scorer = CausalLanguageModelScorer(str(folder), dtype=dtype)
    whole_model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    whole = scorer.score(requests)
    for one, seen, among_all in zip(requests, scorer.attend(requests, scorer.heads[:1]), whole, strict=True):
        tokens = torch.tensor(one.tokens)
        with torch.no_grad():
            logits = whole_model(torch.tensor([[*one.prefix, *one.tokens]])).logits[0, len(one.prefix) - 1 : -1]
        logits[:, 100:].masked_fill_(torch.arange(100, 256) != tokens[:, None], -torch.inf)
        expected = logits.log_softmax(-1).gather(1, tokens[:, None])[:, 0]
        np.testing.assert_allclose(seen.log_probabilities, expected, atol=1e-4 if dtype == "float32" else 0.3)
        assert (seen.log_probabilities >= among_all - 1e-4).all()


def test_other_passes_are_as_before(folder, scorer, requests) -> None:
    def others(one: CausalLanguageModelScorer) -> list[np.ndarray]:
        chain = one.chain([requests[0].prefix])
        pieces = []
        for request in requests:
            pieces.append(chain.score(request.prefix))
            chain.accept(request.prefix)
        return [*one.score(requests), *pieces]

    before = others(CausalLanguageModelScorer(str(folder), dtype="float32"))
    chain = scorer.chain([requests[1].prefix])
    early = chain.score(requests[2].tokens)
    scorer.attend(requests, scorer.heads[:1])
    for expected, found in zip(before, others(scorer), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(chain.score(requests[2].tokens), early, atol=1e-5)


def test_an_error_in_a_pass_leaves_nothing_behind(scorer, requests, monkeypatch) -> None:
    expected = scorer.attend(requests, scorer.heads)
    with pytest.raises(RuntimeError, match="out of memory"), monkeypatch.context() as patched:

        def failing(*_):
            raise RuntimeError("out of memory")

        patched.setattr(packing, "_log_probabilities", failing)
        scorer.attend(requests, scorer.heads)
    assert [len(scores) for scores in scorer.score(requests)] == [len(request.tokens) for request in requests]
    for one, other in zip(scorer.attend(requests, scorer.heads), expected, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize(
    "request_",
    [
        ScoringRequest([1, 2], []),
        ScoringRequest([], [1, 2]),
        ScoringRequest([1] * 40, [2] * (CONTEXT_LENGTH - 39)),
    ],
)
def test_what_cannot_be_read_at_once_is_refused(scorer, request_) -> None:
    with pytest.raises(ValueError, match="request 1 needs"):
        scorer.attend([ScoringRequest([1], [2]), request_], scorer.heads)


def test_no_requests(scorer) -> None:
    assert scorer.attend([], scorer.heads) == []


def test_progress_ends_at_1(scorer, requests, monkeypatch) -> None:
    monkeypatch.setattr(prefixes, "_GROUP_TOKENS", 80)
    scorer._queue._limit = 40
    shares: list[float] = []
    scorer.attend(requests, scorer.heads, progress=shares.append)
    assert len(shares) > 2 and shares == sorted(shares) and shares[-1] == 1


def test_threads_that_attend_and_score_at_once_get_what_one_gets(scorer, requests) -> None:
    few = scorer.heads[:1]
    expected = scorer.attend(requests, scorer.heads)
    early = scorer.attend(requests, few)
    scores = scorer.score(requests)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(4):
                if number % 3 == 0:
                    for one, other in zip(scorer.attend(requests, scorer.heads), expected, strict=True):
                        np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)
                        np.testing.assert_allclose(one.log_probabilities, other.log_probabilities, atol=1e-5)
                elif number % 3 == 1:
                    for one, other in zip(scorer.attend(requests, few), early, strict=True):
                        np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)
                else:
                    for one, other in zip(scorer.score(requests), scores, strict=True):
                        np.testing.assert_allclose(one, other, atol=1e-5)
                    chain = scorer.chain([requests[4].prefix])
                    np.testing.assert_allclose(chain.score(requests[4].tokens)[0], scores[4], atol=1e-4)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.fixture(scope="module")
def tiny_bloom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that computes its attention in its own way, past the interface of transformers."""
    config = BloomConfig(vocab_size=256, hidden_size=32, n_layer=2, n_head=4, bos_token_id=None, eos_token_id=None)
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "bloom", BloomForCausalLM(config))


def test_a_model_whose_attention_cannot_be_read_says_so(tiny_bloom) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_bloom), dtype="float32")
    assert len(scorer.score([ScoringRequest([1, 2], [3])])[0]) == 2
    with pytest.raises(ModelError, match="attention"):
        scorer.attend([ScoringRequest([1, 2], [3])], [Head(0, 0)])


class TestFingerprint:
    def test_is_the_same_however_precisely_the_weights_are_held(self, folder) -> None:
        low, high = (CausalLanguageModelScorer(str(folder), dtype=dtype) for dtype in ("bfloat16", "float32"))
        assert low.fingerprint == high.fingerprint
        assert len(low.fingerprint) == 16 and int(low.fingerprint, 16) >= 0

    def test_is_the_same_whatever_the_model_is_called(self, folder, scorer, tmp_path) -> None:
        copy = shutil.copytree(folder, tmp_path / "another name")
        assert CausalLanguageModelScorer(str(copy), dtype="float32").fingerprint == scorer.fingerprint

    def test_is_another_for_other_weights(self, folder, scorer, tmp_path) -> None:
        copy = shutil.copytree(folder, tmp_path / "changed")
        weights = load_file(copy / "model.safetensors")
        name = sorted(weights)[-1]
        weights[name].view(-1)[0] += 1.0
        save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
        assert CausalLanguageModelScorer(str(copy), dtype="float32").fingerprint != scorer.fingerprint

    def test_is_another_for_another_model(self, tiny_llama, tiny_gpt2) -> None:
        one, other = (CausalLanguageModelScorer(str(folder)) for folder in (tiny_llama, tiny_gpt2))
        assert one.fingerprint != other.fingerprint


@pytest.mark.model
def test_the_embedded_model_attends_as_eager_attention_does(real_float32_scorer) -> None:
    eager = Eager(model_path(DEFAULT_MODEL))
    heads = [Head(21, 2), Head(15, 6), Head(0, 0)]
    encode = real_float32_scorer.encode
    text = "The mill was built by Jan. It is old."
    request = ScoringRequest(encode(" Who built the mill?").tokens, encode(text).tokens)
    (seen,) = real_float32_scorer.attend([request], heads)
    np.testing.assert_allclose(seen.weights, eager(request, heads), atol=1e-4)


def test_a_head_that_a_model_does_not_have_is_named(tiny_llama) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")
    for head in (Head(0, 99), Head(7, 0), Head(-1, 0)):
        with pytest.raises(ModelError, match=f"no attention head {head.head} in a layer {head.layer}"):
            scorer.attend([ScoringRequest([1, 2], [3, 4])], [head])
