"""`tersely batch` as a user meets it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tersely_cli.app import app


@pytest.fixture
def run(fake_model):
    return lambda *arguments: CliRunner().invoke(app, ["batch", *map(str, arguments)])


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps({"id": n, "text": f"Mill {n} is old. It is closed."}) + "\n" for n in range(5)))
    return path


def test_the_account_says_what_came_out_and_what_was_there(run, corpus, tmp_path) -> None:
    arguments = (corpus, tmp_path / "out", "-r", "0.5", "--shard-rows", "2")
    done = run(*arguments)
    assert done.exit_code == 0 and done.stdout == ""
    assert "rows compressed: 5; tokens: 50 → " in done.stderr
    again = run(*arguments)
    assert again.exit_code == 0 and "3 of 3 shards were done already" in again.stderr
    other = run(*arguments, "-q", "Which?")
    assert other.exit_code == 2 and "question was None, is 'Which?'" in other.stderr


def test_rows_whose_budget_holds_nothing_useful_are_counted(run, corpus, tmp_path) -> None:
    arguments = (corpus, tmp_path / "out", "-q", "Which mill is old?", "-t", "2")
    for _ in range(2):
        done = run(*arguments)
        assert done.exit_code == 0
        assert "5 of them with a budget that does not hold the most relevant unit" in " ".join(done.stderr.split())
    assert "more than 2: nothing is kept" in (tmp_path / "out" / "rows" / "part-000000.jsonl").read_text()


def test_bad_rows_show_in_the_exit_code(run, corpus, tmp_path) -> None:
    with corpus.open("a") as file:
        file.write("oops\n")
    done = run(corpus, tmp_path / "out", "-r", "0.5")
    assert done.exit_code == 3
    assert "1 of 6 rows could not be compressed" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no budget: give rate"),
        (["-r", "2"], "rate: input should be less than or equal to 1, got 2.0"),
        (["-r", "0.5", "--format", "csv"], "format: input should be 'jsonl' or 'parquet', got 'csv'"),
        (["-r", "0.5", "--engine", "spark"], "--engine"),
        (["-r", "0.5", "--workers", "2"], "--workers is for workers of Ray: add --engine ray"),
        (["-r", "0.5", "--model", ""], "model: "),
        (["-r", "0.5", "--tokenizer", "nope"], "unknown tokenizer 'nope'"),
    ],
)
def test_a_wrong_call_is_said_in_one_line(run, corpus, tmp_path, arguments, message) -> None:
    done = run(corpus, tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr and done.stderr.count("\n") == 1
