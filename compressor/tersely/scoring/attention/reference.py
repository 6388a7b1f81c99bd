"""Attention as the textbook writes it, in float32: what every kernel of this room must equal."""

from __future__ import annotations

import torch


def attention(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, window: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the last tokens of a text see of it.

    Args:
        queries: of these tokens (heads, tokens, width), already scaled.
        keys, values: of the whole text (key heads, all tokens, width); a key head serves as many query heads as there
            are to each.
        window: how many tokens a token sees, itself included; None for all before it.

    Returns:
        The output (heads, tokens, width of a value) and the weights (heads, tokens, all tokens).
    """
    heads_per_key = len(queries) // len(keys)
    keys, values = (rows.float().repeat_interleave(heads_per_key, dim=0) for rows in (keys, values))
    positions = torch.arange(keys.shape[1], device=keys.device)
    distance = positions[-queries.shape[1] :, None] - positions
    visible = (distance >= 0) & (distance < (window or keys.shape[1]))
    logits = queries.float() @ keys.transpose(1, 2)
    weights = logits.masked_fill(~visible, -torch.inf).softmax(dim=-1)
    return weights @ values, weights
