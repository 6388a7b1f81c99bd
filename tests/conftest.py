"""Fixtures that several tests share: tiny random models for logic, the embedded model for behaviour, sample data."""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
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

from tersely import CacheSettings, CompressionResult, Compressor
from tersely.methods.evidence import profile
from tersely.scoring import Loader, packing, set_loader
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.llama import multiplies_eight_bits
from tersely.scoring.scorer import Attention, Encoding, Head

DATA = Path(__file__).parent / "data"
CONTEXT_LENGTH = 64  # tokens of the tiny models

in_eight_bits = pytest.mark.skipif(not multiplies_eight_bits(), reason="this processor has no products of 8 bits")


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


class FakeScorer:
    """A scorer without a model: a token is a word with its white space, its surprisal comes from its letters.

    What stood in the prefix is likelier. Attention goes to the words that the tokens which see repeat, and a little, by
    letters and by head, to the others.
    """

    name = "fake"
    fingerprint = "fake"
    supports_shallow = True
    depth = None  # by how many layers shallow prefixes are computed
    context_length = 512
    heads = tuple(Head(layer, head) for layer in range(2) for head in range(3))

    def encode(self, text: str) -> Encoding:
        import regex

        spans = [match.span() for match in regex.finditer(r"\s*\S+|\s+$", text)]
        return Encoding([hash_of(text[start:end].strip()) for start, end in spans], spans)

    def score(self, requests, progress=None):
        return [
            self._scores(request.tokens) / np.where(np.isin(request.tokens, request.prefix), 2, 1).astype(np.float32)
            for request in requests
        ]

    def attend(self, requests, heads, progress=None):
        scores = self.score(requests)
        return [Attention(self._weights(request, heads), one) for request, one in zip(requests, scores, strict=True)]

    def prepare(self, requests, progress=None):
        pass

    def chain(self, prefixes, shallow=False):
        return FakeChain(self, [len(prefix) for prefix in prefixes])

    def with_depth(self, layers):
        scorer = copy.copy(self)
        scorer.depth = layers
        return scorer

    def _weights(self, request, heads):
        *before, last = request.prefix
        prefix = np.asarray(before, dtype=np.int64)
        rows = []
        for head in heads:
            by_letters = (prefix * (7 * head.layer + 3 * head.head + 1)) % 101 / 1000
            seen = np.isin(prefix, [last, *request.tokens]) + by_letters
            rows.append(seen / (seen.sum() + 1))
        return np.array(rows, dtype=np.float32)

    def _scores(self, tokens):
        return -np.array([1 + token % 97 for token in tokens], dtype=np.float32) / 10


class FakeChain:
    """Scores as its scorer does, a little differently after a long prefix, and remembers what it accepted."""

    def __init__(self, scorer: FakeScorer, prefixes: list[int]) -> None:
        self.scorer, self.prefixes, self.accepted = scorer, prefixes, []

    def score(self, tokens):
        rows = [[token * (1 + prefix % 3) for token in tokens] for prefix in self.prefixes]
        return np.stack([self.scorer._scores(row) for row in rows])

    def accept(self, tokens) -> None:
        self.accepted.extend(tokens)


class Read:
    """How many tokens models read from now on, in how many passes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tokens, self.passes = 0, 0
        run = packing.run

        def counting(decoder, items):
            self.tokens += sum(len(item.tokens) for item in items)
            self.passes += 1
            return run(decoder, items)

        monkeypatch.setattr(packing, "run", counting)


def hash_of(word: str) -> int:
    """A number that is the same in every process."""
    return zlib.crc32(word.encode()) % 10_007


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for models and profiles with nothing in it, and no profile remembered from before."""
    monkeypatch.setenv("TERSELY_HOME", str(tmp_path / "home"))
    profile._say_once.cache_clear()
    yield tmp_path / "home"
    profile._say_once.cache_clear()


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
    return Compressor(cache=CacheSettings(disk_bytes=0))


@pytest.fixture(scope="session")
def real_float32_scorer() -> CausalLanguageModelScorer:
    return CausalLanguageModelScorer(dtype="float32", cache=CacheSettings(disk_bytes=0))


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
