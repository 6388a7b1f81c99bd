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
        prefix: token ids that stand before them and are read but not scored; several requests may share one.
        again: what of it will probably be asked for again, and is worth keeping: the same prefix before other tokens (a
            document before a question; all but its last token, which predicts the first of them), or the same scores.
        layers: of a prefix that will be asked for again, hidden states need be computed by so many of the model's
            layers only; what the tokens see of it in later layers is read from there. None for all. An implementation
            may compute more.
    """

    tokens: Sequence[int]
    prefix: Sequence[int] = ()
    again: Literal["prefix", "scores"] | None = None
    layers: int | None = None


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
            may give them among the commonest tokens of the vocabulary and the token itself, which costs a fraction.
            They are higher then, and good to compare prefixes.
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
    stops: bool  # whether it makes use of `ScoringRequest.layers`

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
        """What each request's tokens see of its prefix, and by the way how likely they are: in a single pass.

        Args:
            requests: each with a prefix and tokens that together fit the context length.
            heads: whose attention to read, at least one.
            progress: called now and then with the share that is done, from 0 to 1.

        Raises:
            ValueError: a request has no prefix or no tokens, or is too long.
        """
        ...

    def prepare(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> None:
        """Read ahead what later requests will ask for `again`, and keep it, on disk, too.

        Args:
            requests: those with `again="prefix"` need no tokens.
            progress: called now and then with the share that is done, from 0 to 1.
        """
        ...

    def chain(self, prefixes: Sequence[Sequence[int]], layers: int | None = None) -> Chain:
        """A new chain: one condition for each prefix, which starts with it. All of them go the same way from there.

        Log-probabilities of several conditions are there to be compared with each other: they may be among the
        commonest tokens of the vocabulary, as those of `attend`.

        Args:
            prefixes: of the conditions.
            layers: by which conditions are read, as in `ScoringRequest`.
        """
        ...
