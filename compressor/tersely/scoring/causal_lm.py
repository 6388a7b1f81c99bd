"""The scorer on torch: any causal language model, on a processor or an accelerator.

Speed comes from four habits: texts are packed side by side without padding, keys and values of documents are cached for
the next question, the language-model head runs only for the rows whose scores are wanted, and callers share passes.
This room decides what goes through the model; `packing.py` runs it, `queue.py` lets callers share, `cache.py` stores,
`loading.py` loads the model.
"""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version

import numpy as np
import torch

from tersely.errors import ModelError
from tersely.scoring import packing
from tersely.scoring.cache import DocumentCache
from tersely.scoring.chain import CachedChain
from tersely.scoring.depth import prefix_layers
from tersely.scoring.devices import best_device, processor_features
from tersely.scoring.loading import load_model
from tersely.scoring.models import DEFAULT_MODEL
from tersely.scoring.pass_items import KeyValues, PassItem, PassResult
from tersely.scoring.prefixes import Prefix, groups, item_after_prefix
from tersely.scoring.progress import TokenProgress
from tersely.scoring.queue import PassQueue
from tersely.scoring.scorer import Attention, Chain, Encoding, Head, Progress, ScoringRequest
from tersely.scoring.windows import windows
from tersely.settings import CacheSettings
from tersely.version import __version__

# Tokens in one forward pass: enough to keep the matrix units busy, few enough to stay in the processor's cache.
_PASS_TOKENS = 2048
# Tokens; attention grows with the square of a window, so longer contexts than this cost more than they tell; and other
# callers wait until a window is through.
_LONGEST_WINDOW = 4096


