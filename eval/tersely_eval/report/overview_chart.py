"""Quality against seconds for one kind of text, as an SVG file. No figure is computed but means and medians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from tersely_eval.measure import Measurement, mean_interval
from tersely_eval.report.charts import Mark
from tersely_eval.report.overview_tables import with_quality
from tersely_eval.report.svg import empty_chart

_INCHES = (7.6, 3.8)


def draw_quality_and_cost(
    path: Path, kind: str, measurements: Sequence[Measurement], looks: Mapping[str, Mark], rate: float
) -> bool:
    """Write a chart with a point for each method: the higher the better it keeps, the further left the faster.

    Args:
        path: of the file.
        kind: of text, for the title.
        measurements: of all data sets of this kind.
        looks: how each method looks.
        rate: only measurements at this rate are drawn.

    Returns:
        Whether there was anything to draw.
    """
    from matplotlib import rc_context
    from matplotlib.ticker import NullFormatter

    points: dict[str, list[tuple[float, float]]] = {}
    for measurement, quality in with_quality(measurements):
        if measurement.rate == rate and measurement.error is None and quality is not None and measurement.seconds:
            points.setdefault(measurement.method, []).append((measurement.seconds, quality))
    if not points:
        return False
    with empty_chart("seconds a question", f"kept at {100 * rate:.3g}% of the tokens", _INCHES) as (figure, axes):
        seconds = [median(taken for taken, _ in values) for values in points.values()]
        axes.set_xscale("log")
        axes.set_xlim(min(seconds) / 2, max(seconds) * 2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(0, 1.03)
        axes.set_title(kind)
        for (method, values), median_seconds in zip(points.items(), seconds, strict=True):
            kept = mean_interval([quality for _, quality in values])
            axes.errorbar(
                [median_seconds],
                [kept.mean],
                yerr=[[kept.mean - kept.low], [kept.high - kept.mean]],
                color=looks[method].colour,
                marker=looks[method].marker,
                elinewidth=0.7,
                linestyle="none",
                label=method,
            )
        figure.legend(loc="outside right upper", frameon=False, fontsize=7)
        with rc_context({"svg.hashsalt": kind}):
            figure.savefig(path, format="svg", facecolor="white", metadata={"Date": None})
    return True
