"""Matmuls of 8-bit integers: twice as fast as those of bfloat16 or float32, whichever the processor has.

A row that is rounded to 8 bits loses its small numbers where a few are large, and in a language model some are. So
hidden states are rotated by an orthogonal matrix that spreads each number over the whole row. The weights before and
after them are rotated with them once, when the model is loaded, so the model computes the same (QuaRot, arXiv
2404.00456). A rotated row looks like noise: all its numbers are within a few times their root mean square, and one step
fits all rows.

A processor without products of 8 bits (VNNI, AMX) adds two of them in 16 bits, where larger sums saturate. There rows
and weights have 90 steps each side of 0, not 127: two products of 181 and 90 are 32,580.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import torch

from tersely.scoring.llama.matmul import Matmul, fuses

# The largest number of a quantized row, in multiples of its root mean square; the few beyond it are cut. Less cuts
# more, more makes a coarser step: of 3, 3.3, 3.8, 4.5 and 5.5 this is nearest to float32 on the embedded model.
_LARGEST = 3.8
# Steps each side of 0, for rows as for weights.
EXACT_LEVELS = 127
SATURATING_LEVELS = 90
_NATIVE = ("avx512_vnni", "avx_vnni", "amx_int8")
_ROTATED = 64  # numbers of a row that are rotated together, where a row is rotated while the model runs


class EightBitMatmul:
    """Quantized rows times a weight that is quantized, too, each of its rows by a step of its own.

    Args:
        blocks: the weight (columns of the output, columns of the rows) in blocks, float32, rotated as the rows are.
        dtype: of the output.
        levels: steps each side of 0, the same as those of the rows.
        gathers: whether `gather` is wanted, for which the weight is held in its plain layout, too.
    """

    def __init__(
        self, blocks: Iterable[torch.Tensor], dtype: torch.dtype, levels: int, *, gathers: bool = False
    ) -> None:
        self._dtype, self._step, self._zero = dtype, _LARGEST / levels, _zero(levels)
        steps, integer_blocks = zip(*(_quantized_weight(block, levels) for block in blocks), strict=True)
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
        products = (rows.float() - self._zero).mul_(self._plain_weight[columns])
        return products.sum(dim=1) * self._steps[columns] * self._step

    def _matmul(self, rows: torch.Tensor, activation: str) -> torch.Tensor:
        output: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            rows,
            self._step,
            self._zero,
            self._weight,
            self._steps,
            self._zeros,
            None,
            1.0,
            0,
            self._dtype,
            activation,
            [],
            "",
        )
        return output


class RowwiseEightBitMatmul:
    """The same for rows that are no hidden states, whose largest number nothing bounds: each has a step of its own.

    A few of their numbers are large, too, so they are rotated, block by block, while the model runs.

    Args:
        weight: (columns of the output, columns of the rows), float32, as the rows come.
        levels: steps each side of 0.
    """

    def __init__(self, weight: torch.Tensor, levels: int) -> None:
        block = math.gcd(weight.shape[1], _ROTATED)
        self._block, self._levels = block, levels
        self._rotation = Matmul(_hadamard(block), fuses(torch.float32, "cpu"))
        self._matmul = EightBitMatmul([self._rotated(weight)], torch.float32, levels)

    def plus(self, rows: torch.Tensor, addend: torch.Tensor) -> torch.Tensor:
        """The matmul (float32) plus a tensor of its shape."""
        rotated_rows = self._rotated(rows)
        largest = rotated_rows.abs().amax(dim=-1, keepdim=True)
        scale = _LARGEST / largest.clamp_(min=1e-12)
        return torch.addcdiv(addend, self._matmul(quantized(rotated_rows, scale, self._levels)), scale)

    def _rotated(self, rows: torch.Tensor) -> torch.Tensor:
        return self._rotation(rows.reshape(-1, self._block)).view(rows.shape)


def quantized(rows: torch.Tensor, scale: torch.Tensor, levels: int) -> torch.Tensor:
    """Rows (n, width) as `EightBitMatmul` takes them.

    Args:
        rows: rotated.
        scale: (n, 1) by which each is multiplied to have a root mean square of 1 (float32).
        levels: steps each side of 0.
    """
    zero = _zero(levels)
    steps = (rows * (scale * (levels / _LARGEST))).add_(zero + 0.5)
    # Through 16 bits: torch converts floating point to unsigned integers without vector instructions.
    return steps.clamp_(zero - levels, zero + levels + 0.5).to(torch.int16).to(torch.uint8)


def _zero(levels: int) -> int:
    """What 0 is as an unsigned integer: the library multiplies unsigned rows by signed weights."""
    return levels + 1


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


def _hadamard(width: int) -> torch.Tensor:
    """An orthogonal matrix of numbers that are all as large: no other spreads a number as evenly. `width`: 2^n."""
    matrix: torch.Tensor = torch.ones(1, 1)
    while len(matrix) < width:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    return matrix.mul(width**-0.5)


def _quantized_weight(weight: torch.Tensor, levels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The step of each row, and the rows in multiples of it."""
    steps = weight.abs().amax(dim=1).clamp(min=1e-12) / levels
    return steps, weight.mul(1 / steps[:, None]).round_().to(torch.int8)


@cache
def eight_bit_levels() -> int | None:
    """Steps each side of 0 that 8-bit integers may have on this processor; None where their matmuls gain nothing.

    Tried out with the largest numbers there are, since it depends on processor, torch's build, and DNNL_MAX_CPU_ISA.
    Only once: a second trial, after the model is loaded, made all later passes a third slower.
    """
    capabilities = torch.cpu.get_capabilities()
    native = any(capabilities.get(name) for name in _NATIVE)
    if native and _are_exact(EXACT_LEVELS):
        return EXACT_LEVELS
    if capabilities.get("avx2") and _are_exact(SATURATING_LEVELS):
        return SATURATING_LEVELS
    return None


def _are_exact(levels: int) -> bool:
    """Whether matmuls of the largest integers come out right."""
    rows = torch.full((16, 64), _zero(levels) + levels, dtype=torch.uint8)
    try:
        output = EightBitMatmul([torch.ones(16, 64)], torch.float32, levels)(rows)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(output, torch.full((16, 16), 64 * _LARGEST))
