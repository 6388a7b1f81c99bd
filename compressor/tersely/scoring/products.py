"""Products of rows with a weight in floating point, and what comes right after them, in as few steps as torch has.

What follows a product (activation, gate, residual) is done in the product where torch's matrix library can do it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial, wraps
from typing import TypeVar, cast

import torch
from torch.nn.functional import linear, pad, silu

# Rows of one product on a processor with AMX, where the matrix library chooses by their number in which order it sums:
# so a row has the same bits whatever stands beside it. Fewer leave the units idle, more are more padding.
_AMX_ROWS = 128

_Method = TypeVar("_Method", bound=Callable[..., torch.Tensor])


@cache
def has_amx() -> bool:
    """Whether this processor multiplies tiles of bfloat16, for which torch has other code than for rows of it."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def sums_by_number(dtype: torch.dtype, device: str) -> bool:
    """Whether the number of rows decides in which order a product sums, and so the bits of each row."""
    return device == "cpu" and dtype == torch.bfloat16 and has_amx()


def padded(rows: torch.Tensor, multiple: int) -> torch.Tensor:
    """Rows (..., rows, columns), and as many zeros after them as make a multiple."""
    rest = -rows.shape[-2] % multiple
    return pad(rows, (0, 0, 0, rest)) if rest else rows


def in_blocks(product: Callable[..., torch.Tensor], *operands: torch.Tensor) -> torch.Tensor:
    """A product of as many rows each time, whatever the number of rows of its operands."""
    blocks = zip(*(padded(one, _AMX_ROWS).split(_AMX_ROWS) for one in operands), strict=True)
    return torch.cat([product(*block) for block in blocks])[: len(operands[0])]


def _by_blocks(product: _Method) -> _Method:
    """A method of `Product` that computes in blocks where the product needs it."""

    @wraps(product)
    def whole(self: Product, *operands: torch.Tensor) -> torch.Tensor:
        return in_blocks(partial(product, self), *operands) if self._in_blocks else product(self, *operands)

    return cast(_Method, whole)


class Product:
    """Rows times a weight (rows of the product, columns). `fused` is for a matrix library that fuses: see `fuses`."""

    def __init__(self, weight: torch.Tensor, fused: bool) -> None:
        self._fused = fused
        self._in_blocks = sums_by_number(weight.dtype, weight.device.type)
        # In the library's own order.
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight) if fused else weight

    @_by_blocks
    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, self._weight, None, "none", [], "")
        return linear(rows, self._weight)

    def singly(self, rows: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """The product of each row (n) with one row of the weight (n), in float32; not of a fused weight."""
        return (rows.float() * self._weight[which]).sum(dim=1)

    @_by_blocks
    def silu(self, rows: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, self._weight, None, "swish", [], "")
        return silu(linear(rows, self._weight), inplace=True)

    @_by_blocks
    def times(self, rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, factor, self._weight, None, "mul")
        return linear(rows, self._weight).mul_(factor)

    @_by_blocks
    def plus(self, rows: torch.Tensor, addend: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, addend, self._weight, None, "add")
        return linear(rows, self._weight).add_(addend)


def fuses(dtype: torch.dtype, device: str) -> bool:
    """Whether torch's matrix library fuses here: asked by doing it, since it depends on processor, type and build."""
    if device != "cpu":
        return False
    rows = torch.ones(16, 16, dtype=dtype)
    try:
        product = Product(torch.eye(16, dtype=dtype), fused=True)
        found = [product(rows), product.silu(rows), product.times(rows, rows + rows), product.plus(rows, rows)]
    except (AttributeError, RuntimeError, TypeError):
        return False
    expected = [rows, silu(rows), rows + rows, rows + rows]
    return all(torch.allclose(one, other, atol=1e-2) for one, other in zip(found, expected, strict=True))
