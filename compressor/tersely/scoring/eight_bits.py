"""Products of integers of 8 bits: twice as fast as those of bfloat16 where the processor multiplies such integers.

A row that is rounded to 8 bits keeps little of its small numbers where a few are large, and in a language model some
are. So hidden states are turned by an orthogonal matrix that spreads each number over the whole row; what reads and
writes them is turned with it once, when the model is loaded, and computes the same (QuaRot, arXiv 2404.00456). A turned
row looks like noise: all its numbers are within a few times their root mean square, and one step fits all rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

# What a rounded row can hold, in multiples of its root mean square; the few numbers beyond are cut. Less cuts more,
# more makes a coarser step: of 3, 3.3, 3.8, 4.5 and 5.5 this is nearest to float32 on the embedded model.
_LARGEST = 3.8
_LEVELS = 127  # each side of 0
_STEP = _LARGEST / _LEVELS
_ZERO = 128  # what 0 is as an unsigned integer: the library multiplies unsigned rows by signed weights
_NATIVE = ("avx512_vnni", "avx_vnni", "amx_int8")


class EightBitProduct:
    """Rows of 8 bits times a weight that is rounded to 8 bits, too, each of its rows by a step of its own.

    Args:
        blocks: the weight (rows of the product, columns) in blocks of rows, float32, turned as the rows are.
        dtype: of the product.
        singly: whether `singly` is wanted, for which the weight is held in its own order, too.
    """

    def __init__(self, blocks: Iterable[torch.Tensor], dtype: torch.dtype, *, singly: bool = False) -> None:
        self._dtype = dtype
        steps, rounded_blocks = zip(*map(_in_steps, blocks), strict=True)
        weight = torch.cat(rounded_blocks)
        self._steps = torch.cat(steps)
        self._in_order = weight if singly else None
        self._weight = torch.ops.onednn.qlinear_prepack(weight, None)
        self._zeros = torch.zeros(len(self._steps), dtype=torch.int64)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return self._product(rows, "none")

    def silu(self, rows: torch.Tensor) -> torch.Tensor:
        return self._product(rows, "swish")

    def times(self, rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        return self._product(rows, "none").mul_(factor)

    def singly(self, rows: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """The product of each row (n) with one row of the weight (n), in float32."""
        assert self._in_order is not None
        products = (rows.float() - _ZERO).mul_(self._in_order[which])
        return products.sum(dim=1) * self._steps[which] * _STEP

    def _product(self, rows: torch.Tensor, then: str) -> torch.Tensor:
        return torch.ops.onednn.qlinear_pointwise(
            rows, _STEP, _ZERO, self._weight, self._steps, self._zeros, None, 1.0, 0, self._dtype, then, [], ""
        )


def rounded(rows: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Rows (n, width) as `EightBitProduct` takes them.

    Args:
        rows: turned.
        scale: (n, 1) by which each is multiplied to have a root mean square of 1 (float32).
    """
    steps = (rows * (scale * (_LEVELS / _LARGEST))).add_(_ZERO + 0.5)
    # By way of 16 bits: torch converts floating point to unsigned integers one at a time.
    return steps.clamp_(_ZERO - _LEVELS, _ZERO + _LEVELS + 0.5).to(torch.int16).to(torch.uint8)


def turned(weight: torch.Tensor) -> torch.Tensor:
    """Each row (float32) times an orthogonal matrix: its Fourier transform in real numbers, length kept."""
    width = weight.shape[1]
    # Real and imaginary parts in turns; the first number, and of an even width the last one, has no imaginary part.
    spectrum = torch.view_as_real(torch.fft.rfft(weight, norm="ortho")).flatten(1)
    found = torch.empty_like(weight)
    found[:, 0] = spectrum[:, 0]
    torch.mul(spectrum[:, 2 : width + 1], 2**0.5, out=found[:, 1:])  # each stands for its mirror image, too
    if width % 2 == 0:
        found[:, -1] = spectrum[:, width]
    return found


def _in_steps(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The step of each row, and the rows in multiples of it."""
    steps = weight.abs().amax(dim=1).clamp(min=1e-12) / _LEVELS
    return steps, weight.mul(1 / steps[:, None]).round_().to(torch.int8)


def multiplies_eight_bits() -> bool:
    """Whether this processor does, and torch makes use of it: asked by doing it, with the largest numbers there are."""
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in _NATIVE):
        return False
    weight, rows = torch.ones(16, 64), torch.full((16, 64), 2 * _ZERO - 1, dtype=torch.uint8)
    try:
        found = EightBitProduct([weight], torch.float32)(rows)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(found, torch.full((16, 16), 64 * _LARGEST))
