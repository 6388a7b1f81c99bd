"""A comparison of two runs -> a table for a terminal, or Markdown. Nothing is compared here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tersely_eval.measure import RunDescription
from tersely_eval.report.changes import MEASURES, Change
from tersely_eval.report.compare import Comparison, Unpaired
from tersely_eval.report.tables import markdown_table

_HEADINGS = ("measure", "before", "after", "difference", "95% interval", "verdict", "pairs")
_STYLES = {"better": "green", "worse": "bold red", "changed": "yellow", "same": "dim"}
_CAUTION = (
    "Better or worse is what the 95% interval tells from no change; of many figures that did not change, one in twenty "
    "is called so by chance."
)
_LISTED = 5  # questions of a run alone that are named


def terminal_comparison(comparison: Comparison) -> RenderableType:
    """How the runs were made, a table for each data set, method and rate, and what only one of the runs has."""
    parts: list[RenderableType] = [Text("\n".join(_runs(comparison)))]
    for title, changes in _groups(comparison.changes):
        table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading in ("measure", "verdict") else "right")
        for change in changes:
            style = _STYLES[change.verdict]
            table.add_row(*(Text(cell, style=style if cell == change.verdict else "") for cell in _cells(change)))
        parts += [Text(), table]
    return Group(*parts, Text(), Text("\n".join([*_alone(comparison), _CAUTION])))


def markdown_comparison(comparison: Comparison) -> str:
    """The comparison as Markdown with its breaches, such as for a comment on a pull request."""
    blocks = [_list(_runs(comparison))]
    if comparison.breaches:
        blocks += ["### Worse than allowed", _list(breach.text for breach in comparison.breaches)]
    for title, changes in _groups(comparison.changes):
        blocks += [f"### {title}", markdown_table([_HEADINGS, *map(_cells, changes)])]
    alone = _alone(comparison)
    if alone:
        blocks += ["### Not compared", _list(alone)]
    return "\n\n".join([*blocks, _CAUTION])


def _runs(comparison: Comparison) -> list[str]:
    return [
        f"before: {_described(comparison.before)}",
        f"after: {_described(comparison.after)}",
        *comparison.remarks,
    ]


def _described(run: RunDescription) -> str:
    return f"tersely {run.tersely}, {run.date}: `{run.command}`"


def _groups(changes: Iterable[Change]) -> Iterator[tuple[str, list[Change]]]:
    for (data_set, method, rate), group in groupby(
        changes, key=lambda change: (change.data_set, change.method, change.rate)
    ):
        yield f"{data_set}: {method} at {rate:g}", list(group)


def _cells(change: Change) -> Sequence[str]:
    measure = MEASURES[change.measure]
    digits, signed = measure.digits, "" if measure.summary == "median" else "+"  # a ratio has no sign
    difference, low, high = (
        "–" if number is None else f"{number:{signed}.{digits}f}"
        for number in (change.difference, change.low, change.high)
    )
    return [
        f"{measure.label}, median" if measure.summary == "median" else measure.label,
        f"{change.before:.{digits}f}",
        f"{change.after:.{digits}f}",
        f"x {difference}" if measure.summary == "median" else difference,
        "–" if change.low is None or measure.summary == "total" else f"{low} to {high}",
        change.verdict,
        str(change.pairs),
    ]


def _alone(comparison: Comparison) -> list[str]:
    return [
        f"only {when}: {_named(group)}"
        for when, groups in (("before", comparison.only_before), ("after", comparison.only_after))
        for group in groups
    ]


def _named(group: Unpaired) -> str:
    names = ", ".join(group.questions[:_LISTED]) + (", ..." if len(group.questions) > _LISTED else "")
    return f"{group.data_set}: {group.method} at {group.rate:g}, {len(group.questions)} questions ({names})"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
