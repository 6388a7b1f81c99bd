"""Matmuls with a weight: a row has the same bits whatever stands beside it, on any processor."""

from __future__ import annotations

import pytest
import torch

from tersely.scoring.llama.matmul import Matmul, fuses
from tersely.scoring.rows import in_blocks, order_depends_on_rows

# Rows and columns of weights as wide as the embedded model's: a matrix library has a single order for small ones.
SHAPES = [(960, 576), (576, 576), (1536, 576), (576, 1536)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_has_the_same_bits_whatever_stands_beside_it(dtype, shape) -> None:
    generator = torch.Generator().manual_seed(3)
    matmul = Matmul(torch.randn(shape, generator=generator).to(dtype) * 0.05, fuses(dtype, "cpu"))
    rows, factor = (torch.randn(800, width, generator=generator).to(dtype) for width in (shape[1], shape[0]))
    for compute in (
        lambda part: matmul(rows[part]),
        lambda part: matmul.silu(rows[part]),
        lambda part: matmul.times(rows[part], factor[part]),
        lambda part: matmul.plus(rows[part], factor[part]),
    ):
        whole = compute(slice(800))
        for part in (slice(16), slice(48), slice(48, 96), slice(208), slice(16, 544), slice(256, 800)):
            torch.testing.assert_close(compute(part), whole[part], rtol=0, atol=0)


@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129, 300])
def test_blocks_have_always_as_many_rows_and_give_what_a_single_matmul_gives(rows) -> None:
    weight, addend = torch.randn(8, 4), torch.randn(rows, 8)
    lengths: list[int] = []

    def matmul(block: torch.Tensor, addend_block: torch.Tensor) -> torch.Tensor:
        lengths.append(len(block))
        return block @ weight.T + addend_block

    operand = torch.randn(rows, 4)
    torch.testing.assert_close(in_blocks(matmul, operand, addend), operand @ weight.T + addend)
    assert set(lengths) <= {0, 128}


def test_only_bfloat16_on_a_processor_with_amx_needs_blocks(monkeypatch) -> None:
    monkeypatch.setattr("tersely.scoring.rows.has_amx", lambda: True)
    assert order_depends_on_rows(torch.bfloat16, "cpu")
    assert not order_depends_on_rows(torch.float32, "cpu")
    assert not order_depends_on_rows(torch.bfloat16, "cuda")
    monkeypatch.setattr("tersely.scoring.rows.has_amx", lambda: False)
    assert not order_depends_on_rows(torch.bfloat16, "cpu")
