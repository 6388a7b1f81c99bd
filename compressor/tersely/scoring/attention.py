"""Attention of one layer, in the way that is fastest for its size. Who sees whom: `packed_attention.py`."""

from __future__ import annotations

import torch
from torch.nn.functional import scaled_dot_product_attention

from tersely.scoring.products import has_amx

# Attention of fewer queries than this to keys before them is computed in whole products, so many logits at once.
_MANY_QUERIES = 768
_LOGITS = 2**20


def attention(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scaling: float | None
) -> torch.Tensor:
    """What queries see of values (texts, heads, queries, width).

    Args:
        queries: (texts, heads, queries, width).
        keys, values: (texts, heads, keys, width); several heads of queries may share one.
        mask: added to the logits (texts, 1, queries, keys); None: each query sees the keys up to itself, from the first
            on.
        scaling: of the products; None for one over the root of the width.
    """
    if mask is not None and _in_whole_products(queries):
        return _whole_products(queries, keys, values, mask, scaling or queries.shape[-1] ** -0.5)
    return scaled_dot_product_attention(
        queries,
        keys,
        values,
        attn_mask=mask,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=queries.shape[1] != keys.shape[1],
    )


def _in_whole_products(queries: torch.Tensor) -> bool:
    """Whether these are faster than torch's attention, which on a processor cuts queries and keys into small
    blocks: too small ones but for AMX.
    """
    few = queries.shape[2] < _MANY_QUERIES
    return few and queries.device.type == "cpu" and queries.dtype == torch.bfloat16 and not has_amx()


def _whole_products(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, scaling: float
) -> torch.Tensor:
    """Heads that share keys are one product, of each text its own."""
    texts, heads, _, width = queries.shape
    groups, count = keys.shape[1:3]
    # Groups before texts, as both lie in memory: nothing is copied but queries.
    shape = (groups, texts, heads // groups, -1)
    keys, values = (some.transpose(0, 1).flatten(0, 1) for some in (keys, values))
    queries, mask = queries.transpose(0, 1).unflatten(0, (groups, -1)).transpose(1, 2), mask.transpose(0, 1)
    at_once = max(_LOGITS // (texts * heads * count), 1)
    seen = []
    for rows, its_mask in zip(queries.split(at_once, dim=3), mask.split(at_once, dim=2), strict=True):
        rows = rows.reshape(groups * texts, -1, width)
        logits = torch.baddbmm(rows.new_empty(()), rows, keys.transpose(1, 2), beta=0, alpha=scaling)
        logits.view(*shape, count).add_(its_mask[:, :, None])
        torch.softmax(logits, -1, out=logits)
        seen.append(torch.bmm(logits, values).view(*shape, width))
    return torch.cat(seen, dim=3).transpose(1, 2).flatten(0, 1).transpose(0, 1)