class CausalLanguageModelScorer:
    """A `Scorer` over a transformers causal language model. Safe to call from several threads: they share passes.

    Args:
        model: the embedded default's name, a folder, a `.gguf` file or a Hub id (see `models.py`).
        device: a torch device; by default CUDA, else MPS, else the processor.
        dtype: a torch dtype's name, or `"int8"`. By default int8 for a Llama (as the embedded model is) on a processor
            with matmuls of 8 bits; else bfloat16 where the device computes it natively; else float32.
        cache: how much of documents is cached between calls.

    Raises:
        ModelError: the model cannot be found or loaded, or is not an ordinary causal language model.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        device: str | None = None,
        dtype: str | None = None,
        cache: CacheSettings | None = None,
    ) -> None:
        self.device = device or best_device()
        self._queue: PassQueue[PassItem, PassResult] = PassQueue(
            self._run_pass, lambda item: len(item.tokens), _PASS_TOKENS
        )
        # In the queue's thread, as everything that computes: a second team of OpenMP threads would slow both down.
        self.name, self.dtype, self._decoder, self._tokenizer = self._queue.call(
            lambda: load_model(model, dtype=dtype, device=self.device)
        )
        # The Rust tokenizer has no truncation or padding state to race on.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A document that contains `<|im_start|>` is text, and steers no model.
        self._tokenizer.encode_special_tokens = True
        self.fingerprint, self.supports_shallow = self._decoder.fingerprint, self._decoder.supports_shallow
        self._depth: Callable[[], int | None] = partial(prefix_layers, self.fingerprint)
        self.heads: Sequence[Head] = [
            Head(layer, head) for layer in range(self._decoder.layers) for head in range(self._decoder.heads)
        ]
        self.context_length: int = min(self._decoder.context_length or _LONGEST_WINDOW, _LONGEST_WINDOW)
        cache = cache or CacheSettings()
        self.cache = DocumentCache(cache.memory_bytes, cache.disk_bytes)
        # What two processes must have in common to come to the same bits.
        how = f"{type(self._decoder).__name__} {self.dtype} {self.device.split(':')[0]}"
        self._numerics = f"{self.fingerprint} {how} {processor_features()} {_versions()}"

    def encode(self, text: str) -> Encoding:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Encoding(encoding.ids, encoding.offsets)

    def with_depth(self, layers: int | None) -> CausalLanguageModelScorer:
        scorer = copy.copy(self)  # the same model, queue and cache
        scorer._depth = lambda: layers
        return scorer

    def score(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> list[np.ndarray]:
        done = TokenProgress(requests, progress)
        scores: dict[int, np.ndarray] = {}
        sharing = Counter(tuple(request.prefix) for request in requests)
        after_prefix, windowed = [], []
        for number, request in enumerate(requests):
            cached = self._cached_scores(request) if request.cached == "scores" else None
            if cached is not None:
                scores[number] = cached
                done.add(len(request.prefix) + len(request.tokens))
            elif (
                self._decoder.packs
                and self._fits(request)
                and (request.cached == "prefix" or sharing[tuple(request.prefix)] > 1)
            ):
                after_prefix.append(number)
            else:
                windowed.append(number)
        for group in groups(after_prefix, requests):
            results = self._after_prefixes([requests[number] for number in group], done)
            scores.update(zip(group, (result.log_probabilities for result in results), strict=True))
        scores.update(self._score_in_windows({number: requests[number] for number in windowed}, done))
        for number, request in enumerate(requests):
            if request.cached == "scores":
                self._store_scores(request, scores[number])
        done.finish()
        return [scores[number] for number in range(len(requests))]

    def attend(
        self, requests: Sequence[ScoringRequest], heads: Sequence[Head], progress: Progress | None = None
    ) -> list[Attention]:
        for head in heads:
            if head not in self.heads:
                raise ModelError(f"model {self.name!r} has no attention head {head.head} in a layer {head.layer}")
        for number, request in enumerate(requests):
            if not self._fits(request):
                raise ValueError(
                    f"request {number} needs a prefix (it has {len(request.prefix)} tokens) and tokens "
                    f"({len(request.tokens)}), together at most {self.context_length}"
                )
        if not self._decoder.packs:
            raise ModelError(
                f"the attention of model {self.name!r} cannot be read: it does not go through transformers' interface; "
                f"use the model without a profile"
            )
        done = TokenProgress(requests, progress)
        attention: list[Attention] = []
        for group in groups(range(len(requests)), requests):
            results = self._after_prefixes([requests[number] for number in group], done, tuple(heads))
            attention += [Attention(result.attention, result.log_probabilities) for result in results]
        done.finish()
        return attention

    def prepare(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> None:
        self.cache.check_stores()
        done = TokenProgress(requests, progress)
        for group in groups(range(len(requests)), requests):
            group_requests = [requests[number] for number in group]
            if self._decoder.packs:
                self._prepare_prefixes([request for request in group_requests if request.cached == "prefix"], done)
            scored = [request for request in group_requests if request.cached == "scores"]
            for request, scores in zip(scored, self.score(scored), strict=True):
                self._store_scores(request, scores, lasting=True)
                done.add(len(request.tokens))
        self.cache.settle()
        self.cache.check_stores()
        done.finish()

    def chain(self, prefixes: Sequence[Sequence[int]], shallow: bool = False) -> Chain:
        # Without packing, keys and values cannot be had: what was accepted goes through the model with each piece.
        length = self.context_length if self._decoder.packs else 0
        depth = self._depth() if shallow and self.supports_shallow else None
        return CachedChain(prefixes, depth, length, self._queue.run, self.score)

    def _fits(self, request: ScoringRequest) -> bool:
        """Whether a request can go through the model at once, its tokens after its prefix."""
        length = len(request.prefix) + len(request.tokens)
        return bool(request.prefix) and bool(request.tokens) and length <= self.context_length

    def _prefixes(self, requests: Sequence[ScoringRequest]) -> list[Prefix]:
        shallow = self.supports_shallow and any(request.shallow for request in requests)
        depth = self._depth() if shallow else None
        return [Prefix(tuple(request.prefix[:-1]), depth if request.shallow else None) for request in requests]

    def _after_prefixes(
        self, requests: Sequence[ScoringRequest], done: TokenProgress, heads: tuple[Head, ...] = ()
    ) -> list[PassResult]:
        """The results of each request's tokens after its prefix: their log-probabilities, and what heads see.

        A prefix that is not cached goes through the model with the first request that has it; the others wait for its
        keys and values.
        """
        prefixes = self._prefixes(requests)
        cached = self._cached_prefixes(requests, prefixes, done)
        first: dict[Prefix, int] = {}
        now: list[int] = []
        later: list[int] = []
        for number, prefix in enumerate(prefixes):
            is_first = not prefix.tokens or prefix in cached or first.setdefault(prefix, number) == number
            (now if is_first else later).append(number)
        results: dict[int, PassResult] = {}
        for numbers in filter(None, (now, later)):
            items = [
                item_after_prefix(requests[number], prefixes[number], cached.get(prefixes[number]), heads)
                for number in numbers
            ]
            for number, result in zip(numbers, self._queue.run(items, done.add_items), strict=True):
                results[number] = result
                if result.key_values is not None:
                    cached[prefixes[number]] = result.key_values
                    if requests[number].cached == "prefix":
                        self.cache.put(self._prefix_key(prefixes[number]), result.key_values._asdict())
        return [results[number] for number in range(len(requests))]

    def _cached_prefixes(
        self, requests: Sequence[ScoringRequest], prefixes: Sequence[Prefix], done: TokenProgress
    ) -> dict[Prefix, KeyValues]:
        """Keys and values of the prefixes that were computed before."""
        cached: dict[Prefix, KeyValues] = {}
        for request, prefix in zip(requests, prefixes, strict=True):
            if prefix not in cached and request.cached == "prefix" and prefix.tokens:
                tensors = self.cache.get(self._prefix_key(prefix), self.device)
                if tensors is not None:
                    cached[prefix] = KeyValues(tensors["keys"], tensors["values"])
            if prefix in cached:
                done.add(len(prefix.tokens))
        return cached

    def _prepare_prefixes(self, requests: Sequence[ScoringRequest], done: TokenProgress) -> None:
        prefixes = self._prefixes(requests)
        cached = self._cached_prefixes(requests, prefixes, done)
        missing = [prefix for prefix in dict.fromkeys(prefixes) if prefix.tokens and prefix not in cached]
        items = [PassItem(prefix.tokens, prefix_length=len(prefix.tokens), layers=prefix.layers) for prefix in missing]
        for prefix, result in zip(missing, self._queue.run(items, done.add_items), strict=True):
            assert result.key_values is not None
            self.cache.put(self._prefix_key(prefix), result.key_values._asdict(), lasting=True)

    def _prefix_key(self, prefix: Prefix) -> str:
        return self._key(f"state read by {prefix.layers}", prefix.tokens)

    def _score_in_windows(self, requests: dict[int, ScoringRequest], done: TokenProgress) -> dict[int, np.ndarray]:
        scores = {
            number: np.full(len(request.tokens), np.nan, dtype=np.float32) for number, request in requests.items()
        }
        cut = [
            window for number, request in requests.items() for window in windows(number, request, self.context_length)
        ]
        items = [PassItem(window.tokens, score_from=window.score_from) for window in cut]
        for window, result in zip(cut, self._queue.run(items, done.add_items), strict=True):
            log_probabilities = result.log_probabilities
            scores[window.request][window.start : window.start + len(log_probabilities)] = log_probabilities
        return scores

    def _cached_scores(self, request: ScoringRequest) -> np.ndarray | None:
        tensors = self.cache.get(self._key("scores", request.prefix, request.tokens), "cpu")
        return None if tensors is None else tensors["scores"].numpy().copy()

    def _store_scores(self, request: ScoringRequest, scores: np.ndarray, *, lasting: bool = False) -> None:
        tensors = {"scores": torch.from_numpy(scores.copy())}
        self.cache.put(self._key("scores", request.prefix, request.tokens), tensors, lasting=lasting)

    def _key(self, kind: str, *texts: Sequence[int]) -> str:
        digest = hashlib.sha256(f"{kind} {self._numerics}".encode())
        for tokens in texts:
            digest.update(b"|" + np.asarray(tokens, dtype=np.int64).tobytes())
        return digest.hexdigest()

    def _run_pass(self, items: Sequence[PassItem]) -> list[PassResult]:
        return packing.run(self._decoder, items)


def _versions() -> str:
    return f"tersely {__version__} torch {torch.__version__} transformers {version('transformers')}"
