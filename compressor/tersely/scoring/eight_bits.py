"""Products of integers of 8 bits: twice as fast as those of bfloat16 where the processor multiplies such integers.

A row that is rounded to 8 bits keeps little of its small numbers where a few are large, and in a language model some
are. So hidden states are turned by an orthogonal matrix that spreads each number over the whole row; what reads and
writes them is turned with it once, when the model is loaded, and computes the same (QuaRot, arXiv 2404.00456). A turned
row looks like noise: all its numbers are within a few times their root mean square, and one step fits all rows.
"""

from __future__ import annotations

import torch

# What a rounded row can hold, in multiples of its root mean square; the few numbers beyond are cut. Less cuts more,
# more makes a coarser step: of 3, 3.3, 3.8, 4.5 and 5.5 this is nearest to float32 on the embedded model.
_LARGEST = 3.8
_LEVELS = 127  # each side of 0
_ZERO = 128  # what 0 is as an unsigned integer: the library multiplies unsigned rows by signed weights
_TURNED_ROWS = 1024  # at once: their spectrum takes as much memory again
_NATIVE = ("avx512_vnni", "avx_vnni", "amx_int8")


class EightBitProduct:
    """Rows of 8 bits times a weight that is rounded to 8 bits, too, each of its rows by a step of its own.

    Args:
        weight: (rows of the product, columns), turned as the rows are.
        dtype: of the product.
    """

    def __init__(self, weight: torch.Tensor, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._steps = weight.abs().amax(dim=1).float().clamp(min=1e-12) / _LEVELS
        in_steps = weight.mul(1 / self._steps[:, None]).round_().to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(in_steps, None)
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return self._product(rows, "none")

    def silu(self, rows: torch.Tensor) -> torch.Tensor:
        return self._product(rows, "swish")

    def times(self, rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        return self._product(rows, "none").mul_(factor)

    def _product(self, rows: torch.Tensor, then: str) -> torch.Tensor:
        return torch.ops.onednn.qlinear_pointwise(
            *(rows, _LARGEST / _LEVELS, _ZERO),
            *(self._weight, self._steps, self._zeros, None),
            *(1.0, 0, self._dtype, then, [], ""),
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
    """Each row times the matrix of the discrete Hartley transform, which is orthogonal and symmetric (float32)."""
    found = torch.empty(weight.shape, dtype=torch.float32)
    for rows, its_turned in zip(weight.split(_TURNED_ROWS), found.split(_TURNED_ROWS), strict=True):
        spectrum = torch.fft.rfft(rows.float(), norm="ortho")  # its second half mirrors the first
        half = spectrum.shape[1]
        torch.sub(spectrum.real, spectrum.imag, out=its_turned[:, :half])
        mirrored = spectrum[:, 1 : rows.shape[1] - half + 1].flip(-1)
        torch.add(mirrored.real, mirrored.imag, out=its_turned[:, half:])
    return found


def multiplies_eight_bits() -> bool:
    """Whether this processor does, and torch makes use of it: asked by doing it, with the largest numbers there are."""
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in _NATIVE):
        return False
    weight, rows = torch.ones(16, 64), torch.full((16, 64), 2 * _ZERO - 1, dtype=torch.uint8)
    try:
        found = EightBitProduct(weight, torch.float32)(rows)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(found, torch.full((16, 16), 64 * _LARGEST))
