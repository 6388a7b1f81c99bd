"""What a scorer is: tokens in, log-probabilities and attention out. The protocol; `causal_lm.py` implements it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

# Receives the share of some work that is done, from 0 to 1.
Progress = Callable[[float], None]


class Encoding(NamedTuple):
    """A text as the scorer's tokens.

    Attributes:
        tokens: token ids, no special tokens added.
        offsets: for each token the characters `(start, end)` of the text that it stands for.
    """

    tokens: list[int]
    offsets: list[tuple[int, int]]


class ScoringRequest(NamedTuple):
    """A sequence to score, and what to condition it on.

    Attributes:
        tokens: the token ids to score.
        prefix: token ids that stand before them and are not scored; several requests may share one.
        cached: what to cache for later requests: the same prefix before other tokens (a document before a question; all
            but its last token, which predicts the first of them), or the same scores.
        shallow: of a cached prefix only what later tokens see of it is needed: the scorer may compute its hidden states
            by fewer of its layers.
    """

    tokens: Sequence[int]
    prefix: Sequence[int] = ()
    cached: Literal["prefix", "scores"] | None = None
    shallow: bool = False


class Head(NamedTuple):
    """An attention head: both numbers count from 0, layers from the input on."""

    layer: int
    head: int


class Attention(NamedTuple):
    """What a request's tokens see of its prefix; its last token, which predicts the first of them, counts to them here.

    Attributes:
        weights: attention weights in [0, 1] (float32; heads, prefix tokens but the last), the mean over the tokens that
            see. A row sums to less than 1: they look at each other, too.
        log_probabilities: of the request's tokens (nats, float32), like those of `Scorer.score`; but an implementation
            may normalise them over a truncated vocabulary (its commonest tokens and the token itself), which costs a
            fraction. They are higher then, and good to compare prefixes.
    """

    weights: np.ndarray
    log_probabilities: np.ndarray


class Chain(Protocol):
    """Scores a text piece by piece, each piece conditioned on what was accepted so far (LLMLingua, equation 7)."""

    def score(self, tokens: Sequence[int]) -> np.ndarray:
        """Log-probabilities of a piece after all that was accepted. Changes nothing.

        Returns:
            Nats (float32; prefixes of the chain, tokens).
        """
        ...

    def accept(self, tokens: Sequence[int]) -> None:
        """Append tokens to the condition of all later pieces."""
        ...


class Scorer(Protocol):
    """A causal language model as Tersely sees it. Implementations are safe to call from several threads."""

    name: str
    fingerprint: str  # the same for the same weights, whatever they are called and however precisely they are held
    context_length: int  # tokens
    heads: Sequence[Head]  # all that there are
    supports_shallow: bool  # whether it computes the prefixes of shallow requests by fewer layers

    def encode(self, text: str) -> Encoding:
        """Tokenize a text with the model's own tokenizer."""
        ...

    def score(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> list[np.ndarray]:
        """Log-probabilities of each request's tokens given its prefix and the tokens before them.

        Args:
            requests: what to score; they share batches, whatever their order.
            progress: called now and then with the share that is done, from 0 to 1.

        Returns:
            For each request a float32 array (nats) as long as its tokens. The first token of a request without a
            prefix has nothing to be conditioned on: its entry is NaN.
        """
        ...

    def attend(
        self,
        requests: Sequence[ScoringRequest],
        heads: Sequence[Head],
        progress: Progress | None = None,
    ) -> list[Attention]:
        """What each request's tokens see of its prefix, and how likely they are, in a single forward pass.

        Args:
            requests: each with a prefix and tokens that together fit the context length.
            heads: whose attention is wanted, at least one.
            progress: called now and then with the share that is done, from 0 to 1.

        Raises:
            ValueError: a request has no prefix or no tokens, or is too long.
        """
        ...

    def prepare(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> None:
        """Compute what later requests will find `cached`, and store it, on disk, too.

        Args:
            requests: those with `cached="prefix"` need no tokens.
            progress: called now and then with the share that is done, from 0 to 1.
        """
        ...

    def chain(self, prefixes: Sequence[Sequence[int]], shallow: bool = False) -> Chain:
        """A new chain: one condition for each prefix, which starts with it. All of them accept the same tokens.

        Log-probabilities of several conditions are there to be compared with each other: they may be normalised over a
        truncated vocabulary, as those of `attend`.

        Args:
            prefixes: of the conditions.
            shallow: the scorer may compute the conditions by fewer layers, as in `ScoringRequest`.
        """
        ...

    def with_depth(self, layers: int | None) -> Scorer:
        """The same model, which computes the prefixes of shallow requests by so many layers; None for all.

        Only calibration tries depths; everybody else leaves it to the scorer (see `depth.py`).
        """
        ...
