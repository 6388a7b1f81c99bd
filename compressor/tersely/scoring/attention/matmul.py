"""Attention of many tokens of one text by plain matmuls of bfloat16, block by block.

torch's attention computes bfloat16 as float32 on a processor without AMX, and so takes two to three times as long.
Here the logits of a block of queries are made at once, against no more keys than up to its last token.
"""

from __future__ import annotations

from functools import cache
from math import isqrt

import torch

from tersely.scoring.rows import padded

# Each new shape of a matmul takes the matrix library a millisecond and a megabyte, so a block's tokens and the keys
# that it sees are padded to few numbers. A text that is a single block sees as many keys as it has tokens.
_TOKENS_MULTIPLE = 32
_KEYS_MULTIPLE = 128
# Logits of a block and a key head: more of them no longer fit the processor's cache.
_BLOCK_LOGITS = 2**19


def attention_by_matmul(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """What the last tokens of a text see of it: (1, heads, tokens, width of a value).

    Args:
        queries: (1, heads, tokens, width) of these tokens, bfloat16, already scaled.
        keys, values: (1, key heads, keys, width) of the text from its first token on.
    """
    key_heads, length = keys.shape[1:3]
    before = length - queries.shape[2]
    grouped = queries[0].unflatten(0, (key_heads, -1))  # heads that share keys are rows of one matmul
    heads, tokens = grouped.shape[1:3]
    size = max(_BLOCK_LOGITS // (heads * length) // _TOKENS_MULTIPLE, 1) * _TOKENS_MULTIPLE
    multiple = _KEYS_MULTIPLE if before or tokens > size else _TOKENS_MULTIPLE
    # Contiguous: the order of a sum may depend on strides, and these must not depend on what shares the pass.
    keys, values = (padded(rows[0], multiple).contiguous() for rows in (keys, values))
    outputs = []
    for first in range(0, tokens, size):
        block = padded(grouped[:, :, first : first + size], _TOKENS_MULTIPLE)
        seen_by_all = before + first
        seen = min(seen_by_all + block.shape[2], length)
        seen += -seen % multiple
        logits = torch.bmm(block.flatten(1, 2).contiguous(), keys[:, :seen].transpose(1, 2))
        logits.unflatten(1, (heads, -1))[..., seen_by_all:].add_(_causal_mask()[: block.shape[2], : seen - seen_by_all])
        weights = logits.softmax(dim=-1)
        outputs.append(torch.bmm(weights, values[:, :seen]).unflatten(1, (heads, -1)))
    output = torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]
    return output[:, :, :tokens].flatten(0, 1)[None]


@cache
def _causal_mask() -> torch.Tensor:
    """Minus infinity where a key comes after a query, else 0, for the largest block that can be."""
    largest = isqrt(_BLOCK_LOGITS) + _TOKENS_MULTIPLE + _KEYS_MULTIPLE
    return torch.full((largest, largest), -torch.inf, dtype=torch.bfloat16).triu(1)
