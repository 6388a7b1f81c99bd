"""Summaries -> charts as inline SVG. No text of a run is drawn: methods are told apart by colour and shape alone.

The page that holds the charts names them, in a legend with the same colours and shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from tersely_eval.report.summary import Summary
from tersely_eval.report.svg import ALARM, COLOURS, INK, empty_chart, inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

# matplotlib's marker, and the character that looks like it. As many as have no divisor in common with the colours: each
# pair of colour and shape comes once before any comes twice.
SHAPES = (("o", "●"), ("s", "■"), ("^", "▲"), ("D", "◆"), ("v", "▼"), ("P", "✚"))

_MANY_TIMES = 10  # from the smallest to the largest value: more than that asks for a logarithmic axis
_MOST_TICKS = 6
_QUESTIONS_A_BIN, _MOST_BINS = 5, 8


class Mark(NamedTuple):
    """How a method looks, in charts and beside its name."""

    number: int
    colour: str
    marker: str
    glyph: str


class Chart(NamedTuple):
    """A chart, and in words what it shows.

    Attributes:
        heading: short.
        caption: how to read it; where there is no chart, why.
        svg: an element for an HTML page; empty where there is nothing to draw.
    """

    heading: str
    caption: str
    svg: str


def marks(methods: Sequence[str]) -> dict[str, Mark]:
    """A look for each method, by its position alone."""
    return {
        method: Mark(number % len(COLOURS), COLOURS[number % len(COLOURS)][0], *SHAPES[number % len(SHAPES)])
        for number, method in enumerate(methods)
    }


def draw_charts(name: str, data_set: str, summaries: Sequence[Summary], looks: Mapping[str, Mark]) -> list[Chart]:
    """The charts of one data set: answers kept, rate delivered, and seconds.

    Args:
        name: begins the ids in the charts: letters, digits and hyphens, another one for each data set of a page.
        data_set: named in the charts' titles, which are read aloud and shown by the pointer.
        summaries: of this data set.
        looks: how each method looks.
    """
    measured = [summary for summary in summaries if summary.measured]
    return [
        _answers(f"{name}-answers", data_set, measured, looks),
        _delivered(f"{name}-delivered", data_set, measured, looks),
        _seconds(f"{name}-seconds", data_set, measured, looks),
    ]


def _answers(name: str, data_set: str, summaries: Sequence[Summary], looks: Mapping[str, Mark]) -> Chart:
    heading = "Answers kept"
    answered = [(summary, summary.answer_kept) for summary in summaries if summary.answer_kept]
    if not answered:
        return Chart(heading, "Not drawn: no question was measured whose answer strings can tell.", "")
    with empty_chart("rate delivered", "questions with their answer kept") as (figure, axes):
        methods = list(dict.fromkeys(summary.method for summary, _ in answered))
        rates = [summary.rate for summary, _ in answered]
        _rates_axis(axes, "x", rates, [fmean(summary.delivered) for summary, _ in answered])
        axes.yaxis.set_major_formatter(_as_percent)
        axes.set_ylim(0, 1.03)
        for position, method in enumerate(methods):
            points = [
                (max(fmean(summary.delivered), axes.get_xlim()[0]), kept)
                for summary, kept in answered
                if summary.method == method
            ]
            axes.errorbar(
                [delivered for delivered, _ in points],
                [kept.mean for _, kept in points],
                yerr=[[kept.mean - kept.low for _, kept in points], [kept.high - kept.mean for _, kept in points]],
                color=looks[method].colour,
                marker=looks[method].marker,
                elinewidth=0.9,
                transform=_beside(axes, position, len(methods)),
            )
        caption = (
            "Means over the questions; the upright lines are 95% intervals. Methods at one rate stand a little to the "
            "side of each other."
        )
        return Chart(heading, caption, inline_svg(figure, name, f"{data_set}: answers kept over rate delivered"))


def _delivered(name: str, data_set: str, summaries: Sequence[Summary], looks: Mapping[str, Mark]) -> Chart:
    heading = "Rate delivered"
    if not summaries:
        return Chart(heading, "Not drawn: nothing was measured.", "")
    with empty_chart("rate asked", "rate delivered") as (figure, axes):
        rates = sorted({summary.rate for summary in summaries})
        _rates_axis(axes, "x", rates, rates)
        _rates_axis(axes, "y", rates, [rate for summary in summaries for rate in summary.delivered])
        lowest, highest = axes.get_ylim()
        axes.plot([lowest, highest], [lowest, highest], color=INK, linewidth=0.6, dashes=(5, 4), scalex=False)
        methods = list(dict.fromkeys(summary.method for summary in summaries))
        axes.plot(rates, rates, "_", color=INK, markersize=_step(len(methods)) * len(methods) + 8)
        for summary in summaries:
            look, beside = looks[summary.method], _beside(axes, methods.index(summary.method), len(methods))
            # A logarithmic axis has no zero, so a rate of nothing is drawn at its edge.
            figures = [fmean(summary.delivered), min(summary.delivered), max(summary.delivered)]
            mean, *ends = np.maximum(figures, lowest)
            axes.plot([summary.rate] * 2, ends, color=look.colour, linewidth=0.9, transform=beside)
            axes.plot([summary.rate], [mean], look.marker, color=look.colour, transform=beside)
            above = sorted({round(rate, 3) for rate in summary.above_budget})
            axes.plot([summary.rate] * len(above), above, "x", color=ALARM, markersize=4, transform=beside, zorder=3)
        caption = (
            "Means over the questions, and lines from the least to the most of a question. The short level lines are "
            "the budgets, on the dashed diagonal. "
        )
        above_budget = sum(len(summary.above_budget) for summary in summaries)
        caption += f"Crosses mark what is above: {above_budget:,}." if above_budget else "Nothing is above them."
        return Chart(heading, caption, inline_svg(figure, name, f"{data_set}: rate delivered over rate asked"))


def _seconds(name: str, data_set: str, summaries: Sequence[Summary], looks: Mapping[str, Mark]) -> Chart:
    heading = "Seconds a question"
    timed: dict[str, list[tuple[int, float]]] = {}
    for summary in summaries:
        points = [
            (measurement.original_tokens, measurement.seconds)
            for measurement in summary.measured
            if measurement.seconds is not None
        ]
        timed.setdefault(summary.method, []).extend(points)
    lines = {method: _medians(points) for method, points in timed.items() if points}
    if not lines:
        return Chart(heading, "Not drawn: no time was measured.", "")
    with empty_chart("original tokens", "seconds") as (figure, axes):
        for method, line in lines.items():
            axes.plot(*line.T, color=looks[method].colour, marker=looks[method].marker)
        tokens, seconds = np.concatenate(list(lines.values())).T
        _amounts_axis(axes, "x", tokens)
        _amounts_axis(axes, "y", seconds)
        caption = "Medians of questions of about the same length, at all rates together."
        return Chart(heading, caption, inline_svg(figure, name, f"{data_set}: seconds a question over original tokens"))


def _medians(points: Sequence[tuple[int, float]]) -> np.ndarray:
    """Points -> a few medians, from left to right, each of about equally many points."""
    number = len({tokens for tokens, _ in points}) // _QUESTIONS_A_BIN
    bins = np.array_split(np.array(sorted(points), dtype=float), min(_MOST_BINS, max(1, number)))
    return np.array([np.median(of_bin, axis=0) for of_bin in bins])


def _beside(axes: Axes, position: int, number: int) -> Transform:
    """Shifts a method's points a little to the side, so that equal points of two methods do not hide each other."""
    from matplotlib.transforms import offset_copy

    points = (position - (number - 1) / 2) * _step(number)
    return offset_copy(axes.transData, axes.get_figure(root=True), x=points, units="points")


