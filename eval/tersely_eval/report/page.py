"""A run -> one HTML page that needs nothing else: figures, charts, examples. Nothing is measured here.

page.css says how it looks, page.html.jinja what stands where; the template escapes all that comes from a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from statistics import fmean, median
from typing import Any, NamedTuple

from tersely_eval.measure import Interval, Measurement, Run
from tersely_eval.report.charts import Chart, Mark, draw_charts, marks
from tersely_eval.report.kept_text import ShownExample, show
from tersely_eval.report.summary import Summary, summarise
from tersely_eval.report.svg import COLOURS

_NOTHING = "–"
_MOST_ERRORS = 3
_LONGEST_ERROR = 300


class Column(NamedTuple):
    """One figure of a summary: its heading, how it is written, and what it means."""

    heading: str
    about: str
    value: Callable[[Summary], str | None]


class Row(NamedTuple):
    """A method at a rate: its figures, an interval to be drawn (or None), and why it failed where it did."""

    mark: Mark
    method: str
    answer_kept: Interval | None
    cells: list[str]
    failures: str


class DataSet(NamedTuple):
    """All that is shown of a data set.

    Attributes:
        anchor: its id on the page.
        name: as the run calls it.
        questions: how many.
        methods: in the order of their first measurement.
        columns: of the table; only those of which something was measured.
        groups: rate -> a row for each method.
        charts: those drawn, and why others are not.
    """

    anchor: str
    name: str
    questions: int
    methods: list[str]
    columns: list[Column]
    groups: dict[float, list[Row]]
    charts: list[Chart]


def html_page(run: Run, economics: str = "") -> str:
    """One self-contained page: no script, nothing to load. The same run gives the same page.

    Args:
        run: what was measured.
        economics: a fragment of HTML about money, put in as it is; its headings are h3 and lower.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    methods = [measurement.method for measurement in run.measurements]
    methods += [method for example in run.examples for method in example.kept]
    looks = marks(list(dict.fromkeys(methods)))
    by_question = {
        (measurement.data_set, measurement.question, measurement.method, measurement.rate): measurement
        for measurement in run.measurements
    }

    def measured(shown: ShownExample, method: str) -> Measurement | None:
        example = shown.example
        return by_question.get((example.data_set, example.question_id, method, example.rate))

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"in_words": _rate, "as_html": Markup, "counted": _counted}
    return environment.from_string(_resource("page.html.jinja")).render(
        css=Markup(_colours() + _resource("page.css")),
        description=run.description,
        facts=_facts(run),
        looks=looks,
        data_sets=[
            _data_set(
                f"data-{number}",
                name,
                [measurement for measurement in run.measurements if measurement.data_set == name],
                looks,
            )
            for number, name in enumerate(
                dict.fromkeys(measurement.data_set for measurement in run.measurements), start=1
            )
        ],
        economics=Markup(economics),
        examples=[show(example) for example in run.examples],
        measured=measured,
    )


def _data_set(anchor: str, name: str, measurements: Sequence[Measurement], looks: Mapping[str, Mark]) -> DataSet:
    summaries = summarise(measurements)
    columns = [column for column in _COLUMNS if any(column.value(summary) is not None for summary in summaries)]
    groups: dict[float, list[Row]] = {}
    for summary in summaries:
        cells = [column.value(summary) or _NOTHING for column in columns]
        row = Row(looks[summary.method], summary.method, summary.answer_kept, cells, _failures(summary))
        groups.setdefault(summary.rate, []).append(row)
    questions = len({measurement.question for measurement in measurements})
    methods = list(dict.fromkeys(measurement.method for measurement in measurements))
    charts = draw_charts(anchor, name, summaries, looks)
    return DataSet(anchor, name, questions, methods, columns, groups, charts)


def _values(summary: Summary, attribute: str) -> list[Any]:
    values = (getattr(measurement, attribute) for measurement in summary.measured)
    return [value for value in values if value is not None]


def _figure(
    attribute: str, summarise_values: Callable[[list[Any]], float], form: str
) -> Callable[[Summary], str | None]:
    def value(summary: Summary) -> str | None:
        values = _values(summary, attribute)
        return form.format(summarise_values(values)) if values else None

    return value


def _delivered(summarise_values: Callable[[list[float]], float]) -> Callable[[Summary], str | None]:
    return lambda summary: f"{summarise_values(summary.delivered):.1%}" if summary.measured else None


def _answer_kept(summary: Summary) -> str | None:
    kept = summary.answer_kept
    return f"{kept.mean:.0%} ({100 * kept.low:.0f}–{100 * kept.high:.0f})" if kept else None


def _seconds(summary: Summary) -> str | None:
    values = _values(summary, "seconds")
    if not values:
        return None
    seconds = median(values)
    return f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:#.2g}"


def _tokens_per_second(summary: Summary) -> str | None:
    values = [
        measurement.original_tokens / measurement.seconds for measurement in summary.measured if measurement.seconds
    ]
    return f"{median(values):,.0f}" if values else None


