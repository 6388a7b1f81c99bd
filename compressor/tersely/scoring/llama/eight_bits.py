"""Matmuls of 8-bit integers: twice as fast as those of bfloat16 where the processor multiplies such integers.

A row that is rounded to 8 bits loses its small numbers where a few are large, and in a language model some are. So
hidden states are rotated by an orthogonal matrix that spreads each number over the whole row. The weights before and
after them are rotated with them once, when the model is loaded, so the model computes the same (QuaRot, arXiv
2404.00456). A rotated row looks like noise: all its numbers are within a few times their root mean square, and one step
fits all rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

# The largest number of a quantized row, in multiples of its root mean square; the few beyond it are cut. Less cuts
# more, more makes a coarser step: of 3, 3.3, 3.8, 4.5 and 5.5 this is nearest to float32 on the embedded model.
_LARGEST = 3.8
_LEVELS = 127  # each side of 0
_STEP = _LARGEST / _LEVELS
_ZERO = 128  # what 0 is as an unsigned integer: the library multiplies unsigned rows by signed weights
_NATIVE = ("avx512_vnni", "avx_vnni", "amx_int8")


class EightBitMatmul:
    """Quantized rows times a weight that is quantized, too, each of its rows by a step of its own.

    Args:
        blocks: the weight (columns of the output, columns of the rows) in blocks, float32, rotated as the rows are.
        dtype: of the output.
        gathers: whether `gather` is wanted, for which the weight is held in its plain layout, too.
    """

    def __init__(self, blocks: Iterable[torch.Tensor], dtype: torch.dtype, *, gathers: bool = False) -> None:
        self._dtype = dtype
        steps, integer_blocks = zip(*map(_quantized_weight, blocks), strict=True)
        weight = torch.cat(integer_blocks)
        self._steps = torch.cat(steps)
        self._plain_weight = weight if gathers else None
        self._weight = torch.ops.onednn.qlinear_prepack(weight, None)
        self._zeros = torch.zeros(len(self._steps), dtype=torch.int64)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return self._matmul(rows, "none")

    def silu(self, rows: torch.Tensor) -> torch.Tensor:
        """The matmul's SiLU."""
        return self._matmul(rows, "swish")

    def times(self, rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """The matmul times a tensor of its shape."""
        return self._matmul(rows, "none").mul_(factor)

    def gather(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """One column of the output for each row (n), in float32."""
        assert self._plain_weight is not None
        products = (rows.float() - _ZERO).mul_(self._plain_weight[columns])
        return products.sum(dim=1) * self._steps[columns] * _STEP

    def _matmul(self, rows: torch.Tensor, activation: str) -> torch.Tensor:
        output: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            rows, _STEP, _ZERO, self._weight, self._steps, self._zeros, None, 1.0, 0, self._dtype, activation, [], ""
        )
        return output


def quantized(rows: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Rows (n, width) as `EightBitMatmul` takes them.

    Args:
        rows: rotated.
        scale: (n, 1) by which each is multiplied to have a root mean square of 1 (float32).
    """
    steps = (rows * (scale * (_LEVELS / _LARGEST))).add_(_ZERO + 0.5)
    # Through 16 bits: torch converts floating point to unsigned integers without vector instructions.
    return steps.clamp_(_ZERO - _LEVELS, _ZERO + _LEVELS + 0.5).to(torch.int16).to(torch.uint8)


def rotated(weight: torch.Tensor) -> torch.Tensor:
    """Each row (float32) times an orthogonal matrix: its real Fourier transform, which keeps the row's length."""
    width = weight.shape[1]
    # Real and imaginary parts in turns; the first number, and of an even width the last one, has no imaginary part.
    spectrum = torch.view_as_real(torch.fft.rfft(weight, norm="ortho")).flatten(1)
    rows = torch.empty_like(weight)
    rows[:, 0] = spectrum[:, 0]
    # The transform of real numbers is symmetric, and only one half is computed: sqrt(2) stands for the other.
    torch.mul(spectrum[:, 2 : width + 1], 2**0.5, out=rows[:, 1:])
    if width % 2 == 0:
        rows[:, -1] = spectrum[:, width]
    return rows


def _quantized_weight(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The step of each row, and the rows in multiples of it."""
    steps = weight.abs().amax(dim=1).clamp(min=1e-12) / _LEVELS
    return steps, weight.mul(1 / steps[:, None]).round_().to(torch.int8)


def multiplies_eight_bits() -> bool:
    """Whether this processor does, and torch makes use of it: tried out with the largest numbers there are."""
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in _NATIVE):
        return False
    weight, rows = torch.ones(16, 64), torch.full((16, 64), 2 * _ZERO - 1, dtype=torch.uint8)
    try:
        output = EightBitMatmul([weight], torch.float32)(rows)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(output, torch.full((16, 16), 64 * _LARGEST))
