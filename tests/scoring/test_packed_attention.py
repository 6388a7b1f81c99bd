"""Attention after a state, against the softmax of all products in float32."""

from __future__ import annotations

import pytest
import torch

from tersely.scoring import packed_attention
from tersely.scoring.packed_attention import PackedAttention
from tersely.scoring.stretches import State, Stretch

_HEADS, _WITH_KEYS, _WIDTH = 6, 2, 16


def expected(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, window: int | None) -> torch.Tensor:
    """Of the last tokens of a text: queries (heads, queries, width), keys and values (heads, tokens, width)."""
    keys, values = (one.float().repeat_interleave(_HEADS // _WITH_KEYS, dim=0) for one in (keys, values))
    logits = queries.float() @ keys.transpose(1, 2) * _WIDTH**-0.5
    before = keys.shape[1] - queries.shape[1]
    seen = torch.ones(logits.shape[1:], dtype=torch.bool).tril(before)
    if window is not None:
        seen = seen.triu(before - window + 1)
    return (logits.masked_fill(~seen, -torch.inf).softmax(-1) @ values).transpose(0, 1)


@pytest.mark.parametrize("window", [None, 90])
@pytest.mark.parametrize("by_products", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("before, keep, rest", [(50, 70, 80), (130, 10, 65), (0, 70, 66), (200, 0, 3), (1, 0, 300)])
def test_each_token_sees_what_stands_before_it(monkeypatch, before, keep, rest, dtype, by_products, window) -> None:
    monkeypatch.setattr(packed_attention, "_products_are_faster", lambda queries: by_products)
    torch.manual_seed(before)
    tokens = keep + rest
    state = State(*(torch.randn(1, _WITH_KEYS, before, _WIDTH).to(dtype) for _ in range(2)))
    stretches = [
        Stretch([0] * 5),
        Stretch([0] * tokens, before=(state,) if before else (), keep=keep),
        Stretch([0] * 2, before=(state,)),
    ]
    queries = torch.randn(1, _HEADS, tokens + 7, _WIDTH).to(dtype)
    keys, values = (torch.randn(1, _WITH_KEYS, tokens + 7, _WIDTH).to(dtype) for _ in range(2))

    found = PackedAttention(stretches, 1, stops=False, device="cpu")(0, queries, keys, values, None, window)

    own = slice(5, 5 + tokens)
    all_keys, all_values = (
        torch.cat([kept[0], one[0, :, own]], dim=1) for kept, one in zip(state, (keys, values), strict=True)
    )
    torch.testing.assert_close(
        found[0, own].float(),
        expected(queries[0, :, own], all_keys, all_values, window),
        atol=1e-5 if dtype == torch.float32 else 0.05,
        rtol=0,
    )
