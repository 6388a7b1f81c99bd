"""`tersely eval compare`: tables, JSON and Markdown, and the exit code where more got worse than allowed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer
from small_runs import measurement, of_each, run
from typer.testing import CliRunner

from tersely_cli import app as cli
from tersely_cli.comparison import compare_command
from tersely_eval.measure import Run
from tersely_eval.measure.measurement import to_line
from tersely_eval.report import Comparison, compare_runs


@pytest.fixture
def call(tmp_path):
    """Write two runs and compare them on the command line."""
    app = typer.Typer(cls=cli._OneLineErrors)
    app.command("compare")(compare_command)
    app.callback()(lambda: None)

    def compared(before: Run, after: Run, *options: str):
        paths = []
        for name, entry in (("before", before), ("after", after)):
            paths.append(str(tmp_path / f"{name}.jsonl"))
            lines = [to_line(entry.description), *map(to_line, entry.measurements)]
            (tmp_path / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        return CliRunner().invoke(app, ["compare", *paths, *options])

    return compared


BEFORE = of_each(answer_kept=[True] * 20, seconds=[1.0] * 20, broken_words=[0] * 20)
AFTER = of_each(answer_kept=[True] * 10 + [False] * 10, seconds=[0.5] * 20, broken_words=[0] * 20)


def test_the_table_says_what_became_better_and_worse(call) -> None:
    done = call(BEFORE, AFTER)
    assert (done.exit_code, done.stderr) == (0, "")
    rows = {line[:23].strip(): line[23:].split() for line in done.stdout.splitlines()}
    assert "hotpot: evidence at 0.5" in done.stdout
    assert rows["answer kept"][:3] == ["1.000", "0.500", "-0.500"] and rows["answer kept"][-2:] == ["worse", "20"]
    assert rows["seconds, median"][:4] == ["1.000", "0.500", "x", "0.500"] and rows["seconds, median"][-2] == "better"
    assert rows["broken words"] == ["0", "0", "+0", "–", "same", "20"]


def test_a_breach_is_a_line_and_exit_code_1(call) -> None:
    done = call(BEFORE, AFTER, "--max-drop", "answer_kept=0.1", "--max-drop", "seconds=0")
    assert done.exit_code == 1
    assert done.stderr == (
        "tersely: hotpot, evidence at 0.5: answer kept went from 1.000 to 0.500, worse by 0.500; 0.1 is allowed\n"
    )
    assert call(BEFORE, AFTER, "--max-drop", "answer_kept=0.5").exit_code == 0
    assert call(BEFORE, of_each(broken_words=[0] * 19 + [1])).exit_code == 1


def test_json_is_the_comparison_and_nothing_else(call) -> None:
    done = call(BEFORE, AFTER, "--json", "--max-drop", "answer_kept=0.1")
    assert done.exit_code == 1
    parsed = json.loads(done.stdout)
    assert Comparison.model_validate(parsed) == compare_runs(BEFORE, AFTER, {"answer_kept": 0.1})
    assert "worse by 0.500" in parsed["breaches"][0]["text"]


def test_markdown_has_tables_breaches_and_what_is_not_compared(call) -> None:
    alone = run(*AFTER.measurements, *(measurement(number, method="new") for number in range(7)))
    done = call(BEFORE, alone, "--markdown", "--max-drop", "answer_kept=0.1")
    assert "- before: tersely 0.1.0, 2026-01-31: `tersely eval --data hotpot.jsonl`\n" in done.stdout
    assert "### Worse than allowed\n\n- hotpot, evidence at 0.5: answer kept went from" in done.stdout
    assert "| measure | before | after | difference | 95% interval | verdict | pairs |\n| --- |" in done.stdout
    assert "| seconds, median | 1.000 | 0.500 | x 0.500 | 0.500 to 0.500 | better | 20 |" in done.stdout
    assert "- only after: hotpot: new at 0.5, 7 questions (0, 1, 2, 3, 4, ...)" in done.stdout
    assert "Not compared" not in call(BEFORE, AFTER, "--markdown").stdout


def test_a_wrong_call_is_refused_in_one_line(call, tmp_path) -> None:
    for options, message in [
        (["--max-drop", "answer_kept"], "must be a measure and a number"),
        (["--max-drop", "f1=0.1"], "f1 was not measured in both runs"),
        (["--json", "--markdown"], "--json and --markdown exclude each other"),
    ]:
        done = call(BEFORE, AFTER, *options)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert message in done.stderr


def test_a_file_that_is_no_run_is_refused_with_its_name(call) -> None:
    done = call(BEFORE, Run(measurement(), [], []))  # type: ignore[arg-type]
    assert (done.exit_code, done.stdout) == (2, "")
    assert "after.jsonl: does not begin with the description of a run" in done.stderr


def test_without_scipy_it_is_said_what_to_install(call, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    for before, after in [(BEFORE, AFTER), (of_each(seconds=[1.0] * 2), of_each(seconds=[2.0] * 2))]:
        done = call(before, after)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "pip install 'tersely[eval]'" in done.stderr


def test_the_command_line_itself_loads_no_statistics() -> None:
    code = "import sys, tersely_cli.comparison; sys.exit('scipy.stats' in sys.modules or 'rich.table' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
