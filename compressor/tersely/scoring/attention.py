"""Attention of one text in one layer, in the way that is fastest for its length. What is read of it: `packing.py`."""

from __future__ import annotations

import torch
from torch.nn.functional import scaled_dot_product_attention

# How many queries make it worth while to compute their attention in whole products, and how many logits at once.
_SOME_QUERIES = range(48, 768)
_LOGITS = 2**20


def attention(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scaling: float | None
) -> torch.Tensor:
    """What queries see of values (heads, queries, width).

    Args:
        queries: (heads, queries, width).
        keys, values: (heads, keys, width); several heads of queries may share one.
        mask: added to the logits (queries, keys); None: each query sees the keys up to itself, from the first on.
        scaling: of the products; None for one over the root of the width.
    """
    if mask is not None and _in_whole_products(queries):
        return _whole_products(queries, keys, values, mask, scaling or queries.shape[-1] ** -0.5)
    return scaled_dot_product_attention(
        queries[None],
        keys[None],
        values[None],
        attn_mask=mask,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=len(queries) != len(keys),
    )[0]


def _in_whole_products(queries: torch.Tensor) -> bool:
    """Whether these are faster than torch's attention, which on a processor cuts so many queries into small blocks."""
    return queries.shape[1] in _SOME_QUERIES and queries.device.type == "cpu" and queries.dtype == torch.bfloat16


def _whole_products(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, scaling: float
) -> torch.Tensor:
    heads, _, width = queries.shape
    groups, count, _ = keys.shape
    seen = []
    at_once = max(_LOGITS // (heads * count), 1)
    for rows, its_mask in zip(queries.split(at_once, dim=1), mask.split(at_once), strict=True):
        logits = torch.baddbmm(
            its_mask.repeat(heads // groups, 1).expand(groups, -1, -1),
            rows.reshape(groups, -1, width),
            keys.transpose(1, 2),
            alpha=scaling,
        )
        seen.append(torch.bmm(logits.softmax(dim=-1), values).view(heads, -1, width))
    return torch.cat(seen, dim=1)
