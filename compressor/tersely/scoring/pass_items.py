"""What a forward pass is asked for, and what it returns: plain data between the scorer and `packing.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tersely.scoring.scorer import Head

if TYPE_CHECKING:
    import torch

NOTHING = np.empty(0, dtype=np.float32)


class KeyValues(NamedTuple):
    """The keys and values of a text in all layers, (layers, heads, tokens, width) each: all that later tokens need."""

    keys: torch.Tensor
    values: torch.Tensor

    @property
    def tokens(self) -> int:
        """How many tokens the text has."""
        return self.keys.shape[2]


@dataclass(frozen=True, eq=False, slots=True)
class PassItem:
    """Tokens to run through the model, and what is wanted of them.

    Attributes:
        tokens: at least one.
        before: keys and values of the texts before them, in order.
        prefix_length: so many of the tokens, from the first on, are a prefix: its keys and values are wanted.
        layers: so many of the model's layers compute the prefix's hidden states, if the decoder supports it; None for
            as many as its keys and values need.
        score_from: log-probabilities are wanted of the tokens from this position on. It is at least `prefix_length`
            + 1, since the token before predicts the first of them and must not be part of the prefix.
        truncated_vocabulary: normalise these log-probabilities over a part of the vocabulary (see
            `packing.TRUNCATED_VOCABULARY`).
        heads: attention is wanted of these heads: what the tokens after the prefix see of all tokens before them.
    """

    tokens: Sequence[int]
    before: tuple[KeyValues, ...] = ()
    prefix_length: int = 0
    layers: int | None = None
    score_from: int | None = None
    truncated_vocabulary: bool = False
    heads: tuple[Head, ...] = ()

    @property
    def first_position(self) -> int:
        """How many tokens stand before."""
        return sum(key_values.tokens for key_values in self.before)


class PassResult(NamedTuple):
    """What a forward pass returns for one item; empty where it was not wanted.

    Attributes:
        key_values: of the prefix; None without a prefix.
        log_probabilities: nats (float32), one a scored token.
        attention: weights in [0, 1] (float32; heads, tokens before those that see), the mean over those that see.
    """

    key_values: KeyValues | None
    log_probabilities: np.ndarray
    attention: np.ndarray
