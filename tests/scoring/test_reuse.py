"""Documents are cached: a later question gives the same as without, bit for bit, and computes less."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, MambaConfig, MambaForCausalLM, MistralConfig, MistralForCausalLM

from conftest import TINY_CONFIGURATION, in_eight_bits, save_tiny_model
from doubles import PassCount
from tersely import CacheSettings, CompressionResult, Compressor, InvalidInputError
from tersely.scoring import prefixes
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.models import DEFAULT_MODEL, model_path
from tersely.scoring.scorer import Head, ScoringRequest

NOTHING_CACHED = CacheSettings(memory_bytes=0, disk_bytes=0)
MEMORY = CacheSettings(disk_bytes=0)
SMALL = CacheSettings(memory_bytes=128 * 2**20)
METHODS = ["evidence", "longllmlingua", "llmlingua"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A disk tier of the test's own; the models stay where they are."""
    monkeypatch.setattr("tersely.scoring.cache.cache_folder", lambda: tmp_path / "kept")
    return tmp_path / "kept"


def same(one: CompressionResult, other: CompressionResult) -> bool:
    return one.model_dump(exclude={"seconds"}) == other.model_dump(exclude={"seconds"})


def random_tokens(generator: np.random.Generator, length: int, vocabulary: int = 256) -> list[int]:
    return generator.integers(0, vocabulary, length).tolist()


@pytest.mark.parametrize(
    "model, dtype",
    [
        *((model, dtype) for model in ("tiny_llama", "tiny_mistral", "tiny_gpt2") for dtype in ("float32", "bfloat16")),
        pytest.param("tiny_llama", "int8", marks=in_eight_bits),
    ],
)
@pytest.mark.parametrize("layers", [None, 1])
def test_cached_and_computed_anew_are_the_same_bits_whatever_shares_the_pass(request, model, dtype, layers) -> None:
    path = str(request.getfixturevalue(model))
    generator = np.random.default_rng(7)
    prefixes = [random_tokens(generator, length) for length in (1, 2, 9, 30, 30, 41)]
    asked = [random_tokens(generator, length) for length in (1, 4, 20)]
    without = CausalLanguageModelScorer(path, dtype=dtype, cache=NOTHING_CACHED).with_depth(layers)
    caching = CausalLanguageModelScorer(path, dtype=dtype, cache=MEMORY).with_depth(layers)
    caching.prepare([ScoringRequest([], prefix, "prefix", shallow=True) for prefix in reversed(prefixes)])
    for tokens in asked:
        requests = [ScoringRequest(tokens, prefix, "prefix", shallow=True) for prefix in prefixes]
        alone = [without.attend([one], without.heads)[0] for one in requests]
        for _ in range(2):
            for one, other in zip(alone, caching.attend(requests, caching.heads), strict=True):
                np.testing.assert_array_equal(one.weights, other.weights)
                np.testing.assert_array_equal(one.log_probabilities, other.log_probabilities)
            for one, other in zip(alone, caching.score(requests), strict=True):
                np.testing.assert_array_equal(one.log_probabilities, other)


@pytest.mark.model
@pytest.mark.parametrize("dtype", [pytest.param("int8", marks=in_eight_bits), "bfloat16", "float32"])
def test_a_question_of_any_length_has_the_same_bits_whatever_shares_its_pass(dtype) -> None:
    generator = np.random.default_rng(5)
    scorer = CausalLanguageModelScorer(dtype=dtype, cache=NOTHING_CACHED).with_depth(20)
    prefixes = [random_tokens(generator, length) for length in (60, 70, 75)]
    for length in (1, 14, 15, 16, 17, 18, 30, 31, 32, 33, 39, 46, 47, 48, 62, 63, 64, 70):
        tokens = random_tokens(generator, length, 49_152)
        requests = [ScoringRequest(tokens, prefix, "prefix", shallow=True) for prefix in prefixes]
        alone = [scorer.attend([one], [Head(21, 2)])[0] for one in requests]
        for one, other in zip(alone, scorer.attend(requests, [Head(21, 2)]), strict=True):
            np.testing.assert_array_equal(one.weights, other.weights, err_msg=f"{length} tokens")
            np.testing.assert_array_equal(one.log_probabilities, other.log_probabilities, err_msg=f"{length} tokens")


