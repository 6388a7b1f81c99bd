"""Measurements -> a Markdown table, and tables -> a file, between its markers. Nothing is measured here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from tersely import InvalidInputError
from tersely_eval.measure.measurement import Measurement

_NOTHING = "–"
_LONGEST_ERROR = 120


class _Column(NamedTuple):
    """One figure at every rate."""

    heading: str
    value: Callable[[Measurement], float | None]
    summary: Callable[[Iterable[float]], float] = fmean
    digits: int = 2


_COLUMNS = [
    _Column("answer kept", lambda one: one.answer_kept),
    _Column("supporting sentences whole", lambda one: one.support_kept),
    _Column("units whole", lambda one: one.units_whole),
    _Column("whole units that miss their context", lambda one: one.context_missing, digits=3),
    _Column("cut units a question", lambda one: one.cut_units, digits=1),
    _Column("gold documents found", lambda one: one.gold_found),
    _Column("recall of the ranking (best 5)", lambda one: one.recall),
    _Column("share delivered", lambda one: one.tokens / one.original_tokens, digits=3),
    _Column("most delivered", lambda one: one.tokens / one.original_tokens, max, digits=3),
    _Column("least of a budget used", lambda one: one.tokens / one.target_tokens, min, digits=3),
    _Column("broken words a question", lambda one: one.broken_words, digits=1),
    _Column("answer log-probability", lambda one: one.answer_log_probability),
    _Column("exact match", lambda one: one.exact_match),
    _Column("F1", lambda one: one.f1),
    _Column("seconds a question", lambda one: one.seconds, median),
    _Column(
        "tokens a second", lambda one: one.original_tokens / one.seconds if one.seconds else None, median, digits=0
    ),
    _Column("peak memory, GB", lambda one: None if one.peak_bytes is None else one.peak_bytes / 1e9, max),
]


def quality_table(measurements: Sequence[Measurement]) -> str:
    """A Markdown table with a row for each method, and each figure at every rate.

    Figures are means over the questions, but for the most and the least that are called so, the medians of seconds and
    of tokens a second, and the highest peak of memory. Where a method failed, its figures are of the questions where
    it did not, and the last column says why.
    """
    methods = list(dict.fromkeys(one.method for one in measurements))
    # No compression has a rate of its own, which would be an empty column for the others.
    compressed = [one for one in measurements if one.method != "full"] or measurements
    rates = list(dict.fromkeys(one.rate for one in compressed))
    measured = [one for one in measurements if one.error is None]
    columns = [column for column in _COLUMNS if any(column.value(one) is not None for one in measured)]
    failed = len(measured) < len(measurements)
    times = " / ".join(f"{1 / rate:.3g}x" for rate in rates)

    def row(method: str) -> list[str]:
        of_method = [one for one in measured if one.method == method]
        its_rates = rates if method != "full" else [1.0]
        figures = [
            " / ".join(_summary(column, [one for one in of_method if one.rate == rate]) for rate in its_rates)
            for column in columns
        ]
        above = sum(one.tokens > one.target_tokens for one in of_method)
        questions = {one.question for one in of_method}
        answers = {one.question for one in of_method if one.answer_kept is not None}
        cells = [f"`{method}`", *figures, str(above), f"{len(questions)} ({len(answers)})"]
        errors = [one.error for one in measurements if one.method == method and one.error is not None]
        return [*cells, _failures(errors)] if failed else cells

    headings = ["method", *(f"{column.heading} at {times}" for column in columns), "above the budget", "n (answers)"]
    return markdown_table([[*headings, "failed"] if failed else headings, *map(row, methods)])


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its heading, and each cell Markdown already."""
    heading, *others = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *others))


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
        found = old.search(text)
        if not found:
            raise InvalidInputError(f"the table {name!r} begins with {begin} and has no {end} after it; add one")
        text = text[: found.start()] + block + text[found.end() :]
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
