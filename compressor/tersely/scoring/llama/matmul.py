"""Matmuls of rows with a weight in floating point, and what comes right after them, in as few steps as torch has.

What follows a matmul (activation, gate, residual) is fused into it where torch's matrix library can do it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TypeVar, cast

import torch
from torch.nn.functional import linear, silu

from tersely.scoring.rows import in_blocks, order_depends_on_rows

_Method = TypeVar("_Method", bound=Callable[..., torch.Tensor])


def _blockwise(method: _Method) -> _Method:
    """A method of `Matmul` that computes in blocks of rows where its bits depend on their number."""

    @wraps(method)
    def whole(self: Matmul, *operands: torch.Tensor) -> torch.Tensor:
        return in_blocks(partial(method, self), *operands) if self._in_blocks else method(self, *operands)

    return cast(_Method, whole)


class Matmul:
    """Rows times a weight (columns of the output, columns of the rows).

    Args:
        weight: as torch's `linear` takes it.
        fused: whether the matrix library fuses what follows: see `fuses`.
    """

    def __init__(self, weight: torch.Tensor, fused: bool) -> None:
        self._fused = fused
        self._in_blocks = order_depends_on_rows(weight.dtype, weight.device.type)
        # In the library's own layout.
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight) if fused else weight

    @_blockwise
    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return self._library(rows, "none") if self._fused else linear(rows, self._weight)

    def gather(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """One column of the output for each row (n), in float32; only where the weight is not fused."""
        return (rows.float() * self._weight[columns]).sum(dim=1)

    @_blockwise
    def silu(self, rows: torch.Tensor) -> torch.Tensor:
        """The matmul's SiLU."""
        if self._fused:
            return self._library(rows, "swish")
        return silu(linear(rows, self._weight), inplace=True)

    @_blockwise
    def times(self, rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """The matmul times a tensor of its shape."""
        if self._fused:
            return self._library_binary(rows, factor, "mul")
        return linear(rows, self._weight).mul_(factor)

    @_blockwise
    def plus(self, rows: torch.Tensor, addend: torch.Tensor) -> torch.Tensor:
        """The matmul plus a tensor of its shape."""
        if self._fused:
            return self._library_binary(rows, addend, "add")
        return linear(rows, self._weight).add_(addend)

    def _library(self, rows: torch.Tensor, activation: str) -> torch.Tensor:
        """The matmul with an activation fused into it."""
        output: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._weight, None, activation, [], "")
        return output

    def _library_binary(self, rows: torch.Tensor, operand: torch.Tensor, operation: str) -> torch.Tensor:
        """The matmul with another tensor of its shape fused into it."""
        output: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, operand, self._weight, None, operation)
        return output


def fuses(dtype: torch.dtype, device: str) -> bool:
    """Whether torch's matrix library fuses here: tried out, since it depends on processor, dtype and build."""
    if device != "cpu":
        return False
    rows = torch.ones(16, 16, dtype=dtype)
    try:
        matmul = Matmul(torch.eye(16, dtype=dtype), fused=True)
        outputs = [matmul(rows), matmul.silu(rows), matmul.times(rows, rows + rows), matmul.plus(rows, rows)]
    except (AttributeError, RuntimeError, TypeError):
        return False
    expected = [rows, silu(rows), rows + rows, rows + rows]
    return all(torch.allclose(output, value, atol=1e-2) for output, value in zip(outputs, expected, strict=True))
