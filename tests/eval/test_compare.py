"""What got better and worse between two runs, and which of it is more than allowed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import measurement, of_each, run

from tersely import InvalidInputError
from tersely_eval.report import Comparison, compare_runs, parse_max_drops
from tersely_eval.report.changes import Change


def change(comparison: Comparison, measure: str) -> Change:
    (result,) = [entry for entry in comparison.changes if entry.measure == measure]
    return result


def texts(comparison: Comparison) -> list[str]:
    return [breach.text.removeprefix("hotpot, evidence at 0.5: ") for breach in comparison.breaches]


@pytest.mark.parametrize(
    "measure",
    [
        *("answer_kept", "support_kept", "gold_found", "recall"),
        *("exact_match", "f1", "answer_log_probability", "units_whole"),
    ],
)
def test_higher_is_better(measure) -> None:
    low, high = of_each(**{measure: [0] * 20 + [1] * 20}), of_each(**{measure: [0] * 5 + [1] * 35})
    result = change(compare_runs(low, high), measure)
    assert (result.before, result.after, result.pairs) == (0.5, 0.875, 40)
    assert result.difference == pytest.approx(0.375)
    assert result.low is not None and 0.2 < result.low < 0.375 < result.high < 0.55
    assert result.verdict == "better"
    assert change(compare_runs(high, low), measure).verdict == "worse"
    assert change(compare_runs(low, low), measure).verdict == "same"


@pytest.mark.parametrize("measure", ["context_missing", "cut_units"])
def test_lower_is_better(measure) -> None:
    low, high = of_each(**{measure: [0] * 40}), of_each(**{measure: [0] * 20 + [1] * 20})
    assert change(compare_runs(high, low), measure).verdict == "better"
    assert change(compare_runs(low, high), measure).verdict == "worse"
    assert compare_runs(low, high, {measure: 0.5}).breaches == []
    assert texts(compare_runs(low, high, {measure: 0.25}))[0].startswith(f"{measure.replace('_', ' ')} went from 0.0")


def test_a_difference_that_may_be_chance_is_the_same() -> None:
    before, after = of_each(answer_kept=[True, True, False, True]), of_each(answer_kept=[True, False, False, True])
    result = change(compare_runs(before, after), "answer_kept")
    assert (result.difference, result.verdict) == (-0.25, "same")


def test_one_question_tells_nothing_of_others() -> None:
    result = change(compare_runs(of_each(f1=[1.0]), of_each(f1=[0.0])), "f1")
    assert (result.difference, result.low, result.high, result.verdict) == (-1.0, None, None, "same")


def test_seconds_are_compared_question_by_question_whatever_one_outlier_took() -> None:
    before = of_each(seconds=[1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 1.0])
    after = of_each(seconds=[0.5, 1.0, 2.0, 0.5, 1.1, 2.1, 900.0])
    result = change(compare_runs(before, after), "seconds")
    assert (result.before, result.after, result.difference) == (2.0, 1.1, 0.5)
    assert result.verdict == "same", "seven questions, one of them slower"
    result = change(compare_runs(of_each(seconds=[1.0] * 9), of_each(seconds=[1.5] * 9)), "seconds")
    assert (result.difference, result.low, result.verdict) == (1.5, 1.5, "worse")
    few = change(compare_runs(of_each(seconds=[1.0] * 5), of_each(seconds=[1.5] * 5)), "seconds")
    assert (few.difference, few.low, few.verdict) == (1.5, None, "same")
    assert "seconds" not in {
        entry.measure for entry in compare_runs(of_each(seconds=[0.0]), of_each(seconds=[1.0])).changes
    }


def test_more_or_less_delivered_is_neither_better_nor_worse() -> None:
    result = change(compare_runs(of_each(tokens=[50] * 9), of_each(tokens=[45] * 9)), "delivered_rate")
    assert (result.before, result.after, result.verdict) == (0.5, pytest.approx(0.45), "changed")


def test_broken_promises_are_counted_and_always_a_breach() -> None:
    before = of_each(tokens=[50, 50, 50], broken_words=[0, 1, 0], error=[None] * 3)
    after = run(
        measurement(0, tokens=52, broken_words=1),
        measurement(1, tokens=51, broken_words=1),
        measurement(2, error="RuntimeError: no luck"),
    )
    comparison = compare_runs(before, after)
    assert change(comparison, "tokens_above_budget").after == 3
    assert (change(comparison, "broken_words").before, change(comparison, "broken_words").after) == (1, 2)
    assert change(comparison, "failures").pairs == 3 and change(comparison, "broken_words").pairs == 2
    assert texts(comparison) == [
        "tokens above budget went from 0 to 3; none more than before is allowed",
        "broken words went from 1 to 2; none more than before is allowed",
        "failures went from 0 to 1; none more than before is allowed",
    ]
    assert compare_runs(after, before).breaches == []
    assert change(compare_runs(after, before), "broken_words").verdict == "better"


@pytest.mark.parametrize(
    ("max_drops", "expected"),
    [
        ({}, []),
        ({"answer_kept": 0.1}, []),
        ({"answer_kept": 0.09}, ["answer kept went from 1.000 to 0.900, worse by 0.100; 0.09 is allowed"]),
        ({"answer_kept": 0}, ["answer kept went from 1.000 to 0.900, worse by 0.100; 0 is allowed"]),
        ({"f1": 0}, []),
        ({"seconds": 0.2}, []),
        ({"seconds": 0.1}, ["seconds went from 1.000 to 1.200, 1.20 times as much; 1.1 times is allowed"]),
    ],
)
def test_a_breach_is_what_drops_by_more_than_allowed(max_drops, expected) -> None:
    before = of_each(answer_kept=[True] * 10, f1=[0.5] * 10, seconds=[1.0] * 10)
    after = of_each(answer_kept=[True] * 9 + [False], f1=[0.6] * 10, seconds=[1.2] * 10)
    assert texts(compare_runs(before, after, max_drops)) == expected


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.floats(0, 1))
@settings(deadline=None)
def test_a_run_compared_with_itself_has_neither_changes_nor_breaches(kept, allowed) -> None:
    same = of_each(answer_kept=kept, seconds=[1.0] * len(kept), broken_words=[3] * len(kept), tokens=[60] * len(kept))
    comparison = compare_runs(same, same, {"answer_kept": allowed, "seconds": allowed})
    assert {entry.verdict for entry in comparison.changes} == {"same"}
    assert comparison.breaches == comparison.only_before == comparison.only_after == comparison.remarks == []


def test_only_pairs_are_compared_and_the_rest_is_listed() -> None:
    before = run(
        measurement(1, answer_kept=True),
        measurement(2, answer_kept=True),
        measurement(3, answer_kept=None),
        measurement(4, answer_kept=True),
        measurement(1, method="old", answer_kept=True),
        measurement(1, rate=0.25, answer_kept=True),
    )
    after = run(
        measurement(1, answer_kept=True),
        measurement(3, answer_kept=False),
        measurement(4, error="ValueError: no"),
        measurement(5, answer_kept=False),
        measurement(1, data_set="other", rate=0.25, answer_kept=False),
    )
    comparison = compare_runs(before, after)
    assert change(comparison, "answer_kept").pairs == 1
    assert [tuple(entry.model_dump().values()) for entry in comparison.only_before] == [
        ("hotpot", "evidence", 0.5, ["2"]),
        ("hotpot", "old", 0.5, ["1"]),
        ("hotpot", "evidence", 0.25, ["1"]),
    ]
    assert [tuple(entry.model_dump().values()) for entry in comparison.only_after] == [
        ("hotpot", "evidence", 0.5, ["5"]),
        ("other", "evidence", 0.25, ["1"]),
    ]


def test_each_data_set_method_and_rate_stands_for_itself_and_the_later_of_two_measurements_counts() -> None:
    cases = [{"data_set": "a"}, {"data_set": "b"}, {"method": "m"}, {"rate": 0.25}]
    before = run(*(measurement(answer_kept=True, **case) for case in cases))
    after = run(*(measurement(answer_kept=False, **case) for case in cases), measurement(answer_kept=True, **cases[0]))
    result = [entry for entry in compare_runs(before, after).changes if entry.measure == "answer_kept"]
    assert [(entry.data_set, entry.method, entry.rate, entry.after) for entry in result] == [
        ("a", "evidence", 0.5, 1),
        ("b", "evidence", 0.5, 0),
        ("hotpot", "m", 0.5, 0),
        ("hotpot", "evidence", 0.25, 0),
    ]


def test_what_else_differs_between_the_runs_is_said() -> None:
    before = run(measurement(1), measurement(2))
    after = run(measurement(1, original_tokens=90), measurement(2), tokenizer="cl100k_base", reader="an LLM")
    assert compare_runs(before, after).remarks == [
        "another tokenizer: o200k_base before, cl100k_base after",
        "another reader: None before, an LLM after",
        "other documents or another count of their tokens in 1 of 2 pairs",
    ]


@pytest.mark.parametrize(
    ("max_drops", "message"),
    [
        ({"answers": 0.1}, "'answers' is not among answer_kept, support_kept, gold_found, recall, exact_match, f1, "),
        ({"broken_words": 1}, "'broken_words' is not among .* broken words, failures than before are always too many"),
        ({"delivered_rate": 0.1}, "'delivered_rate' is not among"),
        ({"answer_kept": -0.1}, "answer_kept may drop by a number from 0 on, got -0.1"),
        ({"answer_kept": float("nan")}, "from 0 on, got nan"),
        ({"f1": 0.1}, "f1 was not measured in both runs; there are answer_kept$"),
    ],
)
def test_a_threshold_that_would_watch_nothing_is_refused(max_drops, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        compare_runs(of_each(answer_kept=[True], f1=[1.0]), of_each(answer_kept=[True]), max_drops)


def test_runs_with_nothing_in_common_are_refused() -> None:
    with pytest.raises(
        InvalidInputError, match=r"nothing in common: before is of hotpot/evidence/0.5, after of hotpot/evidence/0.25"
    ):
        compare_runs(run(measurement()), run(measurement(rate=0.25)))
    with pytest.raises(InvalidInputError, match=r"before is of nothing, after of hotpot/evidence/0.5"):
        compare_runs(run(), run(measurement()))


def test_thresholds_on_a_command_line() -> None:
    assert parse_max_drops(["answer_kept=0.02", " seconds = 0.5"]) == {"answer_kept": 0.02, "seconds": 0.5}
    for options, message in [
        (["answer_kept"], "--max-drop 'answer_kept' must be a measure and a number, such as answer_kept=0.02"),
        (["answer_kept=2%"], "must be a measure and a number"),
        (["f1=0.1", "f1=0.2"], "--max-drop f1 is given twice: 0.1 and 0.2"),
        (["=0.1"], "'' is not among"),
    ]:
        with pytest.raises(InvalidInputError) as caught:
            parse_max_drops(options)
        assert message in str(caught.value)