@pytest.mark.model
@pytest.mark.parametrize("dtype", [pytest.param("int8", marks=in_eight_bits), "bfloat16", "float32"])
def test_results_with_and_without_the_cache_are_the_same(dtype, hotpot, folder) -> None:
    row = hotpot[1]
    documents, questions = row["documents"][:5], [row["question"], "Who was it?", f"Was it so? {row['question'] * 4}"]
    methods = METHODS if dtype != "float32" else METHODS[:1]

    def answers(compressor: Compressor, method: str) -> list[CompressionResult]:
        return [compressor.compress(documents, question, rate=0.3, method=method) for question in questions]

    def alone(cache: CacheSettings) -> Compressor:
        gc.collect()  # one model at a time
        return Compressor(dtype=dtype, cache=cache)

    without = alone(NOTHING_CACHED)
    expected = {method: answers(without, method) for method in methods}
    del without
    for method in methods:
        caching = alone(SMALL)
        caching.index([*documents[3:], "Something else that shares their passes.", *documents[:3]], method=method)
        computed = answers(caching, method) + answers(caching, method)
        del caching
        from_disk = alone(SMALL)
        computed += answers(from_disk, method) + answers(from_disk, method)
        del from_disk
        assert all(map(same, computed, expected[method] * 4))


@pytest.mark.model
@pytest.mark.parametrize("method", METHODS[:2])
def test_a_second_question_reads_only_its_own_tokens_of_the_documents(real_compressor, hotpot, monkeypatch, method):
    real_compressor.scorer.cache.forget()
    documents = hotpot[2]["documents"]
    count = sum(len(real_compressor.scorer.encode(one["text"]).tokens) for one in documents)
    passes = PassCount(monkeypatch)

    def reads(question: str) -> int:
        before = passes.tokens
        compressor_ranks(real_compressor, documents, question, method)
        return passes.tokens - before

    first, second = reads("Who founded it?"), reads("Where does it stand today?")
    assert first > count and first - second > 0.8 * count


def compressor_ranks(compressor: Compressor, documents, question: str, method: str) -> None:
    """Compress to nearly all there is: the coarse stage reads, and the fine stage has little to do."""
    compressor.compress(documents, question, rate=0.02, method=method)


