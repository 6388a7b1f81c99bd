"""Attention of tokens after each of several texts, such as a question after each document: computed together.

So is everything else that needs a mask: many tokens after a text where matmuls do not compute them, and texts on which
a window slides. What they see is gathered into one tensor, text beside text, padded to a length that depends only on
the text itself: so each text has the same bits whatever shares the pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import scaled_dot_product_attention

from tersely.scoring.attention.group import Group, Layer, attention_mask, mean_weights

# Rows of queries are padded to a multiple: with other numbers a matrix library may sum in an order that depends on how
# many texts there are.
_ROWS_MULTIPLE = 8
# Each new shape of a matmul takes the matrix library a millisecond and a megabyte. So there are few numbers of rows,
# at most so many texts at once, and these numbers of texts are padded by one.
_MATMUL_ROWS_MULTIPLE = 16
_TEXTS_AT_ONCE = 8
_PADDED_TEXTS = (5, 7)


class MaskedAttention:
    """A `GroupAttention` of any parts and window.

    The tensors are made once for all layers, with every view of them: where tokens are few, each call of torch costs
    about as much as what it computes.

    Args:
        group: what to compute.
        layer: any, for the shapes and the window.
        by_matmul: whether to multiply, not to call torch's attention.
    """

    def __init__(self, group: Group, layer: Layer, *, by_matmul: bool) -> None:
        self._rows, self._by_matmul = group.rows, by_matmul
        key_heads, texts, tokens, width = len(layer.key), len(group.parts), group.tokens, group.width
        self._heads_per_key = len(layer.query) // key_heads  # heads that share keys are rows of one matmul
        query_rows = self._heads_per_key * tokens
        padded_rows = query_rows + -query_rows % (_MATMUL_ROWS_MULTIPLE if by_matmul else _ROWS_MULTIPLE)
        padded_texts = texts + (by_matmul and texts % _TEXTS_AT_ONCE in _PADDED_TEXTS)
        key_width, value_width = layer.key.shape[2], layer.value.shape[2]
        self._queries, self._output, self._keys, self._values = (
            layer.key.new_zeros((padded_texts, key_heads, length, head_width))
            for length, head_width in (
                (padded_rows, key_width),
                (padded_rows, value_width),
                (width, key_width),
                (width, value_width),
            )
        )
        # Views without the padding: (texts, key heads, heads that share them, tokens, width).
        self._text_queries, self._text_output = (
            tensor[:texts, :, :query_rows].unflatten(2, (self._heads_per_key, tokens))
            for tensor in (self._queries, self._output)
        )
        operands = self._queries, self._keys.transpose(2, 3), self._values, self._output
        self._matmuls = list(
            zip(*([part.flatten(0, 1) for part in operand.split(_TEXTS_AT_ONCE)] for operand in operands), strict=True)
        )
        self._own = [tensor[:texts, :, width - tokens :] for tensor in (self._keys, self._values)]
        self._from_cache: list[tuple[torch.Tensor, Sequence[torch.Tensor]]] = []  # target, and source of each layer
        self._from_pass: list[tuple[torch.Tensor, int, range]] = []  # target, keys (0) or values (1), rows
        for kind, tensor in enumerate((self._keys, self._values)):
            for part, target in zip(group.parts, tensor, strict=False):
                begin = 0
                for key_values in part.cached:
                    end = begin + key_values.tokens
                    self._from_cache.append((target[:, begin:end], key_values[kind].unbind()))
                    begin = end
                if part.prefix:
                    self._from_pass.append((target[:, begin : part.tokens_before], kind, part.prefix))
        self._mask = self._mask_of(group, layer.window)

    def __call__(self, layer: Layer, heads: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor | None]:
        self._gather(layer)
        if self._by_matmul:
            masks = self._mask.split(_TEXTS_AT_ONCE)
            for mask, (queries, keys, values, output) in zip(masks, self._matmuls, strict=True):
                logits = torch.bmm(queries, keys)
                logits.unflatten(0, (len(mask), -1)).add_(mask)
                torch.bmm(logits.softmax(dim=-1), values, out=output)
        else:
            self._output.copy_(
                scaled_dot_product_attention(self._queries, self._keys, self._values, self._mask, scale=1.0)
            )
        output = self._text_output.permute(0, 3, 1, 2, 4).flatten(0, 1).flatten(1, 2)
        return output, self._weights(heads) if heads else None

    def _gather(self, layer: Layer) -> None:
        """Copy one layer's queries, keys and values to where they are computed."""
        tokens = self._text_queries.shape[3]
        queries = layer.query[:, self._rows].unflatten(1, (-1, tokens)).unflatten(0, (-1, self._heads_per_key))
        self._text_queries.copy_(queries.permute(2, 0, 1, 3, 4))
        for target, layers in self._from_cache:
            target.copy_(layers[layer.number])
        key_value = layer.key, layer.value
        for target, kind, rows in self._from_pass:
            target.copy_(key_value[kind][:, rows.start : rows.stop])
        for target, source in zip(self._own, key_value, strict=True):
            target.copy_(source[:, self._rows].unflatten(1, (-1, tokens)).transpose(0, 1))

    def _weights(self, heads: Sequence[int]) -> torch.Tensor:
        """The mean weights of some heads in the layer that was gathered."""
        key_heads = [head // self._heads_per_key for head in heads]
        queries = self._text_queries[:, key_heads, [head % self._heads_per_key for head in heads]]
        texts, _, tokens = queries.shape[:3]
        return mean_weights(queries, self._keys[:texts, key_heads], self._mask[:texts, :, :tokens])

    def _mask_of(self, group: Group, window: int | None) -> torch.Tensor:
        """What to add to the logits (texts, 1, rows, keys); rows and texts that are padding see everything."""
        (texts, _, rows), width = self._queries.shape[:3], self._keys.shape[2]
        masks = self._queries.new_zeros((texts, 1, rows, width))
        for mask, part in zip(masks, group.parts, strict=False):
            head_mask = attention_mask(part.tokens_before, len(part.rows), width, window, mask)
            mask[0, : self._heads_per_key * len(part.rows)] = head_mask.repeat(self._heads_per_key, 1)
        return masks
