"""Methods with models of their own, such as `pruner:ID`, are measured beside the others."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_encoders
import tiny_pruners
from typer.testing import CliRunner

from conftest import DATA
from tersely import InvalidInputError, ModelError
from tersely_cli.app import app
from tersely_eval.measure import read_run
from tersely_eval.peers import method_names, parse_methods


def test_a_method_may_name_a_model() -> None:
    assert parse_methods(["pruner:a/b", "evidence", "pruner:a/b"]) == ("pruner:a/b", "evidence")
    assert "pruner" not in method_names() and parse_methods(["pruner"]) == ("pruner",)
    for name in ("pruner:", "salience:a/b", "full:a/b", "prune:a/b"):
        with pytest.raises(InvalidInputError, match="such as pruner:ID"):
            parse_methods([name])


def test_trained_compressors_are_measured_by_the_command(tiny_llama: Path, tmp_path: Path) -> None:
    pruner = tiny_pruners.save_provence(tmp_path / "provence")
    classifier = tiny_encoders.save_bert(tmp_path / "bert")
    methods = [f"pruner:{pruner}", f"llmlingua2:{classifier}", "full"]
    arguments = [
        "--data",
        str(DATA / "hotpot-sample.jsonl"),
        "--limit",
        "1",
        "--rates",
        "0.3",
        "--model",
        str(tiny_llama),
    ]
    out = tmp_path / "run"
    result = CliRunner().invoke(app, ["eval", "--methods", ",".join(methods), *arguments, "--out", str(out)])
    assert result.exit_code == 0, result.output
    measured = {measurement.method: measurement for measurement in read_run(out).measurements}
    assert list(measured) == methods and not any(measurement.error for measurement in measured.values())
    assert all(0 < measured[name].tokens <= measured[name].target_tokens for name in methods[:2])


def test_a_model_that_cannot_be_had_ends_the_run_before_it_begins(tiny_llama: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(DATA / "hotpot-sample.jsonl"), "--limit", "1", "--model", str(tiny_llama)]
    result = CliRunner().invoke(
        app, ["eval", "--methods", f"pruner:{tmp_path}/missing", *arguments, "--out", str(tmp_path / "run")]
    )
    assert isinstance(result.exception, ModelError | SystemExit) and "missing" in str(result.exception) + result.output
