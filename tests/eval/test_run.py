"""The evaluation from end to end with a scorer that needs no model: files, resuming, failures, wrong calls."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from conftest import DATA
from doubles import PassCount
from tersely.methods import METHODS
from tersely_cli.app import app
from tersely_eval.measure.measurement import read_run
from tersely_eval.peers.baselines import BASELINES
from tersely_eval.report.reports import merged_runs

HOTPOT, NATURAL_QUESTIONS = (str(DATA / f"{name}-sample.jsonl") for name in ("hotpot", "nq20"))
QUICK = ("--methods", "evidence,truncation,full", "--rates", "0.5,0.25")


@pytest.fixture
def evaluate(fake_model, tmp_path, monkeypatch):
    """Call `tersely eval` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["eval", *map(str, arguments)])


def test_a_run_leaves_its_files_and_prints_a_table(evaluate, tmp_path) -> None:
    done = evaluate("--data", HOTPOT, "--data", NATURAL_QUESTIONS, "--limit", 1, *QUICK, "--log-probability")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "tersely-eval" / "1"
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.md", "run.jsonl", "summary.json"]
    run = read_run(folder / "run.jsonl")
    assert len(run.measurements) == 2 * (2 + 2 + 1), "no compression has one rate"
    for measurement in run.measurements:
        assert measurement.error is None and measurement.seconds and measurement.peak_bytes
        assert (
            measurement.method == "full"
            or 0 < measurement.tokens <= measurement.target_tokens < measurement.original_tokens
        )
        assert measurement.answer_log_probability is not None and measurement.answer_log_probability < 0
    assert {measurement.broken_words for measurement in run.measurements} == {0}
    for measurement in run.measurements:
        assert measurement.method == "truncation" or (
            measurement.units_whole,
            measurement.context_missing,
            measurement.cut_units,
        ) == (1.0, 0.0, 0)
        assert measurement.cut_units in (0, 1), "the beginning of a text has one end"
    assert {measurement.data_set for measurement in run.measurements} == {"hotpot-sample", "nq20-sample"}
    text = (folder / "report.md").read_text()
    assert "<!-- table: hotpot-sample -->" in text and "answer kept at 2x / 4x" in text and "`evidence`" in text
    assert "hotpot-sample: 1 questions" in done.stdout
    assert "whole" in done.stdout and "no context" in done.stdout and "cut" in done.stdout
    assert done.stdout.count("got: rate delivered") == 1, "what the columns mean is said once"
    summaries = json.loads((folder / "summary.json").read_text())["summaries"]
    assert len(summaries) == 10
    assert evaluate("--data", HOTPOT, "--limit", 1, *QUICK).exit_code == 0
    assert (tmp_path / "tersely-eval" / "2").is_dir(), "a second run has a folder of its own"


def test_each_measurement_reads_the_documents_anew(tiny_llama, tmp_path, monkeypatch) -> None:
    passes = PassCount(monkeypatch)
    chosen = ["--data", HOTPOT, "--model", tiny_llama, "--methods", "evidence", "--limit", 1]
    reads = []
    for number, rates in enumerate(("0.5", "0.5,0.25", "0.5")):
        before = passes.tokens
        call = ["eval", *chosen, "--rates", rates, "--out", tmp_path / str(number)]
        done = CliRunner().invoke(app, [*map(str, call)])
        assert done.exit_code == 0, done.output
        reads.append(passes.tokens - before)
    assert reads == [reads[0], 2 * reads[0], reads[0]] and reads[0] > 0


