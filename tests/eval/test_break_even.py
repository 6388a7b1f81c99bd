"""The window in which compression saves time: against times that were made up, so that the answer is known."""

from __future__ import annotations

import random

import pytest

from tersely_eval.measure.measurement import Measurement
from tersely_eval.report.break_even import LLM_SPEEDS, BreakEven, NoBreakEven, break_even


def measurements(start: float, speed: float, rate: float = 0.25, lengths=range(1000, 3000, 100), noise: float = 0.0):
    chance = random.Random(0)
    return [
        Measurement(
            data_set="set",
            question=str(length),
            method="m",
            rate=rate,
            original_tokens=length,
            target_tokens=int(length * rate),
            tokens=int(length * rate),
            seconds=(start + length / speed) * (1 + chance.uniform(-noise, noise)),
        )
        for length in lengths
    ]


def found(*arguments, **keywords) -> BreakEven:
    result = break_even(measurements(*arguments, **keywords))
    assert isinstance(result, BreakEven)
    return result


def test_the_line_behind_the_times_is_found() -> None:
    result = found(0.5, 2000)
    assert (result.start, result.tokens_per_second) == (pytest.approx(0.5), pytest.approx(2000))
    assert result.rate == pytest.approx(0.25)
    assert (result.shortest, result.longest) == (1000, 2900)


def test_the_window_worked_out_by_hand() -> None:
    result = BreakEven(start=0.5, tokens_per_second=2000, rate=0.25, shortest=1000, longest=3000)
    assert result.fastest_llm == 1500
    # At 500 tokens/s each token saves 0.75 / 500 - 1 / 2000 = 0.001 s, and 0.5 s must come in.
    assert result.least_prompt(500) == 501
    assert result.least_prompt(1000) == 2001
    assert result.least_prompt(1500) is None
    assert result.least_prompt(10_000) is None


@pytest.mark.parametrize("speed", LLM_SPEEDS)
def test_the_least_prompt_is_the_first_that_is_faster(speed) -> None:
    result = found(0.3171, 9000, rate=0.5)
    least = result.least_prompt(speed)

    def saves(tokens: int) -> bool:
        first = result.start + tokens / result.tokens_per_second
        return first + tokens * result.rate / speed < tokens / speed

    if least is None:
        assert not saves(10**9)
        assert speed >= result.fastest_llm
    else:
        assert saves(least)
        assert not saves(least - 1)


def test_a_few_slow_runs_do_not_move_the_line() -> None:
    times = measurements(0.2, 2000, noise=0.02)
    slow = [measurement.model_copy(update={"seconds": 60.0}) for measurement in times[:3]]
    result = break_even([*slow, *times[3:]])
    assert isinstance(result, BreakEven)
    assert result.tokens_per_second == pytest.approx(2000, rel=0.15)


def test_a_start_below_nothing_is_nothing() -> None:
    result = found(-0.4, 1000)
    assert result.start == 0
    assert result.tokens_per_second > 1000  # as measured, all in all
    assert result.least_prompt(500) == 1


def test_failures_and_what_was_not_timed_do_not_count() -> None:
    times = measurements(0.5, 2000)
    spoilt = [measurement.model_copy(update={"error": "no", "seconds": 99.0}) for measurement in times[:5]]
    untimed = [measurement.model_copy(update={"seconds": None}) for measurement in times[5:8]]
    result = break_even([*spoilt, *untimed, *times[8:]])
    assert isinstance(result, BreakEven)
    assert result.start == pytest.approx(0.5)
    assert result.shortest == 1800


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "no time was measured"),
        (
            [measurement.model_copy(update={"error": "no"}) for measurement in measurements(1, 1000)],
            "no time was measured",
        ),
        (
            [measurement.model_copy(update={"seconds": None}) for measurement in measurements(1, 1000)],
            "no time was measured",
        ),
        (measurements(1, 1000, lengths=[1000, 1000, 1000]), "all contexts have the same length"),
        (measurements(1, 1000, lengths=[1000]), "all contexts have the same length"),
        (measurements(1, 1000, rate=1.0), "nothing was left out"),
        (measurements(5, -1000), "longer contexts took no longer"),
        (measurements(5, float("inf")), "longer contexts took no longer"),
    ],
)
def test_where_there_is_no_window_the_reason_is_given(given, reason) -> None:
    assert break_even(given) == NoBreakEven(reason)
