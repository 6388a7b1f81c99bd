"""Intervals hold what they should about as often as they say, and odd values do no harm."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tersely import InvalidInputError
from tersely_eval.intervals import Interval, difference_interval, mean_interval


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_the_interval_of_a_share_is_that_of_the_textbook() -> None:
    values = [1.0] * 120 + [0.0] * 30
    interval = mean_interval(values)
    error = 1.96 * (0.8 * 0.2 / 150) ** 0.5
    assert interval.mean == pytest.approx(0.8)
    assert interval.low == pytest.approx(0.8 - error, abs=0.01)
    assert interval.high == pytest.approx(0.8 + error, abs=0.01)
    assert mean_interval(values) == interval, "the same in every run"
    narrower = mean_interval(values, confidence=0.5)
    assert interval.low < narrower.low < narrower.high < interval.high


def test_the_true_mean_is_inside_about_as_often_as_promised() -> None:
    random = np.random.default_rng(7)
    inside = [low <= 0.3 <= high for _, low, high in (mean_interval(random.random(60) < 0.3) for _ in range(100))]
    assert 88 <= sum(inside) <= 100


@pytest.mark.parametrize("values", [[0.1], [0.1] * 7, [True, True], [-3]])
def test_equal_values_and_one_value_are_their_own_bounds(values) -> None:
    assert mean_interval(values) == Interval(*[float(values[0])] * 3)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_bounds_are_in_order_and_among_the_values(values) -> None:
    mean, low, high = mean_interval(values)
    slack = 1e-9 * max(1.0, *map(abs, values))
    assert min(values) - slack <= low <= high <= max(values) + slack
    assert mean == pytest.approx(np.mean(values), abs=slack)


def test_pairs_say_more_than_their_means() -> None:
    before = [float(number) for number in range(40)]
    after = [value + 1 + number % 2 / 10 for number, value in enumerate(before)]
    mean, low, high = difference_interval(before, after)
    assert mean == pytest.approx(1.05) and 1.03 < low < high < 1.07
    assert difference_interval(after, before).mean == pytest.approx(-1.05)
    assert difference_interval(before, before) == (0.0, 0.0, 0.0)


def test_what_has_no_mean_and_what_are_no_pairs_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="there are none"):
        mean_interval([])
    with pytest.raises(InvalidInputError, match="must be pairs, got 1 and 2 values"):
        difference_interval([1.0], [1.0, 2.0])


def test_without_scipy_it_is_said_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'tersely\[eval\]'"):
        mean_interval([0.0, 1.0])
