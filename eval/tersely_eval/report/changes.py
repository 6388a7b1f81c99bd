"""Pairs of measurements -> what changed: each measure before and after, and whether chance explains the difference.

Which measurements are pairs, and how much change is too much, is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from tersely_eval.extra import eval_extra
from tersely_eval.measure import Measurement, difference_interval

Verdict = Literal["better", "worse", "same", "changed"]


class Measure(NamedTuple):
    """Something that was measured of each question, and how two runs of it are compared.

    Attributes:
        name: as thresholds call it.
        value: its figure; None where it was not measured.
        better: which way is better, or None where neither is.
        summary: over the questions: `mean`; `median`, compared by the median of after / before; or `total`, of what
            should never be, where any rise is a change for the worse.
        digits: worth showing.
    """

    name: str
    value: Callable[[Measurement], float | None]
    better: Literal["higher", "lower"] | None = "higher"
    summary: Literal["mean", "median", "total"] = "mean"
    digits: int = 3

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.replace("_", " ")

    @property
    def unchanged(self) -> float:
        """The difference where nothing changed."""
        return 1.0 if self.summary == "median" else 0.0

    @property
    def settable(self) -> bool:
        """Whether a threshold can be set for it."""
        return self.better is not None and self.summary != "total"


def _delivered(measurement: Measurement) -> float | None:
    return measurement.tokens / measurement.original_tokens if measurement.original_tokens else None


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("answer_kept", lambda measurement: measurement.answer_kept),
        Measure("support_kept", lambda measurement: measurement.support_kept),
        Measure("gold_found", lambda measurement: measurement.gold_found),
        Measure("recall", lambda measurement: measurement.recall),
        Measure("exact_match", lambda measurement: measurement.exact_match),
        Measure("f1", lambda measurement: measurement.f1),
        Measure("answer_log_probability", lambda measurement: measurement.answer_log_probability),
        Measure("units_whole", lambda measurement: measurement.units_whole),
        Measure("context_missing", lambda measurement: measurement.context_missing, "lower"),
        Measure("cut_units", lambda measurement: measurement.cut_units, "lower", digits=1),
        Measure("delivered_rate", _delivered, better=None),
        Measure(
            "tokens_above_budget",
            lambda measurement: max(0, measurement.tokens - measurement.target_tokens),
            "lower",
            "total",
            0,
        ),
        Measure("broken_words", lambda measurement: measurement.broken_words, "lower", "total", 0),
        Measure("failures", lambda measurement: measurement.error is not None, "lower", "total", 0),
        Measure("seconds", lambda measurement: measurement.seconds, "lower", "median"),
    )
}


class Group(NamedTuple):
    """What is compared as one."""

    data_set: str
    method: str
    rate: float


class Pair(NamedTuple):
    """The same, measured twice."""

    before: Measurement
    after: Measurement


class Change(BaseModel):
    """One measure of one method at one rate, before and after.

    Attributes:
        data_set, method, rate, measure: of what.
        pairs: questions that have the figure in both runs.
        before, after: the mean over these questions; of tokens above the budget, broken words and failures the total;
            of seconds the median.
        difference: after - before; of seconds the median of after / before.
        low, high: the 95% interval of the difference, had other questions of the kind been asked; None where there are
            too few pairs to tell. A total is counted, not estimated: both are its difference.
        verdict: `same` where the interval does not exclude that nothing changed. Of many figures that did not change,
            one in twenty is still called better or worse by chance. `changed` where neither way is better.
    """

    model_config = ConfigDict(frozen=True)

    data_set: str
    method: str
    rate: float
    measure: str
    pairs: int
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    verdict: Verdict

    @property
    def worse_by(self) -> float:
        """How much worse it got, below 0 where it got better; of seconds as a share (0.5: half as long again)."""
        measure = MEASURES[self.measure]
        moved = self.difference - measure.unchanged
        return moved if measure.better == "lower" else -moved


def change_of(group: Group, measure: Measure, pairs: Sequence[Pair]) -> Change | None:
    """How a measure changed; None where no pair has it.

    Raises:
        InvalidInputError: scipy is not installed.
    """
    if measure.name != "failures":
        pairs = [pair for pair in pairs if pair.before.error is None and pair.after.error is None]
    figures = [(measure.value(pair.before), measure.value(pair.after)) for pair in pairs]
    complete = [(float(before), float(after)) for before, after in figures if before is not None and after is not None]
    if measure.summary == "median":
        complete = [(before, after) for before, after in complete if before > 0]  # else there is no ratio
    if not complete:
        return None
    before, after = ([figure[side] for figure in complete] for side in (0, 1))
    summary, difference = _SUMMARIES[measure.summary]
    estimate = difference(before, after)
    return Change(
        **group._asdict(),
        measure=measure.name,
        pairs=len(complete),
        before=summary(before),
        after=summary(after),
        **estimate._asdict(),
        verdict=_verdict(measure, estimate),
    )


class _Estimate(NamedTuple):
    """A difference and its interval, without bounds where there are too few pairs to tell."""

    difference: float
    low: float | None = None
    high: float | None = None


def _mean_difference(before: Sequence[float], after: Sequence[float]) -> _Estimate:
    if len(before) < 2:  # one pair does not show how much others would differ
        return _Estimate(after[0] - before[0])
    return _Estimate(*difference_interval(before, after))


def _median_ratio(before: Sequence[float], after: Sequence[float]) -> _Estimate:
    """The median of after / before; its interval is the exact one of the sign test, which needs six pairs at least."""
    with eval_extra():
        from scipy.stats import quantile_test
    ratios = [new / old for old, new in zip(before, after, strict=True)]
    bounds = [float(bound) for bound in quantile_test(ratios, q=1, p=0.5).confidence_interval(0.95)]
    return _Estimate(median(ratios)) if any(map(math.isnan, bounds)) else _Estimate(median(ratios), *bounds)


def _total_difference(before: Sequence[float], after: Sequence[float]) -> _Estimate:
    """What should never be is counted, not estimated: its interval is the difference itself."""
    difference = math.fsum(after) - math.fsum(before)
    return _Estimate(difference, difference, difference)


_Summary = Callable[[Sequence[float]], float]
_SUMMARIES: dict[str, tuple[_Summary, Callable[[Sequence[float], Sequence[float]], _Estimate]]] = {
    "mean": (fmean, _mean_difference),
    "median": (median, _median_ratio),
    "total": (math.fsum, _total_difference),
}


def _verdict(measure: Measure, estimate: _Estimate) -> Verdict:
    low, high, unchanged = estimate.low, estimate.high, measure.unchanged
    if low is None or high is None or low <= unchanged <= high:
        return "same"
    if measure.better is None:
        return "changed"
    return "better" if (low > unchanged) == (measure.better == "higher") else "worse"
