"""Where tokens stand in a pass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tersely.scoring.layout import Layout
from tersely.scoring.stretches import Stretch

LAYERS = 6


@st.composite
def stretches(draw: st.DrawFn) -> Stretch:
    tokens, keep = draw(st.integers(1, 40)), draw(st.integers(0, 40))
    return Stretch([0] * tokens, keep=min(tokens, keep), layers=draw(st.none() | st.integers(1, LAYERS + 2)))


@given(some=st.lists(stretches(), min_size=1, max_size=8), multiple=st.sampled_from([1, 16]), stops=st.booleans())
def test_what_a_layer_still_changes_is_all_that_stands_from_a_place_on(some, multiple, stops) -> None:
    layout = Layout(some, LAYERS, stops=stops, multiple=multiple)
    rows = [layout.rows(number) for number in range(len(some))]
    assert [len(its_rows) for its_rows in rows] == [len(stretch.tokens) for stretch in some]
    taken = sorted(row for its_rows in rows for row in its_rows)
    assert len(set(taken)) == len(taken) and taken[-1] < layout.length
    assert layout.length % multiple == 0
    assert layout.length < len(taken) + multiple * (1 + len({until for until in layout.until}))
    first = 0
    for layer in range(LAYERS):
        first = layout.going_on.get(layer, first)
        assert first % multiple == 0
        changed = set(range(first, layout.length))
        for stretch, until, its_rows in zip(some, layout.until, rows, strict=True):
            still = its_rows[stretch.keep :] if layer >= until else its_rows
            assert set(still) <= changed
            assert not changed & (set(its_rows) - set(still))
    assert max((row for kept in layout.kept for row in kept), default=-1) == layout.kept_length - 1


def test_without_stops_nothing_of_the_pass_is_left_as_it_is() -> None:
    layout = Layout([Stretch([0] * 5, keep=3, layers=2)], LAYERS, stops=False, multiple=1)
    assert layout.going_on == {}
    assert layout.rows(0) == [0, 1, 2, 3, 4]
