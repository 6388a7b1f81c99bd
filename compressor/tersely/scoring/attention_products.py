"""Attention of many tokens of one text by products of bfloat16.

torch's attention takes bfloat16 for float32 on a processor without AMX, and so needs twice to three times as long. Here
the logits of a block of queries are made at once, in bfloat16, with no more keys than up to its last token. For each
new shape of a product the matrix library takes a millisecond, and keeps a megabyte: so tokens and keys are padded to
few numbers.
"""

from __future__ import annotations

from functools import cache
from math import isqrt

import torch

from tersely.scoring.products import has_amx, padded

# Of a block's tokens, and of the keys it sees. A text that is a single block sees as many keys as it has tokens.
_TOKENS_MULTIPLE = 32
_KEYS_MULTIPLE = 128
# Logits of a block and a head with keys of its own: more of them no longer fit the processor's cache.
_BLOCK_LOGITS = 2**19


@cache
def products_outrun_attention() -> bool:
    """Whether products of bfloat16 are faster than torch's attention, which takes them for float32 without AMX."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16")) and not has_amx()


def attention_by_products(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """What the last tokens of a text see of it: (1, heads, tokens, width).

    Args:
        queries: (1, heads, tokens, width) of these tokens, bfloat16, scaled: logits are products with keys.
        keys, values: (1, heads with keys of their own, keys, width) of the text from its first token on.
    """
    own, length = keys.shape[1:3]
    before = length - queries.shape[2]
    sharing = queries[0].unflatten(0, (own, -1))  # heads that share keys are rows of one product
    heads, tokens = sharing.shape[1:3]
    size = max(_BLOCK_LOGITS // (heads * length) // _TOKENS_MULTIPLE, 1) * _TOKENS_MULTIPLE
    multiple = _KEYS_MULTIPLE if before or tokens > size else _TOKENS_MULTIPLE
    # How they lie in memory must not hang on what else is in the pass: it may change the order of a sum.
    keys, values = (padded(one[0], multiple).contiguous() for one in (keys, values))
    found = []
    for first in range(0, tokens, size):
        block = padded(sharing[:, :, first : first + size], _TOKENS_MULTIPLE)
        known = before + first  # to all of the block
        seen = min(known + block.shape[2], length)
        seen += -seen % multiple
        logits = torch.bmm(block.flatten(1, 2).contiguous(), keys[:, :seen].transpose(1, 2))
        logits.unflatten(1, (heads, -1))[..., known:].add_(_unseen()[: block.shape[2], : seen - known])
        weights = logits.softmax(dim=-1)
        found.append(torch.bmm(weights, values[:, :seen]).unflatten(1, (heads, -1)))
    whole = torch.cat(found, dim=2) if len(found) > 1 else found[0]
    return whole[:, :, :tokens].flatten(0, 1)[None]


@cache
def _unseen() -> torch.Tensor:
    """Minus infinity where a key stands after a query, else 0, for the largest block there can be."""
    largest = isqrt(_BLOCK_LOGITS) + _TOKENS_MULTIPLE + _KEYS_MULTIPLE
    return torch.full((largest, largest), -torch.inf, dtype=torch.bfloat16).triu(1)
