"""Attention of one layer, in the way that is fastest for its size. Who sees whom: `packed_attention.py`."""

from __future__ import annotations

import torch
from torch.nn.functional import scaled_dot_product_attention

from tersely.scoring.products import has_amx

# How many queries make it worth while to compute their attention in whole products, and how many logits at once.
_SOME_QUERIES = range(48, 768)
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
        found = _whole_products(queries[0], keys[0], values[0], mask[0, 0], scaling or queries.shape[-1] ** -0.5)
        return found[None]
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
    """Whether these are faster than torch's attention, which on a processor cuts so many queries into small blocks: too
    small but for AMX.
    """
    of_one = len(queries) == 1 and queries.shape[2] in _SOME_QUERIES
    return of_one and queries.device.type == "cpu" and queries.dtype == torch.bfloat16 and not has_amx()


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
