"""Every kernel of the table equals the reference wherever the table lets it run; and the reference is attention."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tersely.scoring.attention import choice, reference
from tersely.scoring.attention.choice import KERNELS, Kernel, choose
from tersely.scoring.attention.group import Group, Layer, Part
from tersely.scoring.pass_items import KeyValues

_WIDTH = 16
_HEADS = [(6, 2), (3, 3), (4, 1)]  # query heads, key heads
_CACHED = [(), (1,), (90,), (70, 140), (500,)]  # tokens of each text before
_PREFIXES = [0, 50]  # tokens of the pass before those that are computed
_TOKENS = [1, 13, 64, 65, 300]
_WINDOWS = [None, 1, 60]
_SHAPES = list(product(_CACHED, _PREFIXES, _TOKENS, _WINDOWS))
_RUNS = [(kernel, dtype) for kernel in KERNELS for dtype in kernel.equals]
_MASKED_RUNS = [(kernel, dtype) for kernel, dtype in _RUNS if kernel.name.endswith("masked")]


def random(heads: int, tokens: int, dtype: torch.dtype, width: int = _WIDTH) -> torch.Tensor:
    return torch.randn(heads, tokens, width).to(dtype)


class Pass:
    """A pass of some texts with as many tokens each, and between them rows that belong to nobody."""

    def __init__(
        self,
        heads: tuple[int, int],
        dtype: torch.dtype,
        *,
        cached: tuple[int, ...],
        prefix: int,
        tokens: int,
        window: int | None,
        texts: int = 1,
        value_width: int = _WIDTH,
    ) -> None:
        with_queries, with_keys = heads
        self.window = window
        parts = []
        for number in range(texts):
            begin = number * (prefix + tokens + 3)
            key_values = [
                # Two layers: the second is the one that is computed.
                KeyValues(
                    torch.stack([random(with_keys, length, dtype)] * 2).mul_(torch.tensor([0, 1])[:, None, None, None]),
                    torch.stack([random(with_keys, length, dtype, value_width)] * 2),
                )
                for length in cached
            ]
            rows = range(begin + prefix, begin + prefix + tokens)
            parts.append(Part(number, rows, key_values, range(begin, begin + prefix)))
        length = parts[-1].rows.stop + 2
        scaled = random(with_queries, length, dtype) * _WIDTH**-0.5
        self.layer = Layer(
            1, scaled, random(with_keys, length, dtype), random(with_keys, length, dtype, value_width), window
        )
        before = parts[0].tokens_before
        width = before + tokens
        if before and tokens <= choice.FEW_TOKENS:
            width += -width % 128
        rows = torch.tensor([row for part in parts for row in part.rows])
        self.group = Group(parts, rows, width, until=2)

    def reference(self, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        """Output and weights of a part."""
        rows = [*part.prefix, *part.rows]
        keys, values = (
            torch.cat([*(key_values[kind][1] for key_values in part.cached), of_pass[:, rows]], dim=1)
            for kind, of_pass in enumerate((self.layer.key, self.layer.value))
        )
        return reference.attention(self.layer.query[:, list(part.rows)], keys, values, self.window)

    def check(self, kernel: Kernel, tolerance: float) -> None:
        """The kernel's output and mean weights are those of the reference."""
        heads = [0, len(self.layer.query) - 1]
        output, weights = kernel.start(self.group, self.layer)(self.layer, heads)
        outputs = output.unflatten(0, (len(self.group.parts), -1))
        for part, part_output, part_weights in zip(self.group.parts, outputs, weights, strict=True):
            expected, expected_weights = self.reference(part)
            torch.testing.assert_close(part_output.float(), expected.transpose(0, 1), atol=tolerance, rtol=0)
            before = part.tokens_before
            torch.testing.assert_close(
                part_weights[:, :before], expected_weights[heads, :, :before].mean(dim=1), atol=tolerance, rtol=0
            )


@pytest.fixture
def is_chosen(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> Callable[[Pass], bool]:
    """Whether the table chooses the kernel for a pass, on the kind of processor that it is for."""
    monkeypatch.setattr(choice, "matmul_outruns_attention", lambda: kernel.name.startswith("matmul"))
    return lambda run: choose(run.group, run.layer, "cpu") is kernel


@pytest.mark.parametrize(("kernel", "dtype"), _RUNS, ids=lambda value: getattr(value, "name", str(value)))
def test_a_kernel_equals_the_reference_wherever_it_runs(kernel: Kernel, dtype: torch.dtype, is_chosen) -> None:
    torch.manual_seed(0)
    compared = 0
    for heads, (cached, prefix, tokens, window) in product(_HEADS, _SHAPES):
        run = Pass(heads, dtype, cached=cached, prefix=prefix, tokens=tokens, window=window)
        if is_chosen(run):
            run.check(kernel, kernel.equals[dtype])
            compared += 1
    assert compared >= 10, "the table never lets it run"


@pytest.mark.parametrize("texts", [2, 5, 8, 11])
@pytest.mark.parametrize("window", [None, 60])
@pytest.mark.parametrize(("kernel", "dtype"), _MASKED_RUNS, ids=lambda value: getattr(value, "name", str(value)))
def test_few_tokens_after_each_of_several_texts(kernel: Kernel, dtype: torch.dtype, texts, window, is_chosen) -> None:
    torch.manual_seed(texts)
    for heads, prefix in product(_HEADS, (0, 40)):
        run = Pass(heads, dtype, cached=(300,), prefix=prefix, tokens=13, window=window, texts=texts)
        assert is_chosen(run)
        run.check(kernel, kernel.equals[dtype])


@pytest.mark.parametrize(("kernel", "dtype"), _RUNS, ids=lambda value: getattr(value, "name", str(value)))
def test_values_may_be_of_another_width_than_keys(kernel: Kernel, dtype: torch.dtype, is_chosen) -> None:
    torch.manual_seed(1)
    shapes = product(((), (90,)), (20, 80))
    runs = [
        Pass((4, 2), dtype, cached=cached, prefix=0, tokens=tokens, window=None, value_width=8)
        for cached, tokens in shapes
    ]
    chosen = [run for run in runs if is_chosen(run)]
    assert chosen
    for run in chosen:
        run.check(kernel, kernel.equals[dtype])


@pytest.mark.parametrize("window", [None, 1, 5, 40])
@pytest.mark.parametrize(("before", "tokens"), [(0, 12), (30, 7), (30, 1)])
@pytest.mark.parametrize(("with_queries", "with_keys"), _HEADS)
def test_the_reference_is_torchs_attention_in_float64(before, tokens, window, with_queries, with_keys) -> None:
    torch.manual_seed(2)
    queries = random(with_queries, tokens, torch.float32)
    keys, values = (random(with_keys, before + tokens, torch.float32) for _ in range(2))
    visible = torch.ones(tokens, before + tokens, dtype=torch.bool).tril(before)
    if window is not None:
        visible = visible.triu(before - window + 1)
    operands = (rows[None].double() for rows in (queries, keys, values))
    expected = scaled_dot_product_attention(*operands, attn_mask=visible, scale=1.0, enable_gqa=True)[0]
    output, weights = reference.attention(queries, keys, values, window)
    torch.testing.assert_close(output, expected.float(), atol=1e-5, rtol=0)
    assert not weights[:, ~visible].any()
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(with_queries, tokens))
