"""Numbers of rows: a matrix library may choose by them in which order it sums, and so the last bits of each row.

Cached and computed anew must be the same bits whatever shares a forward pass, so numbers of rows are padded here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch.nn.functional import pad

# Rows of one matmul on a processor with AMX, where the library chooses the order by their number. Fewer leave the
# units idle, more are more padding.
_AMX_ROWS = 128


@cache
def has_amx() -> bool:
    """Whether this processor multiplies tiles of bfloat16 (AMX), for which torch has other code than for rows of it."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def order_depends_on_rows(dtype: torch.dtype, device: str) -> bool:
    """Whether the number of rows decides in which order a matmul sums."""
    return device == "cpu" and dtype == torch.bfloat16 and has_amx()


def padded(rows: torch.Tensor, multiple: int) -> torch.Tensor:
    """Rows (..., rows, columns), and as many rows of zeros after them as make a multiple."""
    missing = -rows.shape[-2] % multiple
    return pad(rows, (0, 0, 0, missing)) if missing else rows


def in_blocks(matmul: Callable[..., torch.Tensor], *operands: torch.Tensor) -> torch.Tensor:
    """A matmul in blocks of always as many rows, whatever the number of rows of its operands."""
    blocks = zip(*(padded(operand, _AMX_ROWS).split(_AMX_ROWS) for operand in operands), strict=True)
    return torch.cat([matmul(*block) for block in blocks])[: len(operands[0])]
