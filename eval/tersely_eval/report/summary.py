"""What each method did at each rate, over all questions of a data set. Nothing is measured or shown here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tersely_eval.measure import Interval, Measurement, mean_interval


class Summary(NamedTuple):
    """One method at one rate.

    Attributes:
        method, rate: of what.
        measured: the questions where the method did not fail.
        errors: why it failed, once for each other question.
        answer_kept: the share of questions whose answer is kept; None where strings can tell for none.
    """

    method: str
    rate: float
    measured: list[Measurement]
    errors: list[str]
    answer_kept: Interval | None

    @property
    def delivered(self) -> list[float]:
        """The rate delivered, compressed/original, for each question measured."""
        return [delivered_rate(measurement) for measurement in self.measured]

    @property
    def above_budget(self) -> list[float]:
        """The rate delivered, for each question above its budget."""
        return [
            delivered_rate(measurement)
            for measurement in self.measured
            if measurement.tokens > measurement.target_tokens
        ]


def delivered_rate(measurement: Measurement) -> float:
    """Tokens delivered / original tokens; 0 where there were none to begin with."""
    return measurement.tokens / measurement.original_tokens if measurement.original_tokens else 0.0


def summarise(measurements: Sequence[Measurement]) -> list[Summary]:
    """One summary for each rate, from the highest down, and each method in the order of its first measurement."""
    methods = list(dict.fromkeys(measurement.method for measurement in measurements))
    rates = sorted({measurement.rate for measurement in measurements}, reverse=True)
    summaries = [_summary(method, rate, measurements) for rate in rates for method in methods]
    return [summary for summary in summaries if summary.measured or summary.errors]


def _summary(method: str, rate: float, measurements: Sequence[Measurement]) -> Summary:
    attempts = [
        measurement for measurement in measurements if measurement.method == method and measurement.rate == rate
    ]
    measured = [measurement for measurement in attempts if measurement.error is None]
    answers = [measurement.answer_kept for measurement in measured if measurement.answer_kept is not None]
    return Summary(
        method,
        rate,
        measured,
        [measurement.error for measurement in attempts if measurement.error is not None],
        mean_interval(answers) if answers else None,
    )