def test_what_is_wanted_of_a_question_may_be_said_in_several_ways(evaluate, tmp_path) -> None:
    documents = ["The mill was built in 1820. It was sold in 2009. " + "It turned on and on. " * 20]
    wants = [
        {"answers": ["1931", "1820"]},
        {"needs": ["1820", "2009"]},
        {"needs": ["1820", "on and on"]},
        {"signals": [["built"], ["bought", "sold"], ["on and on"], ["never there"]]},
        {"answerable": False, "answers": ["1820"]},
    ]
    (tmp_path / "wants.jsonl").write_text(
        "".join(json.dumps({"question": "When?", "documents": documents, **want}) + "\n" for want in wants)
    )
    done = evaluate("--data", "wants.jsonl", "--methods", "truncation", "--rates", "0.15", "--out", "x")
    assert done.exit_code == 0, done.output
    run = read_run(tmp_path / "x")
    assert [measurement.answer_kept for measurement in run.measurements] == [1.0, 1.0, 0.0, pytest.approx(2 / 3), None]
    (summary,) = json.loads((tmp_path / "x" / "summary.json").read_text())["summaries"]
    assert summary["answer_kept"] == pytest.approx(2 / 3)
    assert {"units_whole", "context_missing", "cut_units"} <= set(summary)
    assert "units whole at 6.67x" in (tmp_path / "x" / "report.md").read_text()


def test_a_run_from_before_units_were_judged_is_read(evaluate, tmp_path) -> None:
    evaluate("--data", HOTPOT, "--limit", 1, "--methods", "truncation", "--rates", "0.5", "--out", "x")
    file = tmp_path / "x" / "run.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in rows:
        if "measurement" in row:
            for name in ("units_whole", "context_missing", "cut_units"):
                row["measurement"].pop(name, None)
            row["measurement"]["answer_kept"] = True
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (measurement,) = read_run(file).measurements
    assert (measurement.answer_kept, measurement.units_whole, measurement.cut_units) == (1.0, None, None)
    done = evaluate("report", "x", "--markdown", "old.md", "--html", "old.html")
    assert done.exit_code == 0 and "no context " not in done.stdout.partition("got: rate")[0]


def test_without_arguments_it_is_the_set_that_ships(evaluate, tmp_path) -> None:
    done = evaluate("--limit", 2, "--methods", "truncation")
    assert done.exit_code == 0, done.output
    run = read_run(tmp_path / "tersely-eval" / "1" / "run.jsonl")
    assert len(run.measurements) == 6 and {measurement.data_set for measurement in run.measurements} == {
        "python-reference"
    }


def test_ctrl_c_keeps_what_was_measured_and_resume_goes_on(evaluate, monkeypatch, tmp_path) -> None:
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return BASELINES["truncation"](*arguments)

    monkeypatch.setitem(BASELINES, "slow", interrupted)
    done = evaluate("--data", HOTPOT, "--methods", "truncation,slow", "--rates", "0.5", "--out", "here")
    assert done.exit_code == 130
    assert "go on with: tersely eval --resume here" in done.stderr
    file = tmp_path / "here" / "run.jsonl"
    assert len(read_run(file).measurements) == 5
    with file.open("a") as half:
        half.write('{"measurement": {"data_set": "hot')  # as a process leaves it that was killed

    done = evaluate("--resume", "here")
    assert done.exit_code == 0, done.output
    run = read_run(file)
    assert (
        len(run.measurements)
        == 8
        == len({(measurement.question, measurement.method) for measurement in run.measurements})
    )
    assert len(calls) == 5, "what was measured is not measured again"
    assert evaluate("--resume", "here").exit_code == 0 and len(calls) == 5


def test_a_method_that_fails_is_a_row(evaluate, monkeypatch, tmp_path) -> None:
    def explode(*_):
        raise RuntimeError("no luck")

    monkeypatch.setitem(BASELINES, "broken", explode)
    monkeypatch.setitem(METHODS, "unheard_of", METHODS["llmlingua"])  # the settings do not know its name
    done = evaluate("--data", HOTPOT, "--limit", 1, "--methods", "broken,unheard_of,truncation", "--out", "x")
    assert done.exit_code == 0, done.output
    errors = [measurement.error or "" for measurement in read_run(tmp_path / "x" / "run.jsonl").measurements]
    assert errors[:3] == ["RuntimeError: no luck"] * 3
    assert all(error.startswith("InvalidInputError: method: ") for error in errors[3:6])
    assert errors[6:] == [""] * 3
    assert "broken at 0.5 failed 1 times: RuntimeError: no luck" in done.stdout
    assert "RuntimeError: no luck" in (tmp_path / "x" / "report.html").read_text()


