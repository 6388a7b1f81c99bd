"""Intervals: of known cases, of cases in which resampling finds nothing, and of pairs."""

from __future__ import annotations

import math
import random
import warnings

import pytest

from tersely import InvalidInputError
from tersely_eval.measure.intervals import Interval, difference_interval, mean_interval


def test_the_interval_is_about_that_of_the_normal_distribution() -> None:
    chance = random.Random(0)
    values = [chance.gauss(10, 2) for _ in range(400)]
    mean, low, high = mean_interval(values)
    assert mean == pytest.approx(sum(values) / 400)
    half = 1.96 * 2 / math.sqrt(400)
    assert mean - low == pytest.approx(half, rel=0.15) and high - mean == pytest.approx(half, rel=0.15)


def test_more_confidence_is_a_wider_interval() -> None:
    values = [True] * 30 + [False] * 20
    wide, narrow = mean_interval(values, 0.99), mean_interval(values, 0.8)
    assert wide.low < narrow.low < 0.6 < narrow.high < wide.high


def test_the_same_values_have_the_same_interval() -> None:
    values = [0.1, 0.5, 0.9, 0.2, 0.3]
    assert mean_interval(values) == mean_interval(values)


@pytest.mark.parametrize(
    ("values", "mean"), [([0.3], 0.3), ([True] * 50, 1.0), ([False, False], 0.0), ([2, 2, 2], 2.0)]
)
def test_where_all_are_equal_there_is_no_width_and_no_warning(values, mean) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mean_interval(values) == Interval(mean, mean, mean)


@pytest.mark.parametrize("values", [[True, False], [1.0, 0.0, 0.0], [0.3, 0.1 + 0.2, 0.3], [1e-320, 0.0]])
def test_few_values_make_no_warning_and_the_mean_lies_within(values) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean, low, high = mean_interval(values)
    assert min(values) <= low <= mean <= high <= max(values) or high - low < 1e-15


def test_many_values_are_resampled_in_parts() -> None:
    mean, low, high = mean_interval([0.0, 1.0] * 1_500)
    assert mean == 0.5 and 0.48 < low < 0.49 and 0.51 < high < 0.52


@pytest.mark.parametrize(
    ("values", "confidence", "said"),
    [([], 0.95, "there are none"), ([1.0, math.nan], 0.95, "finite"), ([1.0], 1.0, "between 0 and 1, got 1")],
)
def test_what_has_no_interval_is_refused(values, confidence, said) -> None:
    with pytest.raises(InvalidInputError, match=said):
        mean_interval(values, confidence)


def test_pairs_are_surer_than_their_halves() -> None:
    chance = random.Random(0)
    before = [chance.gauss(0, 10) for _ in range(100)]
    after = [value + chance.gauss(1, 0.5) for value in before]
    mean, low, high = difference_interval(before, after)
    assert 0.8 < low < mean < high < 1.2
    assert mean_interval(after).low < 0 < mean_interval(after).high


def test_the_difference_is_after_minus_before() -> None:
    assert difference_interval([False, False], [True, True]) == Interval(1.0, 1.0, 1.0)


def test_pairs_need_two_of_each() -> None:
    with pytest.raises(InvalidInputError, match="got 2 before and 1 after"):
        difference_interval([1.0, 2.0], [1.0])
