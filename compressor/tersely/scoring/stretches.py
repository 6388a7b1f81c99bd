"""What a forward pass is asked for, and what it says: plain data, between who asks and who reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tersely.scoring.scorer import Head

if TYPE_CHECKING:
    import torch

NOTHING = np.empty(0, dtype=np.float32)


class State(NamedTuple):
    """What attention keeps of a text: keys and values (layers, heads, tokens, width)."""

    keys: torch.Tensor
    values: torch.Tensor

    @property
    def tokens(self) -> int:
        """How many tokens of text it stands for."""
        return self.keys.shape[2]


@dataclass(frozen=True, eq=False, slots=True)
class Stretch:
    """Tokens to run through the model, and what is wanted of them.

    Attributes:
        tokens: at least one.
        before: states of what stands before them, in order.
        keep: the state of this many tokens from the first on is wanted.
        layers: by so many of the model's layers the hidden states of those are computed, where the decoder stops; None
            for as many as the state depends on.
        score_from: log-probabilities are wanted of the tokens from this position on; what predicts the first of them
            is not among those that are kept.
        among_common: these log-probabilities are among the commonest tokens of the vocabulary (see `packing.COMMON`).
        heads: attention is wanted of these heads: what the tokens that are not kept see of those before them.
    """

    tokens: Sequence[int]
    before: tuple[State, ...] = ()
    keep: int = 0
    layers: int | None = None
    score_from: int | None = None
    among_common: bool = False
    heads: tuple[Head, ...] = ()

    @property
    def first_position(self) -> int:
        """How many tokens stand before."""
        return sum(state.tokens for state in self.before)


class Outcome(NamedTuple):
    """What a pass says of one stretch; empty where it was not wanted.

    Attributes:
        state: of the tokens that were to be kept; None where none were.
        log_probabilities: nats (float32), one a scored token.
        attention: weights in [0, 1] (float32; heads, tokens before those that see), the mean over these.
    """

    state: State | None
    log_probabilities: np.ndarray
    attention: np.ndarray
