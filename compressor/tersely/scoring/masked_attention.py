"""Attention of tokens after each of several texts, such as a question after each document: computed together.

So is what else needs a mask: many tokens after a text where products are not for it, texts on which a window slides.
What they see is copied to one place, text beside text, and padded to a length that depends on nothing but a text's own:
so each has the same bits whatever shares the pass. The place is made once for all layers, with every view of it: where
tokens are few, each step of torch costs about as much as what it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn.functional import scaled_dot_product_attention

from tersely.scoring.stretches import State

# Rows of queries are padded to a multiple of so many: with other numbers a matrix library may sum in an order that
# hangs on how many texts there are.
_ROWS_MULTIPLE = 8
# By products there are few numbers of rows and of texts, since each new shape takes the matrix library a millisecond,
# and a megabyte: so many texts at once, and these numbers of them are made one more.
_PRODUCT_ROWS_MULTIPLE = 16
_TEXTS = 8
_UNUSUAL = (5, 7)


class Layer(NamedTuple):
    """What attention of one layer is computed of.

    Attributes:
        number: of the layer.
        query: of all tokens of the pass (heads, tokens, width of a head), scaled: logits are products with keys.
        key, value: likewise; heads may share theirs, then there are fewer.
        window: how many keys a token sees, where not all.
    """

    number: int
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    window: int | None


class Part(NamedTuple):
    """Tokens of one stretch whose attention is computed at once, and what stands before them.

    Attributes:
        stretch: its number.
        rows: of the pass, these tokens.
        states: of what stands before, in order.
        text: rows of the pass that stand between those and these.
    """

    stretch: int
    rows: range
    states: Sequence[State]
    text: range

    @property
    def before(self) -> int:
        """How many tokens stand before."""
        return sum(state.tokens for state in self.states) + len(self.text)


class MaskedAttention:
    """Attention of as many tokens after each of several texts, or of a text alone, for all layers of one pass.

    Args:
        parts: at least one.
        rows: of the pass, of all parts.
        width: keys of each part; between those of what stands before and its own, some may be only padding.
        layer: any, for the shapes.
        by_products: whether to multiply, not to call torch's attention.
    """

    def __init__(
        self, parts: Sequence[Part], rows: slice | torch.Tensor, width: int, layer: Layer, *, by_products: bool
    ) -> None:
        self._parts, self._rows, self._by_products = parts, rows, by_products
        own, texts, tokens = len(layer.key), len(parts), len(parts[0].rows)
        self._sharing = len(layer.query) // own  # heads that share keys are rows of one product
        asking = self._sharing * tokens
        of_text = asking + -asking % (_PRODUCT_ROWS_MULTIPLE if by_products else _ROWS_MULTIPLE)
        texts_and_padding = texts + (by_products and texts % _TEXTS in _UNUSUAL)
        of_key, of_value = layer.key.shape[2], layer.value.shape[2]
        self._queries, self._found, self._keys, self._values = (
            layer.key.new_zeros((texts_and_padding, own, length, of_head))
            for length, of_head in ((of_text, of_key), (of_text, of_value), (width, of_key), (width, of_value))
        )
        # Views of these. (texts, heads with keys of their own, heads that share them, tokens, width of a head)
        self._asking, self._answer = (
            room[:texts, :, :asking].unflatten(2, (self._sharing, tokens)) for room in (self._queries, self._found)
        )
        operands = self._queries, self._keys.transpose(2, 3), self._values, self._found
        self._at_once = list(
            zip(*([some.flatten(0, 1) for some in one.split(_TEXTS)] for one in operands), strict=True)
        )
        self._own = [seen[:texts, :, width - tokens :] for seen in (self._keys, self._values)]
        self._known: list[tuple[torch.Tensor, Sequence[torch.Tensor]]] = []  # where, and what of each layer
        self._read_now: list[tuple[torch.Tensor, int, range]] = []  # where, of keys or values, and which rows
        for kind, seen in enumerate((self._keys, self._values)):
            for part, place in zip(parts, seen, strict=False):
                begin = 0
                for state in part.states:
                    self._known.append((place[:, begin : begin + state.tokens], state[kind].unbind()))
                    begin += state.tokens
                if part.text:
                    self._read_now.append((place[:, begin : part.before], kind, part.text))
        self._masks: dict[int | None, torch.Tensor] = {}

    def __call__(self, layer: Layer) -> torch.Tensor:
        """Attention of one layer (tokens of all parts, heads, width of a head)."""
        tokens = self._asking.shape[3]
        queries = layer.query[:, self._rows].unflatten(1, (-1, tokens)).unflatten(0, (-1, self._sharing))
        self._asking.copy_(queries.permute(2, 0, 1, 3, 4))
        key_value = layer.key, layer.value
        for place, of_layers in self._known:
            place.copy_(of_layers[layer.number])
        for place, kind, rows in self._read_now:
            place.copy_(key_value[kind][:, rows.start : rows.stop])
        for place, one in zip(self._own, key_value, strict=True):
            place.copy_(one[:, self._rows].unflatten(1, (-1, tokens)).transpose(0, 1))
        mask = self._mask(layer.window)
        if self._by_products:
            for added, (rows, keys, values, found) in zip(mask.split(_TEXTS), self._at_once, strict=True):
                logits = torch.bmm(rows, keys)
                logits.unflatten(0, (len(added), -1)).add_(added)
                torch.bmm(logits.softmax(dim=-1), values, out=found)
        else:
            found = scaled_dot_product_attention(self._queries, self._keys, self._values, mask, scale=1.0)
            self._found.copy_(found)
        return self._answer.permute(0, 3, 1, 2, 4).flatten(0, 1).flatten(1, 2)

    def weights(self, layer: Layer, heads: Sequence[int]) -> torch.Tensor:
        """What the parts' tokens see on average, in the layer that was computed last, with some of its heads.

        Returns:
            (parts, heads, keys) of float32; keys of what stands before come first.
        """
        shared = [head // self._sharing for head in heads]
        queries = self._asking[:, shared, [head % self._sharing for head in heads]]
        texts, _, tokens = queries.shape[:3]
        return mean_weights(queries, self._keys[:texts, shared], self._mask(layer.window)[:texts, :, :tokens])

    def _mask(self, window: int | None) -> torch.Tensor:
        """What to add to the logits (texts, 1, rows, keys)."""
        if window not in self._masks:
            (texts, _, rows), width = self._queries.shape[:3], self._keys.shape[2]
            masks = self._queries.new_zeros((texts, 1, rows, width))  # of what is only there to pad, all is seen
            for mask, part in zip(masks, self._parts, strict=False):
                of_head = attention_mask(part.before, len(part.rows), width, window, mask)
                mask[0, : self._sharing * len(part.rows)] = of_head.repeat(self._sharing, 1)
            self._masks[window] = masks
        return self._masks[window]


def attention_mask(before: int, tokens: int, width: int, window: int | None, like: torch.Tensor) -> torch.Tensor:
    """What to add to logits (tokens, keys): 0, or minus infinity where a token may not see a key.

    Args:
        before: keys that come first; those of the tokens come last, and between them some are only padding.
        tokens, width: how many tokens, and keys.
        window: how many keys a token sees, where not all.
        like: of its dtype, on its device.
    """
    keys = torch.arange(width, device=like.device)
    keys[before : width - tokens] = before + tokens  # padding stands behind all
    keys[width - tokens :] = torch.arange(before, before + tokens, device=like.device)
    places = keys[width - tokens :, None]
    unseen = keys > places
    if window is not None:
        unseen |= keys <= places - window
    return like.new_zeros(unseen.shape).masked_fill_(unseen, -torch.inf)


def mean_weights(queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What tokens see on average (texts, heads, keys) of float32.

    Args:
        queries: (texts, heads, tokens, width), scaled.
        keys: (texts, heads, keys, width).
        mask: to be added to the logits, as `attention_mask` makes it.
    """
    logits = queries.float() @ keys.float().transpose(2, 3) + mask
    return logits.softmax(dim=-1).mean(dim=2)
