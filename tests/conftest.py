"""Fixtures that several tests share: tiny random models for logic, the embedded model for behaviour, sample data."""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from doubles import FakeScorer
from tersely import CacheSettings, CompressionResult, Compressor
from tersely.scoring import Loader, set_loader
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.llama import eight_bit_levels

DATA = Path(__file__).parent / "data"
C_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None
CONTEXT_LENGTH = 64  # tokens of the tiny models
# Of the shared models: the tests together read far more than is worth holding.
SMALL_CACHE = CacheSettings(memory_bytes=64 * 2**20, disk_bytes=0)

in_eight_bits = pytest.mark.skipif(eight_bit_levels() is None, reason="this processor has no products of 8 bits")


def save_tiny_model(folder: Path, model: PreTrainedModel) -> Path:
    """A random model with a tokenizer whose tokens are bytes."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.3)
    model.save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={character: i for i, character in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    return folder


# Of models with rotary positions whose heads share keys.
TINY_CONFIGURATION = {
    "vocab_size": 256,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT_LENGTH,
    "bos_token_id": None,
    "eos_token_id": None,
}


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of three layers: the family that is computed without transformers."""
    model = LlamaForCausalLM(LlamaConfig(**{**TINY_CONFIGURATION, "num_hidden_layers": 3}))
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "llama", model)


@pytest.fixture(scope="session")
def tiny_mistral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Mistral of two layers: as a Llama, but through transformers."""
    model = MistralForCausalLM(MistralConfig(**TINY_CONFIGURATION, sliding_window=None))
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "mistral", model)


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of two layers (learned positions: reading past the context would raise)."""
    config = GPT2Config(
        vocab_size=256,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=CONTEXT_LENGTH,
        bos_token_id=None,
        eos_token_id=None,
    )
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "gpt2", GPT2LMHeadModel(config))


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models and profiles with nothing in it."""
    monkeypatch.setenv("TERSELY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def fake_scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def fake_compressor(fake_scorer: FakeScorer) -> Compressor:
    return Compressor(fake_scorer, tokenizer="o200k_base")


@pytest.fixture
def loader() -> Iterator[Callable[[Loader], None]]:
    """Sets what loads models by their name, until the test ends."""
    yield set_loader
    set_loader(None)


@pytest.fixture
def fake_model(fake_scorer: FakeScorer, loader: Callable[[Loader], None]) -> FakeScorer:
    """The scorer that every model's name stands for."""
    loader(lambda model, **options: fake_scorer)
    return fake_scorer


@pytest.fixture(scope="session")
def tiny_compressor(tiny_llama: Path) -> Compressor:
    return Compressor(str(tiny_llama), tokenizer="o200k_base", dtype="float32")


@pytest.fixture(scope="session")
def real_compressor() -> Compressor:
    """The embedded model, as a user gets it, but for traces on disk."""
    return Compressor(cache=SMALL_CACHE)


@pytest.fixture(scope="session")
def real_float32_scorer() -> CausalLanguageModelScorer:
    return CausalLanguageModelScorer(dtype="float32", cache=SMALL_CACHE)


def sample(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / f"{name}-sample.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def hotpot() -> list[dict]:
    """Four questions of HotpotQA with ten documents each."""
    return sample("hotpot")


@pytest.fixture(scope="session")
def natural_questions() -> list[dict]:
    """Two questions of NaturalQuestions with twenty documents each."""
    return sample("nq20")


def is_used_or_explained(result: CompressionResult) -> bool:
    """Whether nearly all of a budget is used, or the result says why not."""
    if result.unused_tokens <= 0.03 * result.target_tokens:
        return result.unused_tokens >= 0
    too_small = all(unit.tokens + 2 >= result.unused_tokens for unit in result.left_out)
    return too_small and any(note.startswith(f"unused: {result.unused_tokens} of") for note in result.notes)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Free what a test with a real model, or the last test of a file, has left.

    Models hold cycles of references, and the C library keeps what was freed unless it is told to give it back.
    """
    if item.get_closest_marker("model") or nextitem is None or nextitem.path != item.path:
        gc.collect()
        if hasattr(C_LIBRARY, "malloc_trim"):  # glibc alone
            C_LIBRARY.malloc_trim(0)
