"""The scorer on torch and transformers: any causal language model, on a processor or an accelerator.

Speed comes from three habits: sequences of like length share a batch and need no attention mask (padding stands on the
right, where a causal model never looks), the language-model head runs only for the rows that are read, and it runs in
chunks, so that the logits of a whole batch never exist. This room scores; what the scores mean is the methods' affair.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from transformers import DynamicCache

from tersely.errors import ModelError
from tersely.scoring.attention import IMPLEMENTATION, AttentionReader, PassEnded, reading
from tersely.scoring.fingerprint import model_fingerprint
from tersely.scoring.models import DEFAULT_MODEL, load_model
from tersely.scoring.scorer import Attention, Chain, Encoding, Head, ScoringRequest

# Padded tokens in one forward pass: enough to keep the matrix units busy, little enough to keep memory flat.
_BATCH_TOKENS = 2048
# Rows of logits that exist at once; at 49,152 words and float32 a row is 192 KiB.
_HEAD_ROWS = 256
# Tokens; attention grows with the square of a window, so longer contexts than this cost more than they tell.
_LONGEST_WINDOW = 8192


class CausalLanguageModelScorer:
    """A `Scorer` over a transformers causal language model. Safe to call from several threads: passes take turns.

    Args:
        model: the embedded default's name, a folder, a `.gguf` file or a Hub id (see `models.py`).
        device: a torch device; by default CUDA, else MPS, else the processor.
        dtype: a torch dtype's name; by default bfloat16 where the device computes it natively, else float32.

    Raises:
        ModelError: the model cannot be found or loaded, or is not an ordinary causal language model.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, device: str | None = None, dtype: str | None = None) -> None:
        self.device = device or _best_device()
        self.dtype = dtype or _best_dtype(self.device)
        self.name, self._model, tokenizer = load_model(model, dtype=self.dtype, device=self.device)
        # The Rust tokenizer beneath has no truncation or padding state to race on.
        self._tokenizer = tokenizer.backend_tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._body = self._model.base_model
        self._head = self._model.get_output_embeddings()
        config = self._model.config.get_text_config()
        self.fingerprint = model_fingerprint(self._model)
        self.heads: Sequence[Head] = [
            Head(layer, head)
            for layer in range(getattr(config, "num_hidden_layers", 0))
            for head in range(getattr(config, "num_attention_heads", 0))  # not every model has any
        ]
        positions = getattr(config, "max_position_embeddings", None) or _LONGEST_WINDOW
        self.context_length: int = min(positions, _LONGEST_WINDOW)
        self._lock = threading.Lock()
        self._check_head()

    def encode(self, text: str) -> Encoding:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Encoding(encoding.ids, encoding.offsets)

    def score(
        self, requests: Sequence[ScoringRequest], progress: Callable[[float], None] | None = None
    ) -> list[np.ndarray]:
        scores = [np.full(len(request.tokens), np.nan, dtype=np.float32) for request in requests]
        windows = [
            window for index, request in enumerate(requests) for window in _windows(index, request, self.context_length)
        ]
        for batch in _batches(windows, progress):
            with self._lock, torch.inference_mode():
                for window, row in zip(batch, self._score_batch(batch), strict=True):
                    scores[window.request][window.start : window.start + len(row)] = row
        return scores

    def attend(
        self,
        requests: Sequence[ScoringRequest],
        heads: Sequence[Head],
        *,
        log_probabilities: bool = True,
        progress: Callable[[float], None] | None = None,
    ) -> list[Attention]:
        for head in heads:
            if head not in self.heads:
                raise ModelError(f"model {self.name!r} has no attention head {head.head} in a layer {head.layer}")
        windows = [_only_window(index, request, self.context_length) for index, request in enumerate(requests)]
        found: dict[int, Attention] = {}
        for batch in _batches(windows, progress):
            rows = [range(window.read_from, len(window.tokens)) for window in batch]
            scores: list[np.ndarray] | list[None] = [None] * len(batch)
            with self._lock, torch.inference_mode():
                with self._attention_read(), reading(AttentionReader(heads, rows, not log_probabilities)) as reader:
                    try:
                        scores = self._score_batch(batch)
                    except PassEnded:
                        pass
                    except ValueError as error:  # transformers' own, where it cannot do what the model asks for
                        raise self._unreadable(error) from None
                if not reader.has_all:
                    raise self._unreadable("some heads never went through transformers' attention interface")
                weights = reader.weights.cpu().numpy()
            for window, weight, score in zip(batch, weights, scores, strict=True):
                found[window.request] = Attention(weight[:, : window.read_from], score)
        return [found[index] for index in range(len(requests))]

    @contextmanager
    def _attention_read(self) -> Iterator[None]:
        """Passes in between let their attention be read; others go as the model came."""
        before = self._model.config._attn_implementation
        self._model.set_attn_implementation(IMPLEMENTATION)
        try:
            yield
        finally:
            self._model.set_attn_implementation(before)

    def _unreadable(self, reason: object) -> ModelError:
        return ModelError(
            f"the attention of model {self.name!r} cannot be read ({reason}): use the model without a profile"
        )

    def chain(self, prefix: Sequence[int] = ()) -> Chain:
        return _CachedChain(self, prefix)

    def _score_batch(self, windows: list[_Window]) -> list[np.ndarray]:
        """One forward pass; for each window the log-probabilities of its tokens from `read_from` on."""
        longest = max(len(window.tokens) for window in windows)
        tokens = torch.zeros((len(windows), longest), dtype=torch.long)
        for row, window in enumerate(windows):
            tokens[row, : len(window.tokens)] = torch.as_tensor(window.tokens, dtype=torch.long)
        tokens = tokens.to(self.device)
        hidden = self._body(input_ids=tokens, use_cache=False).last_hidden_state
        read = [slice(window.read_from, len(window.tokens)) for window in windows]
        # The row of token i-1 predicts token i.
        rows = torch.cat([hidden[i, part.start - 1 : part.stop - 1] for i, part in enumerate(read)])
        targets = torch.cat([tokens[i, part] for i, part in enumerate(read)])
        scores = self._log_probabilities(rows, targets)
        return np.split(scores, np.cumsum([part.stop - part.start for part in read])[:-1])

    def _forward(self, tokens: Sequence[int], cache: DynamicCache) -> torch.Tensor:
        """Hidden states (n, width) of tokens that follow what the cache holds; the cache grows by them."""
        ids = torch.as_tensor([list(tokens)], device=self.device)
        return self._body(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state[0]

    def _log_probabilities(self, hidden: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
        """Log-probability of each target (n) under the hidden state (n, width) that predicts it."""
        scores = torch.empty(len(targets), dtype=torch.float32)
        for start in range(0, len(targets), _HEAD_ROWS):
            chunk = slice(start, start + _HEAD_ROWS)
            logits = self._head(hidden[chunk]).float()
            scores[chunk] = -torch.nn.functional.cross_entropy(logits, targets[chunk], reduction="none")
        return scores.numpy()

    def _check_head(self) -> None:
        """Some models bend their logits after the head (soft caps, scales): scoring them here would be wrong."""
        tokens = torch.arange(1, 5, device=self.device).unsqueeze(0) % self._model.config.get_text_config().vocab_size
        with torch.inference_mode():
            whole = self._model(input_ids=tokens, use_cache=False).logits
            here = None if self._head is None else self._head(self._body(input_ids=tokens).last_hidden_state)
        if here is None or here.shape != whole.shape or not torch.allclose(here.float(), whole.float(), atol=1e-2):
            raise ModelError(
                f"model {self.name!r} does more to its logits than its output layer shows (a soft cap or a scale), "
                f"which Tersely does not follow; use another model"
            )


class _Window(NamedTuple):
    """A stretch of a request that fits the model: tokens to read, of which those from `read_from` on are scored."""

    tokens: list[int]
    read_from: int
    request: int
    start: int  # where in the request's tokens the first score belongs


def _windows(index: int, request: ScoringRequest, context_length: int) -> Iterator[_Window]:
    """Cut a request into windows, so that each scored token has at least half a window before it (or all there is).

    A prefix of up to a quarter of a window stands before every window; a longer one slides away with the tokens.
    """
    prefix, tokens = list(request.prefix), list(request.tokens)
    half = context_length // 2
    pinned = prefix if len(prefix) <= half // 2 else []
    sliding = tokens if pinned or not prefix else prefix + tokens
    to_score = len(sliding) - len(tokens)  # the first position of `sliding` that is still to be scored
    if not pinned and to_score == 0:
        to_score = 1  # nothing stands before the first token
    room = context_length - len(pinned)
    while to_score < len(sliding):
        # As much before the first scored token as the rest allows, and at least half a window.
        begin = max(0, min(to_score - (half - len(pinned)), len(sliding) - room))
        end = min(begin + room, len(sliding))
        yield _Window(
            tokens=pinned + sliding[begin:end],
            read_from=len(pinned) + to_score - begin,
            request=index,
            start=to_score - (len(sliding) - len(tokens)),
        )
        to_score = end


def _only_window(index: int, request: ScoringRequest, context_length: int) -> _Window:
    """A request as one window: what is read of it cannot be put together from several."""
    tokens = [*request.prefix, *request.tokens]
    if not request.prefix or not request.tokens or len(tokens) > context_length:
        raise ValueError(
            f"request {index} needs a prefix (it has {len(request.prefix)} tokens) and tokens ({len(request.tokens)}), "
            f"together at most {context_length}"
        )
    return _Window(tokens, len(request.prefix), index, 0)


def _batches(windows: list[_Window], progress: Callable[[float], None] | None) -> Iterator[list[_Window]]:
    """Windows of like length in batches whose padded size is bounded; a longer window goes alone.

    Args:
        windows: in any order.
        progress: told after each batch which share of the tokens is done.
    """
    total, done = sum(len(window.tokens) for window in windows), 0
    batch: list[_Window] = []
    for window in sorted(windows, key=lambda window: (len(window.tokens), window.request, window.start)):
        if batch and (len(batch) + 1) * len(window.tokens) > _BATCH_TOKENS:
            yield batch
            done += sum(len(window.tokens) for window in batch)
            if progress:
                progress(done / total)
            batch = []
        batch.append(window)
    if batch:
        yield batch
        if progress:
            progress(1.0)


class _CachedChain:
    """A `Chain` that keeps the key-value state of what was accepted, so that no token is read twice to condition."""

    def __init__(self, scorer: CausalLanguageModelScorer, prefix: Sequence[int]) -> None:
        self._scorer = scorer
        self._half = scorer.context_length // 2
        # Stays at the head of the condition, whatever slides away; unless it is too long for that itself.
        self._pinned = list(prefix) if len(prefix) <= self._half // 2 else []
        self._condition = list(prefix)  # what was accepted, from the oldest token that counts
        self._cached = 0  # tokens of the condition that the cache holds
        self._last_hidden: torch.Tensor  # (1, width), of the last cached token; (0, width) where there is none
        self._restart()

    def accept(self, tokens: Sequence[int]) -> None:
        self._condition.extend(tokens)

    def score(self, tokens: Sequence[int]) -> np.ndarray:
        if not tokens or len(tokens) > self._half:  # longer than a piece should be: in windows, without the cache
            (scores,) = self._scorer.score([ScoringRequest(tokens, self._condition)])
            return scores
        if len(self._condition) + len(tokens) > self._scorer.context_length:
            self._restart()
        # What was accepted since the last piece is read in the same pass as this piece, and stays in the cache.
        unread = self._condition[self._cached :]
        with self._scorer._lock, torch.inference_mode():
            hidden = self._scorer._forward([*unread, *tokens], self._cache)
            self._cache.crop(-len(tokens))
            self._cached = len(self._condition)
            # The row of token i-1 predicts token i; the last accepted token predicts the first of the piece.
            hidden = torch.cat([self._last_hidden, hidden])
            self._last_hidden = hidden[-len(tokens) - 1 : -len(tokens)]
            rows = hidden[:-1][-len(tokens) :]
            scores = np.full(len(tokens), np.nan, dtype=np.float32)
            targets = torch.as_tensor(tokens[len(tokens) - len(rows) :], device=self._scorer.device)
            scores[len(tokens) - len(rows) :] = self._scorer._log_probabilities(rows, targets)
        return scores

    def _restart(self) -> None:
        """Begin anew with the last half window of the condition: what is older no longer fits the model."""
        newest = self._condition[len(self._pinned) :][len(self._pinned) - self._half :]
        self._condition = [*self._pinned, *newest]
        self._cache = DynamicCache()
        self._cached = 0
        self._last_hidden = torch.empty((0, self._scorer._head.in_features), device=self._scorer.device)
        self._last_hidden = self._last_hidden.to(self._scorer._model.dtype)


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _best_dtype(device: str) -> str:
    """bfloat16 where the device multiplies it natively; elsewhere it would be slower than float32."""
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device == "cpu" and any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")):
        return "bfloat16"
    return "float32"