def _step(number: int) -> float:
    """From one method to the next, in points."""
    return min(6, 40 / number)


def _rates_axis(axes: Axes, which: Literal["x", "y"], rates: Sequence[float], values: Sequence[float]) -> None:
    """Ticks at the rates; halves at equal distances where there are several of them."""
    from matplotlib.ticker import NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    highest = max(*rates, *values)
    if 0 < min(rates) <= max(rates) / 4:
        lowest = min(value for value in (*rates, *values) if value > 0)
        axes.set(**{f"{which}scale": "log"})
        axes.set(**{f"{which}lim": (lowest / 1.4, highest * 1.4)})
    else:
        axes.set(**{f"{which}lim": (0, highest * 1.15)})
    if len(set(rates)) <= _MOST_TICKS:
        axis.set_ticks(sorted(set(rates)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(_as_percent)


def _as_percent(value: float, _: float) -> str:
    return f"{100 * value:.3g}%"


def _amounts_axis(axes: Axes, which: Literal["x", "y"], values: np.ndarray) -> None:
    """From zero on, or logarithmic where the values are of different magnitudes."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    if 0 < values.min() < values.max() / _MANY_TIMES:
        axes.set(**{f"{which}scale": "log"})
        few = values.max() / values.min() < 100
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axis.set_minor_locator(NullLocator())
    else:
        axes.set(**{f"{which}lim": (0, values.max() * 1.08 or 1)})
        axis.set_major_locator(MaxNLocator(_MOST_TICKS - 1))
    axis.set_major_formatter(lambda value, _: f"{value:,.6g}")
