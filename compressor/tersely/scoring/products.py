"""Products of rows with a weight in floating point, and what comes right after them, in as few steps as torch has.

What follows a product (activation, gate, residual) is done in the product where torch's matrix library can do it.
"""

from __future__ import annotations

import torch
from torch.nn.functional import linear, silu


class Product:
    """Rows times a weight (rows of the product, columns). `fused` is for a matrix library that fuses: see `fuses`."""

    def __init__(self, weight: torch.Tensor, fused: bool) -> None:
        self._fused = fused
        # In the library's own order.
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight) if fused else weight

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, self._weight, None, "none", [], "")
        return linear(rows, self._weight)

    def silu(self, rows: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, self._weight, None, "swish", [], "")
        return silu(linear(rows, self._weight), inplace=True)

    def times(self, rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, factor, self._weight, None, "mul")
        return linear(rows, self._weight).mul_(factor)

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