@pytest.mark.model
def test_indexed_documents_are_not_read_again_in_another_process(hotpot, folder, monkeypatch) -> None:
    documents = hotpot[0]["documents"][:3]
    program = (
        "import json, pathlib, sys, tersely, tersely.scoring.cache as cache\n"
        "cache.cache_folder = lambda: pathlib.Path(sys.argv[1])\n"
        "tersely.Compressor().index(json.load(sys.stdin))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], input=json.dumps(documents).encode(), check=True)
    compressor = Compressor()
    passes = PassCount(monkeypatch)
    compressor.compress(documents, "Who is it?", rate=0.5)
    asked = len(compressor.scorer.encode(" Who is it?").tokens)
    assert passes.tokens == asked * len(documents)


def test_llmlinguas_surprisal_is_cached(tiny_llama, monkeypatch) -> None:
    compressor = Compressor(str(tiny_llama), tokenizer="o200k_base", dtype="float32", cache=MEMORY)
    texts = ["The old mill stands by the river.", "A windmill turns when the wind blows."]
    compressor.index(texts, method="llmlingua")
    passes = PassCount(monkeypatch)
    compressor.scorer.score([ScoringRequest(compressor.scorer.encode(texts[0]).tokens, [10], "scores")])
    before = passes.tokens
    newline = compressor.scorer.encode("\n").tokens
    compressor.scorer.score(
        [ScoringRequest(compressor.scorer.encode(text).tokens, newline, "scores") for text in texts]
    )
    assert passes.tokens == before > 0


def test_what_differs_is_never_mistaken_for_the_same(tiny_llama, tiny_gpt2) -> None:
    keys = set()
    for path in (tiny_llama, tiny_gpt2):
        for dtype in ("float32", "bfloat16"):
            scorer = CausalLanguageModelScorer(str(path), dtype=dtype)
            keys |= {scorer._key("state", [1, 2]), scorer._key("state", [1, 2, 3]), scorer._key("state", [12])}
            keys |= {scorer._key("scores", [1, 2], [3]), scorer._key("scores", [1], [2, 3])}
    assert len(keys) == 20
    again = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")
    assert again._key("state", (1, 2)) in keys, "and the same is the same in another process"


def test_index_refuses_what_compress_refuses(fake_compressor) -> None:
    with pytest.raises(InvalidInputError, match="documents is empty"):
        fake_compressor.index([])
    with pytest.raises(InvalidInputError, match=r"method.*no-such"):
        fake_compressor.index(["text"], method="no-such")


def test_index_tells_how_far_it_is(tiny_llama, monkeypatch) -> None:
    compressor = Compressor(str(tiny_llama), tokenizer="o200k_base", cache=MEMORY)
    monkeypatch.setattr(prefixes, "_GROUP_TOKENS", 40)
    told: list[tuple[str, float]] = []
    compressor.index(["Some words about mills. " * 8], progress=lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert len(shares) > 2 and shares == sorted(shares) and shares[-1] == 1


@pytest.mark.model
def test_callers_at_once_share_passes_and_get_what_one_gets(real_compressor, hotpot, monkeypatch) -> None:
    real_compressor.scorer.cache.forget()
    calls = [([one], row["question"]) for row in hotpot[:2] for one in row["documents"][:4]]
    expected = [real_compressor.compress(*call, rate=0.5) for call in calls]
    real_compressor.scorer.cache.forget()
    passes = PassCount(monkeypatch)
    found: dict[int, CompressionResult] = {}
    together = threading.Barrier(len(calls))

    def call(number: int) -> None:
        together.wait()
        found[number] = real_compressor.compress(*calls[number], rate=0.5)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(found[number], one) for number, one in enumerate(expected))
    assert len(passes.items) < 2 * len(calls), "alone each takes two"


@pytest.fixture(scope="module")
def sliding_mistral(tmp_path_factory) -> Path:
    """One that sees only the last 8 tokens."""
    model = MistralForCausalLM(MistralConfig(**TINY_CONFIGURATION, sliding_window=8))
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "mistral", model)


@pytest.fixture(scope="module")
def tiny_mamba(tmp_path_factory) -> Path:
    """One without any attention."""
    config = MambaConfig(
        vocab_size=256,
        hidden_size=32,
        state_size=4,
        num_hidden_layers=2,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "mamba", MambaForCausalLM(config))


def test_a_sliding_window_slides_over_what_was_cached(sliding_mistral) -> None:
    scorer = CausalLanguageModelScorer(str(sliding_mistral), dtype="float32", cache=MEMORY)
    assert scorer._decoder.packs
    plain = AutoModelForCausalLM.from_pretrained(sliding_mistral, dtype=torch.float32).eval()
    generator = np.random.default_rng(3)
    for prefix_length, length in ((3, 3), (5, 20), (30, 6), (20, 20)):
        prefix, tokens = random_tokens(generator, prefix_length), random_tokens(generator, length)
        with torch.no_grad():
            logits = plain(torch.tensor([[*prefix, *tokens]])).logits[0].log_softmax(-1)
        expected = [logits[prefix_length - 1 + i, token].item() for i, token in enumerate(tokens)]
        for again in (None, "prefix", "prefix"):
            (found,) = scorer.score([ScoringRequest(tokens, prefix, again)])
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_model_without_attention_is_read_its_own_way(tiny_mamba) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_mamba), dtype="float32", cache=MEMORY)
    assert not scorer._decoder.packs
    compressor = Compressor(scorer, tokenizer="o200k_base")
    texts = ["The old mill stands by the river.", "A windmill turns when the wind blows."]
    for method in METHODS:
        compressor.index(texts, method=method)
        result = compressor.compress(texts, "Where is the mill?", rate=0.7, method=method)
        assert 0 < result.compressed_tokens <= result.target_tokens
    (whole,) = scorer.score([ScoringRequest([5, 6, 7], [1, 2, 3, 4])])
    chain = scorer.chain([[1, 2]])
    chain.accept([3, 4])
    np.testing.assert_allclose(chain.score([5, 6, 7])[0], whole, atol=1e-5)


def test_the_embedded_model_packs(real_compressor) -> None:
    assert real_compressor.scorer._decoder.packs and model_path(DEFAULT_MODEL)
