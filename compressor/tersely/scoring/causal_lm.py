"""The scorer on torch: any causal language model, on a processor or an accelerator.

Speed comes from four habits: texts are packed side by side without padding, what was read of a document is kept for the
next question, the language-model head runs only for the rows that are read, and callers share passes. This room decides
what is to be read; `packing.py` reads, `queue.py` lets callers share, `cache.py` keeps, `loading.py` brings the model.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import torch

from tersely import __version__
from tersely.errors import ModelError
from tersely.scoring import packing
from tersely.scoring.cache import DocumentCache
from tersely.scoring.chain import StateChain
from tersely.scoring.loading import load_model
from tersely.scoring.models import DEFAULT_MODEL
from tersely.scoring.queue import PassQueue
from tersely.scoring.scorer import Attention, Chain, Encoding, Head, Progress, ScoringRequest
from tersely.scoring.stretches import Outcome, State, Stretch
from tersely.scoring.windows import windows
from tersely.settings import CacheSettings

# Tokens in one forward pass: enough to keep the matrix units busy, few enough to stay in the processor's cache.
_PASS_TOKENS = 2048
# Tokens of documents whose states one caller holds at once, before its question is read after them.
_GROUP_TOKENS = 4096
# Tokens; attention grows with the square of a window, so longer contexts than this cost more than they tell; and who
# shares the model waits until a window is read.
_LONGEST_WINDOW = 4096


class CausalLanguageModelScorer:
    """A `Scorer` over a transformers causal language model. Safe to call from several threads: they share passes.

    Args:
        model: the embedded default's name, a folder, a `.gguf` file or a Hub id (see `models.py`).
        device: a torch device; by default CUDA, else MPS, else the processor.
        dtype: a torch dtype's name, or `"int8"`. By default int8 for a Llama (as the embedded model is) on a processor
            with products of 8 bits; else bfloat16 where the device computes it natively; else float32.
        cache: how much is kept of documents between calls.

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
        self.device = device or _best_device()
        self._queue: PassQueue[Stretch, Outcome] = PassQueue(
            self._run_pass, lambda stretch: len(stretch.tokens), _PASS_TOKENS
        )
        # In the queue's thread, as all that computes: a second team of OpenMP threads would slow both down.
        self.name, self.dtype, self._decoder, self._tokenizer = self._queue.call(
            lambda: load_model(model, dtype=dtype, device=self.device)
        )
        # The Rust tokenizer has no truncation or padding state to race on.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A document that speaks of `<|im_start|>` is text, and steers no model.
        self._tokenizer.encode_special_tokens = True
        self.fingerprint, self.stops = self._decoder.fingerprint, self._decoder.stops
        self.heads: Sequence[Head] = [
            Head(layer, head) for layer in range(self._decoder.layers) for head in range(self._decoder.heads)
        ]
        self.context_length: int = min(self._decoder.context_length or _LONGEST_WINDOW, _LONGEST_WINDOW)
        cache = cache or CacheSettings()
        self.cache = DocumentCache(cache.memory_bytes, cache.disk_bytes)
        # What two processes must have in common to come to the same bits.
        how = f"{type(self._decoder).__name__} {self.dtype} {self.device.split(':')[0]}"
        self._numerics = f"{self.fingerprint} {how} {_processor()} {_versions()}"

    def encode(self, text: str) -> Encoding:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Encoding(encoding.ids, encoding.offsets)

    def score(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> list[np.ndarray]:
        done = _Done(requests, progress)
        scores: dict[int, np.ndarray] = {}
        sharing = Counter(tuple(request.prefix) for request in requests)
        after_state, whole = [], []
        for number, request in enumerate(requests):
            known = self._known_scores(request) if request.again == "scores" else None
            if known is not None:
                scores[number] = known
                done.add(len(request.prefix) + len(request.tokens))
            elif (
                self._decoder.packs
                and self._fits(request)
                and (request.again == "prefix" or sharing[tuple(request.prefix)] > 1)
            ):
                after_state.append(number)
            else:
                whole.append(number)
        for group in _groups(after_state, requests):
            outcomes = self._after_prefixes([requests[number] for number in group], done)
            scores.update(zip(group, (outcome.log_probabilities for outcome in outcomes), strict=True))
        scores.update(self._score_in_windows({number: requests[number] for number in whole}, done))
        for number, request in enumerate(requests):
            if request.again == "scores":
                self._keep_scores(request, scores[number])
        done.all()
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
        done = _Done(requests, progress)
        found: list[Attention] = []
        for group in _groups(range(len(requests)), requests):
            outcomes = self._after_prefixes([requests[number] for number in group], done, tuple(heads))
            found += [Attention(outcome.attention, outcome.log_probabilities) for outcome in outcomes]
        done.all()
        return found

    def prepare(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> None:
        self.cache.check_keeps()
        done = _Done(requests, progress)
        for group in _groups(range(len(requests)), requests):
            of_group = [requests[number] for number in group]
            if self._decoder.packs:
                self._prepare_prefixes([request for request in of_group if request.again == "prefix"], done)
            again = [request for request in of_group if request.again == "scores"]
            for request, scores in zip(again, self.score(again), strict=True):
                self._keep_scores(request, scores, lasting=True)
                done.add(len(request.tokens))
        self.cache.settle()
        self.cache.check_keeps()
        done.all()

    def chain(self, prefixes: Sequence[Sequence[int]], layers: int | None = None) -> Chain:
        # Where nothing can be kept of what was accepted, it is read again with each piece.
        length = self.context_length if self._decoder.packs else 0
        return StateChain(prefixes, layers, length, self._queue.run, self.score)

    def _fits(self, request: ScoringRequest) -> bool:
        """Whether a request can be read at once, its tokens after the state of its prefix."""
        length = len(request.prefix) + len(request.tokens)
        return bool(request.prefix) and bool(request.tokens) and length <= self.context_length

    def _after_prefixes(
        self, requests: Sequence[ScoringRequest], done: _Done, heads: tuple[Head, ...] = ()
    ) -> list[Outcome]:
        """What a pass says of each request's tokens after its prefix: their log-probabilities, and what heads see.

        Of a prefix that is not known the first who asks for it reads it in the same pass; the others use its state.
        """
        states = self._known_states(requests, done)
        prefixes = [_Prefix.of(request) for request in requests]
        first: dict[_Prefix, int] = {}
        now: list[int] = []
        later: list[int] = []
        for number, prefix in enumerate(prefixes):
            is_first = not prefix.tokens or prefix in states or first.setdefault(prefix, number) == number
            (now if is_first else later).append(number)
        outcomes: dict[int, Outcome] = {}
        for numbers in filter(None, (now, later)):
            stretches = [_after_prefix(requests[number], states.get(prefixes[number]), heads) for number in numbers]
            for number, outcome in zip(numbers, self._queue.run(stretches, done.stretches), strict=True):
                outcomes[number] = outcome
                if outcome.state is not None:
                    states[prefixes[number]] = outcome.state
                    if requests[number].again == "prefix":
                        self.cache.put(self._state_key(prefixes[number]), outcome.state._asdict())
        return [outcomes[number] for number in range(len(requests))]

    def _known_states(self, requests: Sequence[ScoringRequest], done: _Done) -> dict[_Prefix, State]:
        """The states of prefixes that were asked for before."""
        states: dict[_Prefix, State] = {}
        for request in requests:
            prefix = _Prefix.of(request)
            if prefix not in states and request.again == "prefix" and prefix.tokens:
                kept = self.cache.get(self._state_key(prefix), self.device)
                if kept is not None:
                    states[prefix] = State(kept["keys"], kept["values"])
            if prefix in states:
                done.add(len(prefix.tokens))
        return states

    def _prepare_prefixes(self, requests: Sequence[ScoringRequest], done: _Done) -> None:
        known = self._known_states(requests, done)
        missing = [
            prefix for prefix in dict.fromkeys(map(_Prefix.of, requests)) if prefix.tokens and prefix not in known
        ]
        stretches = [Stretch(prefix.tokens, keep=len(prefix.tokens), layers=prefix.layers) for prefix in missing]
        for prefix, outcome in zip(missing, self._queue.run(stretches, done.stretches), strict=True):
            assert outcome.state is not None
            self.cache.put(self._state_key(prefix), outcome.state._asdict(), lasting=True)

    def _state_key(self, prefix: _Prefix) -> str:
        return self._key(f"state read by {prefix.layers}", prefix.tokens)

    def _score_in_windows(self, requests: dict[int, ScoringRequest], done: _Done) -> dict[int, np.ndarray]:
        scores = {number: np.full(len(one.tokens), np.nan, dtype=np.float32) for number, one in requests.items()}
        cut = [window for number, one in requests.items() for window in windows(number, one, self.context_length)]
        stretches = [Stretch(window.tokens, score_from=window.read_from) for window in cut]
        for window, outcome in zip(cut, self._queue.run(stretches, done.stretches), strict=True):
            found = outcome.log_probabilities
            scores[window.request][window.start : window.start + len(found)] = found
        return scores

    def _known_scores(self, request: ScoringRequest) -> np.ndarray | None:
        kept = self.cache.get(self._key("scores", request.prefix, request.tokens), "cpu")
        return None if kept is None else kept["scores"].numpy().copy()

    def _keep_scores(self, request: ScoringRequest, scores: np.ndarray, *, lasting: bool = False) -> None:
        kept = {"scores": torch.from_numpy(scores.copy())}
        self.cache.put(self._key("scores", request.prefix, request.tokens), kept, lasting=lasting)

    def _key(self, kind: str, *tokens: Sequence[int]) -> str:
        digest = hashlib.sha256(f"{kind} {self._numerics}".encode())
        for some in tokens:
            digest.update(b"|" + np.asarray(some, dtype=np.int64).tobytes())
        return digest.hexdigest()

    def _run_pass(self, stretches: Sequence[Stretch]) -> list[Outcome]:
        return packing.run(self._decoder, stretches)


class _Prefix(NamedTuple):
    """What stands before a request's tokens, but for its last token: that one predicts the first of them."""

    tokens: tuple[int, ...]
    layers: int | None  # by which it is read

    @classmethod
    def of(cls, request: ScoringRequest) -> _Prefix:
        return cls(tuple(request.prefix[:-1]), request.layers)


def _after_prefix(request: ScoringRequest, state: State | None, heads: tuple[Head, ...]) -> Stretch:
    """A request's tokens after the state of its prefix, or, where it is not known, with its prefix."""
    unread = () if state is not None else request.prefix[:-1]
    return Stretch(
        [*unread, request.prefix[-1], *request.tokens],
        () if state is None else (state,),
        keep=len(unread),
        layers=request.layers,
        score_from=len(unread) + 1,
        among_common=bool(heads),
        heads=heads,
    )


class _Done:
    """How much of the tokens of some requests is done."""

    def __init__(self, requests: Sequence[ScoringRequest], progress: Progress | None) -> None:
        self._total = sum(len(request.prefix) + len(request.tokens) for request in requests)
        self._report, self._tokens, self._share = progress, 0, 0.0

    def add(self, tokens: int) -> None:
        self._tokens += tokens
        share = min(self._tokens / max(self._total, 1), 1.0)
        if self._report and share > self._share:
            self._share = share
            self._report(share)

    def stretches(self, stretches: Sequence[Stretch]) -> None:
        self.add(sum(len(stretch.tokens) for stretch in stretches))

    def all(self) -> None:
        if self._total:
            self.add(self._total)


def _groups(numbers: Sequence[int], requests: Sequence[ScoringRequest]) -> Iterator[list[int]]:
    """The numbers of requests whose prefixes can be held at once."""
    group: list[int] = []
    size = 0
    for number in numbers:
        size += len(requests[number].prefix)
        if group and size > _GROUP_TOKENS:
            yield group
            group, size = [], len(requests[number].prefix)
        group.append(number)
    if group:
        yield group


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _processor() -> str:
    capabilities = torch.cpu.get_capabilities()
    return ",".join(sorted(name for name, has in capabilities.items() if has is True))


def _versions() -> str:
    return f"tersely {__version__} torch {torch.__version__} transformers {version('transformers')}"
