"""All data sets, methods and rates side by side, as Markdown: a summary, then everything of each set.

The quality of a set is the answers kept, or the marked evidence kept where no strings tell the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from tersely_eval.measure import Interval, Measurement, mean_interval
from tersely_eval.report.summary import delivered_rate
from tersely_eval.report.tables import markdown_table

_NOTHING = "–"
_LONGEST_ERROR = 100
# A text's kind by how the names of its data sets begin; a set of another name is a kind of its own.
_KINDS = {
    "hotpot": "prose, two documents needed",
    "nq20": "prose",
    "xquad-en": "prose",
    "xquad-de": "prose",
    "python-reference": "technical prose",
    "tatqa": "reports with tables",
    "multispan": "lists of answers",
    "clapnq": "long answers",
    "qmsum": "meetings",
    "logdx": "logs",
    "xquad-zh": "Chinese",
    "rgb-zh": "Chinese",
    "xquad-ar": "Arabic",
}


class Cell(NamedTuple):
    """One method on one data set at one rate.

    Attributes:
        quality: mean and 95% interval; None where nothing could be told.
        measured: the questions where the method did not fail.
        errors: why it failed, once for each other question.
    """

    quality: Interval | None
    measured: list[Measurement]
    errors: list[str]


# Data set, method, rate -> what was measured.
Cells = dict[tuple[str, str, float], Cell]


def kind_of(data_set: str) -> str:
    """What kind of text a data set has, by its name."""
    return next((kind for name, kind in _KINDS.items() if data_set.startswith(name)), data_set)


def with_quality(measurements: Sequence[Measurement]) -> list[tuple[Measurement, float | None]]:
    """Each measurement with its quality, from 0 to 1; None where nothing can be told."""
    by_answers = {measurement.data_set for measurement in measurements if measurement.answer_kept is not None}
    return [
        (measurement, measurement.answer_kept if measurement.data_set in by_answers else measurement.support_kept)
        for measurement in measurements
    ]


def overview_cells(measurements: Sequence[Measurement]) -> Cells:
    """What was measured, by data set, method and rate."""
    groups: dict[tuple[str, str, float], list[tuple[Measurement, float | None]]] = {}
    for measurement, quality in with_quality(measurements):
        key = measurement.data_set, measurement.method, measurement.rate
        groups.setdefault(key, []).append((measurement, quality))
    cells = {}
    for key, group in groups.items():
        qualities = [quality for measurement, quality in group if measurement.error is None and quality is not None]
        cells[key] = Cell(
            mean_interval(qualities) if qualities else None,
            [measurement for measurement, _ in group if measurement.error is None],
            [measurement.error for measurement, _ in group if measurement.error is not None],
        )
    return cells


def summary_table(cells: Cells) -> str:
    """Methods by data sets: quality at each rate, and the mean over the sets where a method has them all."""
    data_sets, methods, rates = _names(cells)

    def row(method: str) -> list[str]:
        qualities = [[_quality_mean(cells, name, method, rate) for rate in rates] for name in data_sets]
        means = [mean_quality(cells, method, rate) for rate in rates]
        return [f"`{method}`", *(" / ".join(map(_number_or_nothing, values)) for values in (*qualities, means))]

    return markdown_table([["method", *data_sets, "mean of the sets"], *map(row, methods)])


def margin_table(cells: Cells, method: str, baselines: Sequence[str]) -> str:
    """By data set and rate: how far the method is above the best baseline there, and which that is.

    The last row has the means over the sets, beside the best single baseline.
    """
    data_sets, _, rates = _names(cells)

    def margin(values: Mapping[str, float | None], own: float | None) -> str:
        known = {name: value for name, value in values.items() if value is not None}
        if own is None or not known:
            return _NOTHING
        best = max(known, key=lambda name: known[name])
        return f"{own - known[best]:+.2f} (`{best}`)"

    rows = [
        [
            data_set,
            *(
                margin(
                    {name: _quality_mean(cells, data_set, name, rate) for name in baselines},
                    _quality_mean(cells, data_set, method, rate),
                )
                for rate in rates
            ),
        ]
        for data_set in data_sets
    ]
    means = [
        margin({name: mean_quality(cells, name, rate) for name in baselines}, mean_quality(cells, method, rate))
        for rate in rates
    ]
    return markdown_table([["data set", *(f"at {rate:g}" for rate in rates)], *rows, ["mean of the sets", *means]])


def mean_quality(cells: Cells, method: str, rate: float) -> float | None:
    """The mean of a method's qualities over the data sets; None where it has not been measured on all of them."""
    data_sets, _, _ = _names(cells)
    values = [_quality_mean(cells, data_set, method, rate) for data_set in data_sets]
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def data_set_table(cells: Cells, data_set: str) -> str:
    """Everything of one data set: quality with intervals, time, and whether what is kept is true to the original."""
    _, methods, rates = _names(cells)
    methods = [method for method in methods if any((data_set, method, rate) in cells for rate in rates)]

    def row(method: str) -> list[str]:
        of_rates = {rate: cells[data_set, method, rate] for rate in rates if (data_set, method, rate) in cells}

        def each(value: Callable[[Cell], str]) -> str:
            return _at_each(rates, lambda rate: value(of_rates[rate]) if rate in of_rates else _NOTHING)

        def mean(figure: Callable[[Measurement], float | None], digits: int = 2) -> str:
            return each(lambda cell: _mean(cell, figure, digits))

        errors = [error for cell in of_rates.values() for error in cell.errors]
        return [
            f"`{method}`",
            each(_quality),
            each(lambda cell: _seconds(cell.measured)),
            mean(lambda measurement: measurement.units_whole),
            mean(lambda measurement: measurement.context_missing),
            mean(lambda measurement: measurement.cut_units, digits=1),
            mean(lambda measurement: measurement.broken_words, digits=1),
            mean(delivered_rate, digits=3),
            each(lambda cell: str(sum(seen.tokens > seen.target_tokens for seen in cell.measured))),
            each(lambda cell: str(len(cell.measured))),
            _failures(errors),
        ]

    times = " / ".join(f"{rate:g}" for rate in rates)
    headings = [
        f"quality [95%] at {times}",
        "seconds",
        "units whole",
        "without context",
        "cut units",
        "broken words",
        "share delivered",
        "above budget",
        "n",
        "failed",
    ]
    return markdown_table([["method", *headings], *map(row, methods)])


