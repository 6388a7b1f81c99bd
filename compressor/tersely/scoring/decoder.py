"""What a forward pass needs of a model: a protocol, which `llama/` and `transformers_decoder.py` implement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch

# Log-probabilities that are only compared with each other need no whole vocabulary: so many of the commonest tokens do.
# These have the lowest numbers, since BPE, which makes most vocabularies, numbers tokens in the order of their making.
TRUNCATED_VOCABULARY = 4096

# Attention of one layer: its number; queries, keys and values (1, heads, tokens, width); the scale of the logits, and
# the sliding window in tokens, where the model has them -> (1, tokens, heads, width).
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor, float | None, int | None], torch.Tensor]


class Decoder(Protocol):
    """A causal language model, as a forward pass needs it.

    Attributes:
        layers, heads: how many it has; heads in each layer.
        context_length: the most positions it knows.
        device: where its weights are.
        fingerprint: tells it from other models, whatever they are called.
        packs: whether `hidden` leaves attention to its caller; where not, it takes one text from the first token on.
        supports_shallow: whether `hidden` can leave hidden states as they are from some layer on.
    """

    layers: int
    heads: int
    context_length: int | None
    device: str
    fingerprint: str
    packs: bool
    supports_shallow: bool

    def hidden(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend, active_from: Mapping[int, int]
    ) -> torch.Tensor:
        """The last hidden states (tokens, width) of tokens at positions, as `logits` takes them.

        Args:
            tokens, positions: (tokens) of int64.
            attend: called for each layer, with all tokens' queries, keys and values.
            active_from: a layer's number -> the first of the hidden states that it and those after it compute; those
                before it stay as they are. Always empty for a decoder that does not support it.
        """

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states (tokens, width) -> logits (tokens, vocabulary)."""

    def truncated_logits(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden states (tokens, width) -> logits of the truncated vocabulary (tokens, at most `TRUNCATED_VOCABULARY`),
        and of one target each for as many states as there are targets (targets).
        """
