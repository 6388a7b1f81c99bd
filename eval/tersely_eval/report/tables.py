"""Measurements -> a Markdown table; tables -> their places in a file. Nothing is measured here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from tersely import InvalidInputError
from tersely_eval.measure import Measurement

_NOTHING = "–"
_LONGEST_ERROR = 120


class _Column(NamedTuple):
    """One figure at every rate."""

    heading: str
    value: Callable[[Measurement], float | None]
    summary: Callable[[Iterable[float]], float] = fmean
    digits: int = 2


_COLUMNS = [
    _Column("answer kept", lambda measurement: measurement.answer_kept),
    _Column("supporting sentences whole", lambda measurement: measurement.support_kept),
    _Column("units whole", lambda measurement: measurement.units_whole),
    _Column("whole units that miss their context", lambda measurement: measurement.context_missing, digits=3),
    _Column("cut units a question", lambda measurement: measurement.cut_units, digits=1),
    _Column("gold documents found", lambda measurement: measurement.gold_found),
    _Column("recall of the ranking (best 5)", lambda measurement: measurement.recall),
    _Column("share delivered", lambda measurement: measurement.tokens / measurement.original_tokens, digits=3),
    _Column("most delivered", lambda measurement: measurement.tokens / measurement.original_tokens, max, digits=3),
    _Column(
        "least of a budget used", lambda measurement: measurement.tokens / measurement.target_tokens, min, digits=3
    ),
    _Column("broken words a question", lambda measurement: measurement.broken_words, digits=1),
    _Column("answer log-probability", lambda measurement: measurement.answer_log_probability),
    _Column("exact match", lambda measurement: measurement.exact_match),
    _Column("F1", lambda measurement: measurement.f1),
    _Column("seconds a question", lambda measurement: measurement.seconds, median),
    _Column(
        "tokens a second",
        lambda measurement: measurement.original_tokens / measurement.seconds if measurement.seconds else None,
        median,
        digits=0,
    ),
    _Column(
        "peak memory, GB",
        lambda measurement: None if measurement.peak_bytes is None else measurement.peak_bytes / 1e9,
        max,
    ),
]


def quality_table(measurements: Sequence[Measurement]) -> str:
    """A Markdown table with a row for each method, and each figure at every rate.

    Figures are means over the questions. Exceptions are the columns called most and least, the medians of seconds and
    of tokens a second, and the highest peak of memory. Questions where a method failed do not count, and a last column
    says why it failed.
    """
    methods = list(dict.fromkeys(measurement.method for measurement in measurements))
    # `full` has only the rate 1, which would be an empty column for the other methods.
    compressed = [measurement for measurement in measurements if measurement.method != "full"] or measurements
    rates = list(dict.fromkeys(measurement.rate for measurement in compressed))
    measured = [measurement for measurement in measurements if measurement.error is None]
    columns = [column for column in _COLUMNS if any(column.value(measurement) is not None for measurement in measured)]
    failed = len(measured) < len(measurements)
    times = " / ".join(f"{1 / rate:.3g}x" for rate in rates)

    def row(method: str) -> list[str]:
        of_method = [measurement for measurement in measured if measurement.method == method]
        own_rates = rates if method != "full" else [1.0]
        figures = [
            " / ".join(
                _summary(column, [measurement for measurement in of_method if measurement.rate == rate])
                for rate in own_rates
            )
            for column in columns
        ]
        above = sum(measurement.tokens > measurement.target_tokens for measurement in of_method)
        questions = {measurement.question for measurement in of_method}
        answers = {measurement.question for measurement in of_method if measurement.answer_kept is not None}
        cells = [f"`{method}`", *figures, str(above), f"{len(questions)} ({len(answers)})"]
        errors = [
            measurement.error
            for measurement in measurements
            if measurement.method == method and measurement.error is not None
        ]
        return [*cells, _failures(errors)] if failed else cells

    headings = ["method", *(f"{column.heading} at {times}" for column in columns), "above the budget", "n (answers)"]
    return markdown_table([[*headings, "failed"] if failed else headings, *map(row, methods)])


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its heading, and each cell Markdown already."""
    heading, *body = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *body))


def replace_tables(text: str, tables: dict[str, str]) -> str:
    """The text with these tables between their markers; a table that has no markers yet goes to the end.

    Raises:
        InvalidInputError: a table's beginning is marked and its end is not.
    """
    for name, table in tables.items():
        begin, end = f"<!-- table: {name} -->", "<!-- end -->"
        block = f"{begin}\n{table}\n{end}"
        if begin not in text:
            text = f"{text.rstrip()}\n\n## {name}\n\n{block}\n".lstrip()
            continue
        # Up to the table's own end: never past the beginning of another one.
        old = re.compile(rf"{re.escape(begin)}(?:(?!<!-- table: ).)*?{re.escape(end)}", re.DOTALL)
        match = old.search(text)
        if not match:
            raise InvalidInputError(f"the table {name!r} begins with {begin} and has no {end} after it; add one")
        text = text[: match.start()] + block + text[match.end() :]
    return text


def write_tables(path: Path, tables: dict[str, str]) -> None:
    """Put tables into a file, which is made where there is none; what stands around them there is not touched.

    Raises:
        InvalidInputError: the file cannot be read or written, or a marker is missing in it.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
        path.write_text(replace_tables(text, tables), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror})") from None


def _summary(column: _Column, measurements: Sequence[Measurement]) -> str:
    values = [value for value in map(column.value, measurements) if value is not None]
    if not values:
        return _NOTHING
    return f"{column.summary(values):.{column.digits}f}".removeprefix("0")


def _failures(errors: Sequence[str]) -> str:
    if not errors:
        return "0"
    first = " ".join(errors[0].split()).replace("|", "\\|")
    return f"{len(errors)}: {first if len(first) <= _LONGEST_ERROR else first[: _LONGEST_ERROR - 3] + '...'}"