_COLUMNS = (
    Column(
        "Answer kept",
        "Questions of which the answer still stands in what was delivered, compared without case, punctuation and "
        "articles; of signals the share that does. In brackets the 95% interval, by bootstrap over the questions; "
        "where all are alike it has no width, and is no sign of certainty.",
        _answer_kept,
    ),
    Column(
        "Evidence kept",
        "The share of the sentences marked as evidence of which no character is missing.",
        _figure("support_kept", fmean, "{:.0%}"),
    ),
    Column(
        "Units whole",
        "Of the sentences, table rows, list items and other units of which something stands in what was delivered, the "
        "share that is there entire. What a unit is, Tersely's own segmentation says.",
        _figure("units_whole", fmean, "{:.0%}"),
    ),
    Column(
        "Context missing",
        "The share of the whole units that need something that is not there, such as a heading or a table's header.",
        _figure("context_missing", fmean, "{:.1%}"),
    ),
    Column("Cut", "Units of a question that are there in part only: the mean.", _figure("cut_units", fmean, "{:.1f}")),
    Column(
        "Documents found",
        "The share of the documents marked as gold of which something is kept.",
        _figure("gold_found", fmean, "{:.0%}"),
    ),
    Column(
        "Recall at 5",
        "The share of the gold documents among the best five of the coarse stage.",
        _figure("recall", fmean, "{:.0%}"),
    ),
    Column("Exact match", "Of the reader's answers, as SQuAD defines it.", _figure("exact_match", fmean, "{:.0%}")),
    Column("F1", "Of the reader's answers, as SQuAD defines it.", _figure("f1", fmean, "{:.0%}")),
    Column(
        "Answer log-probability",
        "Mean log-probability a token of the answer, in nats, as a local model reads the context; the nearer to 0 the "
        "better.",
        _figure("answer_log_probability", fmean, "{:.2f}"),
    ),
    Column("Delivered", "Tokens delivered / original tokens, mean over the questions.", _delivered(fmean)),
    Column("Delivered at most", "The same, of the question with the most.", _delivered(max)),
    Column(
        "Above budget",
        "Questions with more tokens than the budget.",
        lambda summary: f"{len(summary.above_budget):,}" if summary.measured else None,
    ),
    Column(
        "Broken words",
        "Words delivered that are no whole words of the documents, over all questions.",
        _figure("broken_words", sum, "{:,}"),
    ),
    Column("Seconds", "A question, by the clock: the median.", _seconds),
    Column("Tokens a second", "Original tokens for each second: the median.", _tokens_per_second),
    Column(
        "Memory",
        "The most that the process held, model included, in gigabytes.",
        _figure("peak_bytes", lambda values: max(values) / 1e9, "{:.1f} GB"),
    ),
    Column(
        "Questions",
        "Measured without failure; in brackets those of which strings can tell if the answer is kept.",
        lambda summary: f"{len(summary.measured):,} ({len(_values(summary, 'answer_kept')):,})",
    ),
)


def _failures(summary: Summary) -> str:
    """How often a method failed and why, the most frequent reasons first; empty where it never did."""
    if not summary.errors:
        return ""
    reasons = Counter(" ".join(error.split()) for error in summary.errors).most_common()
    lines = [
        f"{reason if len(reason) <= _LONGEST_ERROR else reason[: _LONGEST_ERROR - 1] + '…'}"
        + (f" ({times:,} times)" if times > 1 and len(reasons) > 1 else "")
        for reason, times in reasons[:_MOST_ERRORS]
    ]
    if len(reasons) > _MOST_ERRORS:
        lines.append(f"and {len(reasons) - _MOST_ERRORS:,} other reasons")
    questions = len(summary.errors) + len(summary.measured)
    return f"failed on {len(summary.errors):,} of {questions:,} questions: {'; '.join(lines)}"


def _facts(run: Run) -> str:
    """The size of a run, in a line."""
    return ", ".join(
        (
            _counted(len({measurement.method for measurement in run.measurements}), "method"),
            _counted(len({measurement.data_set for measurement in run.measurements}), "data set"),
            _counted(
                len({(measurement.data_set, measurement.question) for measurement in run.measurements}), "question"
            ),
            _counted(len(run.measurements), "measurement"),
            f"{sum(measurement.error is not None for measurement in run.measurements) or 'none'} of them failed",
        )
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _rate(rate: float) -> str:
    return f"{100 * rate:.4g}% of the tokens, {1 / rate:.3g} times shorter" if 0 < rate < 1 else f"rate {rate:g}"


def _colours() -> str:
    """The charts' colours as variables of the page, on light and on dark."""
    light, dark = (
        " ".join(f"--series-{number}: {colours[shade]};" for number, colours in enumerate(COLOURS)) for shade in (0, 1)
    )
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def _resource(name: str) -> str:
    return (files("tersely_eval.report") / name).read_text(encoding="utf-8")