def _names(cells: Cells) -> tuple[list[str], list[str], list[float]]:
    """Data sets and methods in the order of the first measurement, rates from the highest down."""
    data_sets = list(dict.fromkeys(data_set for data_set, _, _ in cells))
    methods = list(dict.fromkeys(method for _, method, _ in cells))
    return data_sets, methods, sorted({rate for _, _, rate in cells}, reverse=True)


def _quality_mean(cells: Cells, data_set: str, method: str, rate: float) -> float | None:
    cell = cells.get((data_set, method, rate))
    return cell.quality.mean if cell and cell.quality else None


def _at_each(rates: Sequence[float], value: Callable[[float], str]) -> str:
    return " / ".join(map(value, rates))


def _quality(cell: Cell) -> str:
    if cell.quality is None:
        return _NOTHING
    return f"{_number(cell.quality.mean)} [{_number(cell.quality.low)}–{_number(cell.quality.high)}]"


def _seconds(measured: Sequence[Measurement]) -> str:
    seconds = [measurement.seconds for measurement in measured if measurement.seconds is not None]
    return f"{median(seconds):.2g}" if seconds else _NOTHING


def _mean(cell: Cell, figure: Callable[[Measurement], float | None], digits: int) -> str:
    values = [value for value in map(figure, cell.measured) if value is not None]
    return _number(fmean(values), digits) if values else _NOTHING


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".removeprefix("0")


def _number_or_nothing(value: float | None) -> str:
    return _NOTHING if value is None else _number(value)


def _failures(errors: Sequence[str]) -> str:
    if not errors:
        return "0"
    first = " ".join(errors[0].split()).replace("|", "\\|")
    return f"{len(errors)}: {first if len(first) <= _LONGEST_ERROR else first[: _LONGEST_ERROR - 3] + '...'}"
