"""Measurements as Markdown, and tables in a file."""

import pytest

from tersely import InvalidInputError
from tersely_eval.measure.measurement import Measurement
from tersely_eval.report.tables import quality_table, replace_tables


def measurement(**values) -> Measurement:
    given = {"data_set": "set", "question": "1", "method": "m", "rate": 0.5, "original_tokens": 100}
    return Measurement.model_validate({**given, "target_tokens": 50, "tokens": 49, "seconds": 1.0, **values})


MEASUREMENTS = [
    measurement(answer_kept=True, support_kept=0.5, seconds=1.0, units_whole=1.0, context_missing=0.125, cut_units=0),
    measurement(
        answer_kept=False, support_kept=0.0, seconds=2.0, tokens=51, question="2", units_whole=0.5, cut_units=3
    ),
    measurement(seconds=9.0, tokens=40, question="3"),
    measurement(rate=0.1, target_tokens=10, tokens=10, answer_kept=True),
]


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_the_figures_of_a_row() -> None:
    headings, _, row = cells(quality_table(MEASUREMENTS))
    assert dict(zip(headings, row, strict=True)) == {
        "method": "`m`",
        "answer kept at 2x / 10x": ".50 / 1.00",
        "supporting sentences whole at 2x / 10x": ".25 / –",
        "units whole at 2x / 10x": ".75 / –",
        "whole units that miss their context at 2x / 10x": ".125 / –",
        "cut units a question at 2x / 10x": "1.5 / –",
        "share delivered at 2x / 10x": ".467 / .100",
        "most delivered at 2x / 10x": ".510 / .100",
        "least of a budget used at 2x / 10x": ".800 / 1.000",
        "seconds a question at 2x / 10x": "2.00 / 1.00",
        "tokens a second at 2x / 10x": "50 / 100",
        "above the budget": "1",
        "n (answers)": "3 (2)",
    }


def test_no_compression_has_one_figure_and_a_failure_a_reason() -> None:
    full = measurement(method="full", rate=1.0, target_tokens=100, tokens=100, answer_kept=True)
    broken = measurement(method="broken", error="RuntimeError: no | luck\nat all", tokens=0, seconds=None)
    headings, _, _, full_row, broken_row = cells(quality_table([*MEASUREMENTS, full, broken]))
    assert headings[1] == "answer kept at 2x / 10x"
    assert full_row[1] == "1.00"
    assert broken_row[1] == "– / –"
    assert broken_row[-1] == "1: RuntimeError: no \\| luck at all"


def test_tables_in_a_file() -> None:
    text = replace_tables("# Results\n", {"a": "first", "b": r"second \1"})
    first = "## a\n\n<!-- table: a -->\nfirst\n<!-- end -->\n"
    second = "## b\n\n<!-- table: b -->\nsecond \\1\n<!-- end -->\n"
    assert text == f"# Results\n\n{first}\n{second}"
    assert replace_tables(text, {"a": "new"}) == text.replace("first", "new")
    assert replace_tables("", {"a": "x"}).startswith("## a\n")
    unclosed = text.replace("first\n<!-- end -->", "first")
    with pytest.raises(InvalidInputError, match="'a' begins with <!-- table: a --> and has no <!-- end --> after it"):
        replace_tables(unclosed, {"a": "new"})
