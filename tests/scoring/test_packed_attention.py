"""Attention of a pass with several items, against the reference; and what shares a pass changes no bit of a text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
import torch

from tersely.scoring.attention import PackedAttention, choice, reference
from tersely.scoring.attention.matmul import attention_by_matmul
from tersely.scoring.layout import Layout
from tersely.scoring.pass_items import KeyValues, PassItem
from tersely.scoring.scorer import Head

_HEADS, _WITH_KEYS, _WIDTH = 6, 2, 16
_HEAD = Head(0, 4)
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


def heads(number: int, tokens: int) -> torch.Tensor:
    return torch.randn(1, number, tokens, _WIDTH)


def key_values(tokens: int, with_keys: int = _WITH_KEYS, dtype: torch.dtype = torch.bfloat16) -> KeyValues:
    return KeyValues(*(heads(with_keys, tokens).to(dtype) for _ in range(2)))


def attention_of(items: Sequence[PassItem], layers: int = 1, *, shallow: bool = False) -> PackedAttention:
    return PackedAttention(items, Layout(items, layers, shallow=shallow, multiple=1), layers, "cpu")


def attended(items: Sequence[PassItem], *tensors: torch.Tensor) -> torch.Tensor:
    return attention_of(items)(0, *tensors, None, None)


@pytest.mark.parametrize("window", [None, 90])
@pytest.mark.parametrize("fast_matmul", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize(("before", "prefix", "rest"), _SHAPES)
def test_each_token_sees_what_stands_before_it(
    monkeypatch, before, prefix, rest, dtype, tolerance, fast_matmul, window
) -> None:
    monkeypatch.setattr(choice, "matmul_outruns_attention", lambda: fast_matmul)
    torch.manual_seed(before)
    cached = key_values(before, dtype=dtype)
    texts = (cached,) if before else ()
    items = [
        PassItem([0] * 5),
        PassItem([0] * (prefix + rest), texts, prefix_length=prefix, heads=(_HEAD,)),
        PassItem([0] * 2, texts),
    ]
    layout = Layout(items, 1, shallow=False, multiple=16)
    own = layout.rows(1)
    queries = heads(_HEADS, layout.length).to(dtype)
    keys, values = (heads(_WITH_KEYS, layout.length).to(dtype) for _ in range(2))

    attention = PackedAttention(items, layout, 1, "cpu")
    output = attention(0, queries, keys, values, None, window)

    all_keys, all_values = (
        torch.cat([before_it[0], rows[0, :, own]], dim=1)
        for before_it, rows in zip(cached, (keys, values), strict=True)
    )
    scaled = queries[0, :, own].float() * _WIDTH**-0.5
    expected, weights = reference.attention(scaled, all_keys, all_values, window)
    torch.testing.assert_close(output[0, own].float(), expected.transpose(0, 1), atol=tolerance, rtol=0)
    head_weights = torch.from_numpy(attention.weights(1))[0]
    expected_weights = weights[_HEAD.head, prefix:, : before + prefix].mean(0)
    torch.testing.assert_close(head_weights, expected_weights, atol=tolerance, rtol=0)


def test_a_prefix_after_a_text_is_not_computed_past_its_layers() -> None:
    cached = KeyValues(torch.randn(2, _WITH_KEYS, 9, _WIDTH), torch.randn(2, _WITH_KEYS, 9, _WIDTH))
    attention = attention_of([PassItem([0] * 30, (cached,), prefix_length=20, layers=1)], 2, shallow=True)
    first, second = (attention(layer, heads(_HEADS, 30), *(heads(_WITH_KEYS, 30),) * 2, None, None) for layer in (0, 1))
    assert first.any(dim=-1).all()
    assert not second[0, :20].any() and second[0, 20:].any(dim=-1).all()


@pytest.mark.parametrize(("with_queries", "with_keys"), [(6, 2), (2, 2), (4, 1)])
@pytest.mark.parametrize(
    ("before", "tokens"), [(0, 70), (0, 96), (0, 128), (0, 1_000), (0, 1_024), (90, 128), (700, 300)]
)
def test_by_matmul_a_text_has_the_same_bits_whatever_shares_the_pass(
    monkeypatch, before, tokens, with_queries, with_keys
) -> None:
    monkeypatch.setattr(choice, "matmul_outruns_attention", lambda: True)

    def tensors(length: int) -> list[torch.Tensor]:
        return [heads(number, length).bfloat16() for number in (with_queries, with_keys, with_keys)]

    text = PassItem([0] * tokens, (key_values(before, with_keys),) if before else ())
    own, neighbours = tensors(tokens), tensors(110)
    together = [
        torch.cat([neighbour[:, :, :100], rows, neighbour[:, :, 100:]], dim=2)
        for rows, neighbour in zip(own, neighbours, strict=True)
    ]
    output = attended([PassItem([0] * 100), text, PassItem([0] * 10)], *together)
    assert torch.equal(output[:, 100:-10], attended([text], *own))


@pytest.mark.parametrize("window", [None, 60])
@pytest.mark.parametrize(("with_queries", "with_keys"), [(6, 2), (2, 2), (4, 1)])
@pytest.mark.parametrize("texts", [2, 5, 8, 11])
def test_by_matmul_few_tokens_after_each_of_many_texts_have_the_bits_of_a_single_text(
    monkeypatch, texts, with_queries, with_keys, window
) -> None:
    monkeypatch.setattr(choice, "matmul_outruns_attention", lambda: True)
    items = [PassItem([0] * 13, (key_values(70 + number, with_keys),), heads=(Head(0, 1),)) for number in range(texts)]
    own = [heads(number, 13 * texts).bfloat16() for number in (with_queries, with_keys, with_keys)]
    attention = attention_of(items)
    output = attention(0, *own, None, window)
    for number, item in enumerate(items):
        rows = slice(13 * number, 13 * number + 13)
        alone = attention_of([item])
        assert torch.equal(output[:, rows], alone(0, *(tensor[:, :, rows] for tensor in own), None, window))
        assert (attention.weights(number) == alone.weights(0)).all()


def test_few_tokens_have_few_shapes_of_bounded_size(monkeypatch) -> None:
    monkeypatch.setattr(choice, "matmul_outruns_attention", lambda: True)
    shapes: set[tuple[int, ...]] = set()
    bmm = torch.bmm

    def recording(rows: torch.Tensor, columns: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        shapes.add((len(rows), rows.shape[1], max(rows.shape[2], columns.shape[2])))
        return bmm(rows, columns, out=out)

    monkeypatch.setattr(torch, "bmm", recording)
    for tokens, before, texts in product(range(1, 65, 7), (40, 200, 430, 600), (1, 3, 5, 8, 9, 21)):
        keys = heads(_WITH_KEYS, tokens * texts).bfloat16()
        items = [PassItem([0] * tokens, (key_values(before),))] * texts
        attended(items, heads(_HEADS, tokens * texts).bfloat16(), keys, keys)
    batches, rows, keys = (set(sizes) for sizes in zip(*shapes, strict=True))
    assert batches == {_WITH_KEYS * texts for texts in (1, 3, 6, 8)}
    assert rows <= set(range(16, 193, 16))
    assert keys <= set(range(128, 513, 128))


def test_matmuls_are_of_few_shapes_and_bounded_size(monkeypatch) -> None:
    shapes: set[tuple[int, int]] = set()

    def recording(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        shapes.add((rows.shape[1], max(rows.shape[2], columns.shape[2])))  # of the logits, and of the weights
        return rows.new_zeros((1, 1, 1)).expand(rows.shape[0], rows.shape[1], columns.shape[2]).clone()

    monkeypatch.setattr(torch, "bmm", recording)
    monkeypatch.setattr(torch.Tensor, "softmax", lambda logits, dim: logits)
    after = [*((before, 65 + before % 90) for before in range(1, 4_000, 61)), (2_000, 1_500)]
    for before, tokens in [*after, *((0, tokens) for tokens in range(65, 4_096, 13))]:
        keys = torch.zeros(1, _WITH_KEYS, 1, 1, dtype=torch.bfloat16).expand(-1, -1, before + tokens, _WIDTH)
        queries = torch.zeros(1, _HEADS, 1, 1, dtype=torch.bfloat16).expand(-1, -1, tokens, _WIDTH)
        assert attention_by_matmul(queries, keys, keys).shape == queries.shape
    heads_per_key = _HEADS // _WITH_KEYS
    assert all(rows % (heads_per_key * 32) == keys % 32 == 0 for rows, keys in shapes)
    assert 5 < len(shapes) < 160
    assert max(rows * keys for rows, keys in shapes) < 1.3 * 2**19


def test_keys_and_values_are_of_all_layers_of_the_model() -> None:
    attention = attention_of([PassItem([0] * 3, prefix_length=2), PassItem([0] * 4)], 2)
    keys, values = heads(_WITH_KEYS, 7), heads(_WITH_KEYS, 7)
    attention(0, heads(_HEADS, 7), keys, values, None, None)
    with pytest.raises(RuntimeError, match="only 1 of 2 layers attend"):
        attention.key_values(0)
    attention(1, heads(_HEADS, 7), values, keys, None, None)
    prefix = attention.key_values(0)
    assert torch.equal(prefix.keys, torch.stack([keys[0, :, :2], values[0, :, :2]]))
    assert torch.equal(prefix.values, torch.stack([values[0, :, :2], keys[0, :, :2]]))
    assert attention.key_values(1) is None
