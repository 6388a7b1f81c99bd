"""The table from end to end with a scorer that needs no model, and what happens when something fails."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from conftest import DATA
from tersely import InvalidInputError
from tersely.methods import METHODS
from tersely_eval import quality
from tersely_eval.baselines import BASELINES
from tersely_eval.tables import Measurement, quality_table, replace_tables

HOTPOT, NATURAL_QUESTIONS = (str(DATA / f"{name}-sample.jsonl") for name in ("hotpot", "nq20"))


@pytest.fixture
def run(fake_model):
    """Call the command with a scorer that needs no model."""
    return lambda *arguments: CliRunner().invoke(quality.app, [str(argument) for argument in arguments])


def measurement(**values) -> Measurement:
    given = {"data_set": "set", "question": "1", "method": "m", "rate": 0.5, "original_tokens": 100}
    return Measurement.model_validate({**given, "target_tokens": 50, "tokens": 49, "seconds": 1.0, **values})


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_one_row_a_method_one_table_a_file(run, tmp_path) -> None:
    out, figures = tmp_path / "RESULTS.md", tmp_path / "figures.json"
    done = run(HOTPOT, NATURAL_QUESTIONS, "--limit", 1, "--out", out, "--json", figures)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    text = out.read_text(encoding="utf-8")
    assert text.count("<!-- table: hotpot-sample -->") == text.count("<!-- table: nq20-sample -->") == 1
    for name in [*METHODS, *BASELINES]:
        assert text.count(f"| `{name}` |") == done.stdout.count(f"| `{name}` |") == 2
    hotpot, natural_questions = text.split("<!-- end -->")[:2]
    assert "answer kept at 2x / 4x / 8x" in hotpot and "cl100k_base" in hotpot and "torch" in hotpot
    assert "supporting sentences whole" in hotpot
    assert "supporting sentences whole" not in natural_questions, "none is marked there"
    assert "failed" not in text

    found = json.loads(figures.read_text(encoding="utf-8"))
    assert {"command", "date", "model", "tokenizer", "machine"} <= set(found)
    assert len(found["measurements"]) == 2 * 3 * len([*METHODS, *BASELINES])
    for one in found["measurements"]:
        assert 0 < one["tokens"] <= one["target_tokens"] < one["original_tokens"]
        assert one["error"] is None and one["seconds"] > 0


def test_remarks_around_the_tables_survive_a_new_run(run, tmp_path) -> None:
    out = tmp_path / "RESULTS.md"
    out.write_text("# Mine\n\nBefore.\n\n<!-- table: hotpot-sample -->\nof last week\n<!-- end -->\n\nAfter.\n")
    for _ in range(2):
        assert run(HOTPOT, "--limit", 1, "--methods", "truncation", "--rates", "0.5", "--out", out).exit_code == 0
    text = out.read_text()
    assert text.startswith("# Mine\n\nBefore.\n\n<!-- table: hotpot-sample -->\n`python -m")
    assert text.endswith("|\n<!-- end -->\n\nAfter.\n")
    assert "of last week" not in text and text.count("`truncation`") == 1


def test_only_what_was_asked_for_is_measured_in_that_order(run) -> None:
    done = run(NATURAL_QUESTIONS, "--methods", "truncation, llmlingua", "--rates", "0.2", "--limit", 2)
    rows = [line.split("`")[1] for line in done.stdout.splitlines() if line.startswith("| `")]
    assert rows == ["truncation", "llmlingua"]
    assert "answer kept at 5x |" in done.stdout


def test_a_new_method_appears_by_itself_and_one_that_fails_leaves_a_row(run, monkeypatch) -> None:
    def explode(*_):
        raise RuntimeError("no | luck\nat all")

    monkeypatch.setitem(BASELINES, "broken", explode)
    monkeypatch.setitem(METHODS, "unheard_of", METHODS["llmlingua"])  # the settings do not know its name
    done = run(HOTPOT, "--limit", 1, "--rates", "0.5,0.25")
    assert done.exit_code == 0
    rows = {row[0]: row for row in cells(done.stdout) if row[0].startswith("`")}
    assert rows["`broken`"][1:] == ["– / –"] * 6 + ["0", "0 (0)", "2: RuntimeError: no \\| luck at all"]
    assert rows["`unheard_of`"][-1].startswith("2: InvalidInputError: method: ")
    assert rows["`truncation`"][-2:] == ["1 (1)", "0"]


def test_ctrl_c_keeps_what_was_measured(run, monkeypatch, tmp_path) -> None:
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return BASELINES["truncation"](*arguments)

    monkeypatch.setitem(BASELINES, "slow", interrupted)
    out, figures = tmp_path / "RESULTS.md", tmp_path / "figures.json"
    chosen = ("--methods", "truncation,slow", "--rates", "0.5", "--out", out, "--json", figures)
    done = run(HOTPOT, NATURAL_QUESTIONS, *chosen)
    assert done.exit_code == 130
    rows = {row[0]: row for row in cells(out.read_text()) if row[0].startswith("`")}
    assert rows["`truncation`"][-2:] == ["2 (2)", "0"]
    assert rows["`slow`"][-2:] == ["1 (1)", "1: interrupted"]
    assert "## hotpot-sample" in done.stdout and "## nq20-sample" not in done.stdout, "the second was not begun"
    assert [one["error"] for one in json.loads(figures.read_text())["measurements"]] == [None] * 3 + ["interrupted"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl"], "missing.jsonl: cannot be read"),
        ([HOTPOT, HOTPOT], "another file is called 'hotpot-sample' too"),
        ([HOTPOT, "--methods", "best"], "there is no 'best'; there are evidence, longllmlingua, llmlingua"),
        ([HOTPOT, "--rates", "0.5,0"], "rates must lie in (0, 1], got 0"),
        ([HOTPOT, "--rates", "half"], "rates must be numbers separated by commas, got 'half'"),
        ([HOTPOT, "--out", "no/such/folder.md"], "--out no/such/folder.md: not a file in an existing folder"),
        ([HOTPOT, "--tokenizer", "abacus"], "unknown tokenizer 'abacus'"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(run, arguments, message) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_the_figures_of_a_row() -> None:
    table = quality_table(
        [
            measurement(answer_kept=True, support_kept=0.5, seconds=1.0),
            measurement(answer_kept=False, support_kept=0.0, seconds=2.0, tokens=51, question="2"),
            measurement(seconds=9.0, tokens=40, question="3"),
            measurement(rate=0.1, target_tokens=10, tokens=10, answer_kept=True),
        ]
    )
    headings, _, row = cells(table)
    assert dict(zip(headings, row, strict=True)) == {
        "method": "`m`",
        "answer kept at 2x / 10x": ".50 / 1.00",
        "supporting sentences whole at 2x / 10x": ".25 / –",
        "share delivered at 2x / 10x": ".467 / .100",
        "least of a budget used at 2x / 10x": ".800 / 1.000",
        "seconds a question at 2x / 10x": "2.00 / 1.00",
        "above the budget": "1",
        "n (answers)": "3 (2)",
    }


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