def test_a_wrong_price_table_is_said_before_anything_is_measured(evaluate, tmp_path) -> None:
    (tmp_path / "prices.csv").write_text("model,input_dollars\nsmall,much\n")
    done = evaluate("--data", HOTPOT, *QUICK, "--prices", "prices.csv", "--out", "x")
    assert done.exit_code == 2 and "prices.csv, line 2 (small): input_dollars" in done.stderr
    assert not (tmp_path / "x").exists()


def test_resume_goes_with_prices(evaluate, tmp_path) -> None:
    evaluate("--data", HOTPOT, "--limit", 1, "--methods", "truncation", "--out", "x")
    columns = "model,input_dollars,output_dollars,source,read_on"
    (tmp_path / "prices.csv").write_text(f"{columns}\nmine,1,2,a contract,2026-01-31\n")
    assert evaluate("--resume", "x", "--prices", "prices.csv").exit_code == 0
    assert "a contract" in (tmp_path / "x" / "report.md").read_text()


def test_several_runs_are_shown_as_one(evaluate, tmp_path) -> None:
    evaluate("--data", HOTPOT, "--limit", 1, "--methods", "truncation", "--out", "a")
    evaluate("--data", HOTPOT, "--limit", 1, "--methods", "bm25_sentences", "--out", "b")
    done = evaluate("report", "a", "b", "--markdown", "RESULTS.md", "--html", "all.html")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "RESULTS.md").read_text()
    assert "`truncation`" in text and "`bm25_sentences`" in text
    run = merged_runs([read_run("a"), read_run("b")])
    assert [set(example.kept) for example in run.examples] == [{"truncation", "bm25_sentences"}], "side by side"
    assert "bm25_sentences" in done.stdout and "<html" in (tmp_path / "all.html").read_text()


@pytest.mark.parametrize("package", ["jinja2", "matplotlib", "torchmetrics"])
def test_what_is_not_installed_is_said_before_anything_is_measured(evaluate, monkeypatch, tmp_path, package) -> None:
    assert evaluate("--data", HOTPOT, "--limit", 1, "--methods", "truncation", "--out", "x").exit_code == 0
    monkeypatch.setattr("tersely_cli.evaluation.find_spec", lambda name: None if name == package else object())
    for arguments in (["--data", HOTPOT, "--out", "y"], ["report", "x", "--html", "page.html"]):
        done = evaluate(*arguments)
        assert done.exit_code == 2
        assert f"eval needs {package}, not installed: pip install 'tersely[eval]'" in done.stderr
    assert not (tmp_path / "y").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "missing.jsonl"], "missing.jsonl"),
        (["--data", HOTPOT, "--data", HOTPOT], "another file is called 'hotpot-sample' too"),
        (["--methods", "best"], "there is no 'best'; there are evidence, salience, longllmlingua, llmlingua"),
        (["--rates", "0.5,0"], "--rates must lie in (0, 1], got 0"),
        (["--rates", "half"], "--rates must be numbers separated by commas, got 'half'"),
        (["--field", "question"], "--field 'question' must be our name and yours"),
        (["--tokenizer", "abacus"], "unknown tokenizer 'abacus'"),
        (["--reader-url", "http://localhost:1"], "needs --reader"),
        (["--reader", "gpt"], "gpt"),
        (["--resume", "nowhere"], "nowhere"),
        (["--resume", "nowhere", "--limit", "1"], "--resume goes on as the run was planned, without --limit"),
        (["--resume", "nowhere", "--data", HOTPOT, "--out", "x"], "without --data, --out"),
        (["--prices", "missing.csv"], "missing.csv"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(evaluate, arguments, message) -> None:
    done = evaluate(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == ""
