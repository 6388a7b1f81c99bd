"""What a kernel computes attention of: one layer's queries, keys and values, and the tokens of a pass that go together.

Plain data, and the mask that follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch

from tersely.scoring.pass_items import KeyValues
from tersely.scoring.scorer import Head


class Layer(NamedTuple):
    """One layer's attention.

    Attributes:
        number: of the layer.
        query: of all tokens of the pass (heads, tokens, width), already scaled.
        key, value: likewise (key heads, tokens, width); there are fewer of them where heads share their keys.
        window: how many tokens a token sees, itself included; None for all before it.
    """

    number: int
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    window: int | None


class Part(NamedTuple):
    """Tokens of one item whose attention is computed at once, and what stands before them.

    Attributes:
        item: its number.
        rows: of the pass, these tokens.
        cached: keys and values of the texts before, in order.
        prefix: rows of the pass between those texts and these tokens.
    """

    item: int
    rows: range
    cached: Sequence[KeyValues]
    prefix: range

    @property
    def tokens_before(self) -> int:
        """How many tokens stand before."""
        return sum(key_values.tokens for key_values in self.cached) + len(self.prefix)


class Group(NamedTuple):
    """Parts of as many tokens each that are computed together.

    Attributes:
        parts: at least one; of many tokens, or without a text before them, only one.
        rows: of the pass, all their tokens.
        width: keys of each part; where few tokens stand after a text, some may be padding.
        until: from this layer on nothing is computed of them.
        heads: whose weights are wanted.
    """

    parts: Sequence[Part]
    rows: slice | torch.Tensor
    width: int
    until: int
    heads: tuple[Head, ...] = ()

    @property
    def tokens(self) -> int:
        """How many tokens each part has."""
        return len(self.parts[0].rows)

    @property
    def is_start(self) -> bool:
        """Whether nothing stands before its tokens."""
        return not self.parts[0].tokens_before


class GroupAttention(Protocol):
    """A kernel at work on one group, called layer by layer."""

    def __call__(self, layer: Layer, heads: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Attention of one layer.

        Args:
            layer: of the same shapes and window each time.
            heads: whose weights are wanted, if any.

        Returns:
            The output (tokens of all parts, heads, width of a value), and of these heads the mean weights of each
            part's tokens (parts, heads, keys; float32), None without heads. Keys of what stands before come first.
        """


def attention_mask(before: int, tokens: int, width: int, window: int | None, like: torch.Tensor) -> torch.Tensor:
    """What to add to logits (tokens, keys): 0, or minus infinity where a token may not see a key.

    Args:
        before: keys that come first; those of the tokens come last, and any between them are padding.
        tokens, width: how many tokens, and keys.
        window: how many keys a token sees, where not all.
        like: of its dtype, on its device.
    """
    keys = torch.arange(width, device=like.device)
    keys[before : width - tokens] = before + tokens  # padding comes after every token, so none sees it
    keys[width - tokens :] = torch.arange(before, before + tokens, device=like.device)
    positions = keys[width - tokens :, None]
    hidden = keys > positions
    if window is not None:
        hidden |= keys <= positions - window
    return like.new_zeros(hidden.shape).masked_fill_(hidden, -torch.inf)


def mean_weights(queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean weights of texts' tokens (texts, heads, keys) in float32.

    Args:
        queries: (texts, heads, tokens, width), already scaled.
        keys: (texts, heads, keys, width).
        mask: added to the logits, as `attention_mask` makes it.
    """
    logits = queries.float() @ keys.float().transpose(2, 3) + mask
    return logits.softmax(dim=-1).mean(dim=2)
