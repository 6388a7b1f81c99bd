"""Attention in a pass, against the softmax of all products in float32."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as product_of

import pytest
import torch

from tersely.scoring import packed_attention
from tersely.scoring.attention_products import attention_by_products
from tersely.scoring.layout import Layout
from tersely.scoring.packed_attention import PackedAttention
from tersely.scoring.scorer import Head
from tersely.scoring.stretches import State, Stretch

_HEADS, _WITH_KEYS, _WIDTH = 6, 2, 16
_READ = Head(0, 4)
_SHAPES = [
    (50, 70, 80),
    (130, 10, 65),
    (0, 70, 66),
    (0, 150, 70),
    (200, 0, 3),
    (1, 0, 300),
    (0, 900, 70),
    (300, 0, 700),
]


def attention_weights(queries: torch.Tensor, keys: torch.Tensor, window: int | None) -> torch.Tensor:
    """What the last tokens of a text see of it (heads, queries, tokens)."""
    keys = keys.float().repeat_interleave(_HEADS // _WITH_KEYS, dim=0)
    logits = queries.float() @ keys.transpose(1, 2) * _WIDTH**-0.5
    before = keys.shape[1] - queries.shape[1]
    seen = torch.ones(logits.shape[1:], dtype=torch.bool).tril(before)
    if window is not None:
        seen = seen.triu(before - window + 1)
    return logits.masked_fill(~seen, -torch.inf).softmax(-1)


def heads(number: int, tokens: int) -> torch.Tensor:
    return torch.randn(1, number, tokens, _WIDTH)


@pytest.mark.parametrize("window", [None, 90])
@pytest.mark.parametrize("by_products", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize(("before", "keep", "rest"), _SHAPES)
def test_each_token_sees_what_stands_before_it(
    monkeypatch, before, keep, rest, dtype, tolerance, by_products, window
) -> None:
    monkeypatch.setattr(packed_attention, "products_outrun_attention", lambda: by_products)
    torch.manual_seed(before)
    state = State(*(heads(_WITH_KEYS, before).to(dtype) for _ in range(2)))
    states = (state,) if before else ()
    stretches = [
        Stretch([0] * 5),
        Stretch([0] * (keep + rest), states, keep=keep, heads=(_READ,)),
        Stretch([0] * 2, states),
    ]
    layout = Layout(stretches, 1, stops=False, multiple=16)
    own = layout.rows(1)
    queries = heads(_HEADS, layout.length).to(dtype)
    keys, values = (heads(_WITH_KEYS, layout.length).to(dtype) for _ in range(2))

    attention = PackedAttention(stretches, layout, 1, "cpu")
    found = attention(0, queries, keys, values, None, window)

    whole = State(*(torch.cat([was[0], one[0, :, own]], dim=1) for was, one in zip(state, (keys, values), strict=True)))
    weights = attention_weights(queries[0, :, own], whole.keys, window)
    of_heads = whole.values.float().repeat_interleave(_HEADS // _WITH_KEYS, dim=0)
    expected = (weights @ of_heads).transpose(0, 1)
    torch.testing.assert_close(found[0, own].float(), expected, atol=tolerance, rtol=0)
    read = torch.from_numpy(attention.attended(1))
    torch.testing.assert_close(read[0], weights[_READ.head, keep:, : before + keep].mean(0), atol=tolerance, rtol=0)


@pytest.mark.parametrize("by_products", [False, True])
@pytest.mark.parametrize(("before", "keep", "rest"), [(0, 90, 20), (60, 0, 20), (60, 0, 80), (0, 0, 80)])
def test_values_may_be_of_another_width_than_keys(monkeypatch, before, keep, rest, by_products) -> None:
    monkeypatch.setattr(packed_attention, "products_outrun_attention", lambda: by_products)
    half = _WIDTH // 2
    states = (State(*(heads(_WITH_KEYS, before).bfloat16() for _ in range(2))),) if before else ()
    halved = tuple(State(state.keys, state.values[..., :half].contiguous()) for state in states)
    queries = heads(_HEADS, keep + rest).bfloat16()
    keys, values = (heads(_WITH_KEYS, keep + rest).bfloat16() for _ in range(2))
    whole = attended([Stretch([0] * (keep + rest), states, keep=keep)], queries, keys, values)
    found = attended([Stretch([0] * (keep + rest), halved, keep=keep)], queries, keys, values[..., :half])
    torch.testing.assert_close(found, whole[..., :half], atol=0.05, rtol=0)


def test_what_is_kept_after_a_state_is_not_computed_past_its_layers() -> None:
    state = State(torch.randn(2, _WITH_KEYS, 9, _WIDTH), torch.randn(2, _WITH_KEYS, 9, _WIDTH))
    attention = attention_of([Stretch([0] * 30, (state,), keep=20, layers=1)], 2, stops=True)
    first, second = (attention(layer, heads(_HEADS, 30), *(heads(_WITH_KEYS, 30),) * 2, None, None) for layer in (0, 1))
    assert first.any(dim=-1).all()
    assert not second[0, :20].any() and second[0, 20:].any(dim=-1).all()


def attention_of(stretches: Sequence[Stretch], layers: int = 1, *, stops: bool = False) -> PackedAttention:
    return PackedAttention(stretches, Layout(stretches, layers, stops=stops, multiple=1), layers, "cpu")


def attended(stretches: Sequence[Stretch], *own: torch.Tensor) -> torch.Tensor:
    return attention_of(stretches)(0, *own, None, None)


@pytest.mark.parametrize(("with_queries", "with_keys"), [(6, 2), (2, 2), (4, 1)])
@pytest.mark.parametrize(
    ("before", "tokens"), [(0, 70), (0, 96), (0, 128), (0, 1_000), (0, 1_024), (90, 128), (700, 300)]
)
def test_by_products_a_text_has_the_same_bits_whatever_shares_the_pass(
    monkeypatch, before, tokens, with_queries, with_keys
) -> None:
    monkeypatch.setattr(packed_attention, "products_outrun_attention", lambda: True)

    def made(number: int) -> list[torch.Tensor]:
        return [heads(of, number).bfloat16() for of in (with_queries, with_keys, with_keys)]

    state = State(*(heads(with_keys, before).bfloat16() for _ in range(2)))
    text = Stretch([0] * tokens, (state,) if before else ())
    own, others = made(tokens), made(110)
    pairs = zip(own, others, strict=True)
    together = [torch.cat([other[:, :, :100], one, other[:, :, 100:]], dim=2) for one, other in pairs]
    found = attended([Stretch([0] * 100), text, Stretch([0] * 10)], *together)
    assert torch.equal(found[:, 100:-10], attended([text], *own))


@pytest.mark.parametrize("window", [None, 60])
@pytest.mark.parametrize(("with_queries", "with_keys"), [(6, 2), (2, 2), (4, 1)])
@pytest.mark.parametrize("texts", [2, 5, 8, 11])
def test_by_products_few_tokens_after_each_of_many_texts_have_the_bits_of_one(
    monkeypatch, texts, with_queries, with_keys, window
) -> None:
    monkeypatch.setattr(packed_attention, "products_outrun_attention", lambda: True)
    states = [State(*(heads(with_keys, 70 + text).bfloat16() for _ in range(2))) for text in range(texts)]
    stretches = [Stretch([0] * 13, (state,), heads=(Head(0, 1),)) for state in states]
    own = [heads(of, 13 * texts).bfloat16() for of in (with_queries, with_keys, with_keys)]
    attention = attention_of(stretches)
    found = attention(0, *own, None, window)
    for number, stretch in enumerate(stretches):
        here = slice(13 * number, 13 * number + 13)
        alone = attention_of([stretch])
        assert torch.equal(found[:, here], alone(0, *(one[:, :, here] for one in own), None, window))
        assert (attention.attended(number) == alone.attended(0)).all()


def test_few_tokens_have_few_shapes_of_bounded_size(monkeypatch) -> None:
    monkeypatch.setattr(packed_attention, "products_outrun_attention", lambda: True)
    shapes: set[tuple[int, ...]] = set()
    product = torch.bmm

    def noting(rows: torch.Tensor, columns: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        shapes.add((len(rows), rows.shape[1], max(rows.shape[2], columns.shape[2])))
        return product(rows, columns, out=out)

    monkeypatch.setattr(torch, "bmm", noting)
    for tokens, before, texts in product_of(range(1, 65, 7), (40, 200, 430, 600), (1, 3, 5, 8, 9, 21)):
        state = State(*(heads(_WITH_KEYS, before).bfloat16() for _ in range(2)))
        keys = heads(_WITH_KEYS, tokens * texts).bfloat16()
        attended([Stretch([0] * tokens, (state,))] * texts, heads(_HEADS, tokens * texts).bfloat16(), keys, keys)
    parts, rows, keys = (set(some) for some in zip(*shapes, strict=True))
    assert parts == {_WITH_KEYS * texts for texts in (1, 3, 6, 8)}
    assert rows <= set(range(16, 193, 16))
    assert keys <= set(range(128, 513, 128))


def test_products_are_of_few_shapes_and_bounded_size(monkeypatch) -> None:
    shapes: set[tuple[int, int]] = set()

    def noting(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        shapes.add((rows.shape[1], max(rows.shape[2], columns.shape[2])))  # as logits, and as weights
        return rows.new_zeros((1, 1, 1)).expand(rows.shape[0], rows.shape[1], columns.shape[2]).clone()

    monkeypatch.setattr(torch, "bmm", noting)
    monkeypatch.setattr(torch.Tensor, "softmax", lambda logits, dim: logits)
    after = [*((before, 65 + before % 90) for before in range(1, 4_000, 61)), (2_000, 1_500)]
    for before, tokens in [*after, *((0, tokens) for tokens in range(65, 4_096, 13))]:
        keys = torch.zeros(1, _WITH_KEYS, 1, 1, dtype=torch.bfloat16).expand(-1, -1, before + tokens, _WIDTH)
        queries = torch.zeros(1, _HEADS, 1, 1, dtype=torch.bfloat16).expand(-1, -1, tokens, _WIDTH)
        found = attention_by_products(queries, keys, keys)
        assert found.shape == queries.shape
    sharing = _HEADS // _WITH_KEYS
    assert all(rows % (sharing * 32) == keys % 32 == 0 for rows, keys in shapes)
    assert 5 < len(shapes) < 160
    assert max(rows * keys for rows, keys in shapes) < 1.3 * 2**19


def test_a_state_has_all_layers_of_the_model() -> None:
    attention = attention_of([Stretch([0] * 3, keep=2), Stretch([0] * 4)], 2)
    keys, values = heads(_WITH_KEYS, 7), heads(_WITH_KEYS, 7)
    attention(0, heads(_HEADS, 7), keys, values, None, None)
    with pytest.raises(RuntimeError, match="only 1 of 2 layers attend"):
        attention.state(0)
    attention(1, heads(_HEADS, 7), values, keys, None, None)
    state = attention.state(0)
    assert torch.equal(state.keys, torch.stack([keys[0, :, :2], values[0, :, :2]]))
    assert torch.equal(state.values, torch.stack([values[0, :, :2], keys[0, :, :2]]))
    assert attention.state(1) is None
