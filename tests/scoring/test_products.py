"""Products of rows with a weight: the same bits for a row whatever stands beside it, on any processor."""

from __future__ import annotations

import pytest
import torch

from tersely.scoring.products import Product, fuses, in_blocks, sums_by_number

# Rows and columns of weights as wide as the embedded model's: a matrix library has one order only for small ones.
SHAPES = [(960, 576), (576, 576), (1536, 576), (576, 1536)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_has_the_same_bits_whatever_stands_beside_it(dtype, shape) -> None:
    generator = torch.Generator().manual_seed(3)
    product = Product(torch.randn(shape, generator=generator).to(dtype) * 0.05, fuses(dtype, "cpu"))
    rows, factor = (torch.randn(800, width, generator=generator).to(dtype) for width in (shape[1], shape[0]))
    for compute in (
        lambda some: product(rows[some]),
        lambda some: product.silu(rows[some]),
        lambda some: product.times(rows[some], factor[some]),
        lambda some: product.plus(rows[some], factor[some]),
    ):
        of_all = compute(slice(800))
        for some in (slice(16), slice(48), slice(48, 96), slice(208), slice(16, 544), slice(256, 800)):
            torch.testing.assert_close(compute(some), of_all[some], rtol=0, atol=0)


@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129, 300])
def test_blocks_are_whole_and_give_what_one_product_gives(rows) -> None:
    weight, addend = torch.randn(8, 4), torch.randn(rows, 8)
    numbers: list[int] = []

    def product(some: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
        numbers.append(len(some))
        return some @ weight.T + more

    operand = torch.randn(rows, 4)
    torch.testing.assert_close(in_blocks(product, operand, addend), operand @ weight.T + addend)
    assert set(numbers) <= {0, 128}


def test_only_bfloat16_on_a_processor_with_amx_needs_blocks(monkeypatch) -> None:
    monkeypatch.setattr("tersely.scoring.products.has_amx", lambda: True)
    assert sums_by_number(torch.bfloat16, "cpu")
    assert not sums_by_number(torch.float32, "cpu")
    assert not sums_by_number(torch.bfloat16, "cuda")
    monkeypatch.setattr("tersely.scoring.products.has_amx", lambda: False)
    assert not sums_by_number(torch.bfloat16, "cpu")
