"""Where tokens stand in a pass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tersely.scoring.layout import Layout
from tersely.scoring.pass_items import PassItem

LAYERS = 6


@st.composite
def pass_items(draw: st.DrawFn) -> PassItem:
    tokens, prefix = draw(st.integers(1, 40)), draw(st.integers(0, 40))
    layers = draw(st.none() | st.integers(1, LAYERS + 2))
    return PassItem([0] * tokens, prefix_length=min(tokens, prefix), layers=layers)


@given(items=st.lists(pass_items(), min_size=1, max_size=8), multiple=st.sampled_from([1, 16]), shallow=st.booleans())
def test_what_a_layer_still_computes_is_all_that_stands_from_a_place_on(items, multiple, shallow) -> None:
    layout = Layout(items, LAYERS, shallow=shallow, multiple=multiple)
    rows = [layout.rows(number) for number in range(len(items))]
    assert [len(item_rows) for item_rows in rows] == [len(item.tokens) for item in items]
    taken = sorted(row for item_rows in rows for row in item_rows)
    assert len(set(taken)) == len(taken) and taken[-1] < layout.length
    assert layout.length % multiple == 0
    assert layout.length < len(taken) + multiple * (1 + len({until for until in layout.until}))
    first = 0
    for layer in range(LAYERS):
        first = layout.active_from.get(layer, first)
        assert first % multiple == 0
        computed = set(range(first, layout.length))
        for item, until, item_rows in zip(items, layout.until, rows, strict=True):
            active = item_rows[item.prefix_length :] if layer >= until else item_rows
            assert set(active) <= computed
            assert not computed & (set(item_rows) - set(active))
    assert max((row for prefix in layout.prefix for row in prefix), default=-1) == layout.prefix_end - 1


def test_a_decoder_that_does_not_support_shallow_computes_all_of_the_pass() -> None:
    layout = Layout([PassItem([0] * 5, prefix_length=3, layers=2)], LAYERS, shallow=False, multiple=1)
    assert layout.active_from == {}
    assert layout.rows(0) == [0, 1, 2, 3, 4]
