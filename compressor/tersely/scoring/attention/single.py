"""Attention of one text by itself: all of it, or its last tokens. No copy of it is needed, and no mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import scaled_dot_product_attention

from tersely.scoring.attention.group import Group, Layer, attention_mask, mean_weights
from tersely.scoring.attention.matmul import attention_by_matmul


class SingleAttention:
    """A `GroupAttention` of one part.

    Args:
        group: of one part; nothing stands before it, unless matmuls compute it.
        by_matmul: whether to multiply (bfloat16 only), not to call torch's attention.
    """

    def __init__(self, group: Group, *, by_matmul: bool) -> None:
        (self._part,) = group.parts
        self._by_matmul = by_matmul

    def __call__(self, layer: Layer, heads: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor | None]:
        rows = self._part.rows
        queries, keys, values = (
            tensor[None, :, rows.start : rows.stop] for tensor in (layer.query, layer.key, layer.value)
        )
        if self._part.tokens_before:
            keys, values = self._joined(layer, keys, values)
        heads_per_key = queries.shape[1] // keys.shape[1]
        if self._by_matmul:
            output = attention_by_matmul(queries, keys, values)
        else:
            output = scaled_dot_product_attention(
                queries, keys, values, is_causal=True, scale=1.0, enable_gqa=heads_per_key > 1
            )
        weights = None
        if heads:
            mask = attention_mask(self._part.tokens_before, len(rows), keys.shape[2], None, queries)
            weights = mean_weights(queries[:, heads], keys[:, [head // heads_per_key for head in heads]], mask)
        return output[0].transpose(0, 1), weights

    def _joined(self, layer: Layer, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of the whole text: cached, of its prefix in this pass, and its own."""
        prefix = self._part.prefix
        joined_keys, joined_values = (
            torch.cat(
                [
                    *(key_values[kind][None, layer.number] for key_values in self._part.cached),
                    of_pass[None, :, prefix.start : prefix.stop],
                    own,
                ],
                dim=2,
            )
            for kind, (of_pass, own) in enumerate(((layer.key, keys), (layer.value, values)))
        )
        return joined_keys, joined_values
