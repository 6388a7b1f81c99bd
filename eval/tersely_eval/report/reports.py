"""A run -> what people read: a table in the terminal, JSON, Markdown, one HTML page. Nothing is computed here."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

from tersely import InvalidInputError
from tersely_eval.measure import Run, merged_examples
from tersely_eval.report.money import Price
from tersely_eval.report.summary import Summary, summarise
from tersely_eval.report.tables import quality_table, write_tables

_MEANS = (
    "tokens",
    "original_tokens",
    "support_kept",
    "units_whole",
    "context_missing",
    "cut_units",
    "gold_found",
    "recall",
    "broken_words",
    "answer_log_probability",
    "exact_match",
    "f1",
)
_WIDTH = 120  # characters of a table that goes to a file or a pipe
# Name of the figure that must be there, heading, form.
_TERMINAL_COLUMNS = (
    ("rate_delivered", "got", "{rate_delivered:.3f}"),
    ("share_above_budget", "over", "{share_above_budget:.0%}"),
    ("answer_kept", "answer", "{answer_kept:.2f}"),
    ("answer_kept", "95% interval", "{answer_kept_low:.2f}-{answer_kept_high:.2f}"),
    ("support_kept", "evidence", "{support_kept:.2f}"),
    ("units_whole", "whole", "{units_whole:.2f}"),
    ("context_missing", "no context", "{context_missing:.2f}"),
    ("cut_units", "cut", "{cut_units:.1f}"),
    ("exact_match", "exact", "{exact_match:.2f}"),
    ("f1", "F1", "{f1:.2f}"),
    ("answer_log_probability", "log p", "{answer_log_probability:.2f}"),
    ("broken_words", "broken", "{broken_words:.1f}"),
    ("median_seconds", "seconds", "{median_seconds:.2f}"),
)
_LEGEND = (
    "got: rate delivered. over: share of questions above the budget. answer: share whose answer is still there. "
    "evidence: share of the marked sentences that are whole. whole: share of the sentences, rows and other units in "
    "the context that are there entire. no context: share of these that miss a heading or what else they need. "
    "cut: units a question that are there in part. broken: words of the context that are none of the documents. "
    "seconds: a question, median."
)
_HEADING = "`{command}`; {date}; model {model}; tokens of {tokenizer}; {machine}"


def merged_runs(runs: Sequence[Run]) -> Run:
    """Several runs as one; where a measurement was repeated, the last counts."""
    measurements = {measurement.key: measurement for run in runs for measurement in run.measurements}
    commands = "; ".join(dict.fromkeys(run.description.command for run in runs))
    machines = "; ".join(dict.fromkeys(run.description.machine for run in runs))
    description = runs[-1].description.model_copy(update={"command": commands, "machine": machines})
    return Run(
        description, list(measurements.values()), merged_examples([example for run in runs for example in run.examples])
    )


def print_summary(run: Run) -> None:
    """A table for each data set, on standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    for data_set, summaries in _by_data_set(run).items():
        figures = [_figures(summary) for summary in summaries]
        columns = [column for column in _TERMINAL_COLUMNS if any(column[0] in of_summary for of_summary in figures)]
        title = f"{data_set}: {max(len(summary.measured) for summary in summaries)} questions"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("method")
        for heading in ("rate", *(heading for _, heading, _ in columns)):
            table.add_column(heading, justify="right", no_wrap=True)
        errors = []
        for summary, of_summary in zip(summaries, figures, strict=True):
            cells = [form.format(**of_summary) if name in of_summary else "" for name, _, form in columns]
            table.add_row(summary.method, f"{summary.rate:g}", *cells)
            if summary.errors:
                errors.append(
                    f"{summary.method} at {summary.rate:g} failed {len(summary.errors)} times: {summary.errors[0]}"
                )
        console.print(table)
        for error in errors:
            console.print(error, markup=False)
    console.print(_LEGEND)


def write_reports(folder: Path, run: Run, prices: Mapping[str, Price]) -> None:
    """summary.json, report.md and report.html beside the run.

    Raises:
        InvalidInputError: the folder cannot be written.
    """
    summaries = [
        {"data_set": data_set, "method": summary.method, "rate": summary.rate, **_figures(summary)}
        for data_set, summaries_of_set in _by_data_set(run).items()
        for summary in summaries_of_set
    ]
    described = {"run": run.description.model_dump(), "summaries": summaries}
    try:
        text = json.dumps(described, indent=1, ensure_ascii=False)
        (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{folder}: cannot be written ({error.strerror})") from None
    write_markdown(folder / "report.md", run, prices)
    write_page(folder / "report.html", run, prices)


def write_markdown(path: Path, run: Run, prices: Mapping[str, Price]) -> None:
    """Put the tables between their marks in a file; its other text stays.

    Raises:
        InvalidInputError: the file cannot be written, or a mark is missing.
    """
    from tersely_eval.report.economics import economics_markdown

    heading = _HEADING.format(**run.description.model_dump())
    tables = {}
    for data_set in dict.fromkeys(measurement.data_set for measurement in run.measurements):
        rows = [measurement for measurement in run.measurements if measurement.data_set == data_set]
        tables[data_set] = f"{heading}\n\n{quality_table(rows)}"
    tables["money and time"] = economics_markdown(run, prices)
    write_tables(path, tables)


def write_page(path: Path, run: Run, prices: Mapping[str, Price]) -> None:
    """One HTML page with everything in it.

    Raises:
        InvalidInputError: the file cannot be written.
    """
    from tersely_eval.report.economics import economics_html
    from tersely_eval.report.page import html_page

    page = html_page(run, economics_html(run, prices))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror})") from None


def _by_data_set(run: Run) -> dict[str, list[Summary]]:
    names = dict.fromkeys(measurement.data_set for measurement in run.measurements)
    return {
        name: summarise([measurement for measurement in run.measurements if measurement.data_set == name])
        for name in names
    }


def _figures(summary: Summary) -> dict[str, Any]:
    """All that is known of a method at a rate, by name; means unless the name says otherwise."""
    measured = summary.measured
    figures: dict[str, Any] = {"questions": len(measured), "failures": len(summary.errors)}
    if not measured:
        return figures
    figures["rate_delivered"] = fmean(summary.delivered)
    figures["highest_rate_delivered"] = max(summary.delivered)
    figures["share_above_budget"] = len(summary.above_budget) / len(measured)
    if summary.answer_kept:
        figures["answer_kept"] = summary.answer_kept.mean
        figures["answer_kept_low"], figures["answer_kept_high"] = summary.answer_kept.low, summary.answer_kept.high
    for name in _MEANS:
        values = [value for measurement in measured if (value := getattr(measurement, name)) is not None]
        if values:
            figures[name] = fmean(values)
    seconds = [measurement.seconds for measurement in measured if measurement.seconds]
    if seconds:
        figures["median_seconds"] = median(seconds)
        figures["median_tokens_per_second"] = median(
            measurement.original_tokens / measurement.seconds for measurement in measured if measurement.seconds
        )
    peaks = [measurement.peak_bytes for measurement in measured if measurement.peak_bytes]
    if peaks:
        figures["highest_peak_bytes"] = max(peaks)
    return figures
