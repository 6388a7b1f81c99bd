"""The command line as a user meets it: what goes to which stream, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tersely
from tersely import CompressionResult
from tersely_cli.app import app

COMMAND = [sys.executable, "-c", "import sys; sys.argv[0] = 'tersely'; from tersely_cli.app import app; app()"]
TEXT = "The water mill on the river was opened in 1820 by two brothers. It closed a hundred years later. " * 5


@pytest.fixture
def run(fake_model):
    """Run the command line in this process, with a scorer that needs no model."""

    def run(*arguments, stdin=None):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env={"COLUMNS": "200"})

    return run


@pytest.fixture
def mill(tmp_path) -> Path:
    path = tmp_path / "mill.txt"
    path.write_text(TEXT)
    return path


def test_context_on_standard_output_and_account_on_standard_error(run, mill, fake_scorer) -> None:
    done = run("compress", mill, "--rate", "0.5", "--protect", r"in \d{4}")
    assert done.exit_code == 0
    expected = tersely.Compressor(fake_scorer).compress([TEXT], rate=0.5, protect=[r"in \d{4}"])
    assert done.stdout == expected.context + "\n"
    assert "in 1820" in done.stdout
    assert "mill.txt" in done.stderr
    assert f"budget {expected.target_tokens} tokens: {expected.compressed_tokens} used" in done.stderr


def test_a_gap_marker_stands_where_something_was_left_out(run, mill) -> None:
    done = run("compress", mill, "--rate", "0.5", "--gap-marker", " [...] ")
    assert done.exit_code == 0 and " [...] " in done.stdout
    done = run("compress", mill, "--rate", "0.5", "--gap-marker", "")
    assert done.exit_code == 2 and "gap_marker" in done.stderr


def test_what_did_not_fit_is_said_once_under_the_table(run, mill) -> None:
    done = run("compress", mill, "-t", "3", "-q", "When was it opened?")
    assert done.exit_code == 0 and done.stdout == "\n"
    said = " ".join(done.stderr.split())
    assert said.count("the most relevant unit") == 1 and "more than 3: nothing is kept" in said
    assert said.index("→") < said.index("the most relevant unit")


def test_fragments_are_kept_where_they_are_asked_for(run, mill) -> None:
    call = ("compress", mill, "-t", "12", "-q", "When was it opened?")
    assert run(*call).stdout == "\n"
    fragment = run(*call, "--fragments").stdout
    assert "[...]" in fragment and len(fragment.split()) > 4


def test_json_is_the_whole_result(run, mill) -> None:
    done = run("compress", mill, "-t", "30", "-q", "When was it opened?", "--json")
    result = CompressionResult.model_validate(
        {name: value for name, value in json.loads(done.stdout).items() if name not in ("rate", "ratio")}
    )
    assert result.question == "When was it opened?"
    assert 0 < result.compressed_tokens <= 30
    assert result.documents[0].document.id == str(mill)


def test_prompt_has_instruction_and_question(run, mill) -> None:
    done = run("compress", mill, "-t", "30", "-q", "When?", "--instruction", "Be brief.", "--prompt")
    assert done.stdout.startswith("Be brief.\n\n")
    assert done.stdout.endswith("\n\nWhen?\n")


def test_html_is_written_beside_the_text(run, mill, tmp_path) -> None:
    page = tmp_path / "kept.html"
    done = run("compress", mill, "-r", "0.5", "--html", page)
    assert done.exit_code == 0 and done.stdout
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_standard_input_and_files_together(run, mill) -> None:
    done = run("compress", "-", mill, "-r", "0.9", "--json", stdin='{"text": "a b c", "id": "x"}\n')
    assert [d["document"]["id"] for d in sorted(json.loads(done.stdout)["documents"], key=lambda d: d["index"])] == [
        "x",
        str(mill),
    ]


def test_one_bad_document_is_repaired_or_left_out_and_said(run, mill, tmp_path) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "Sales of \\ud800 rose."}\nno json\n')
    ran = run("compress", mill, tmp_path / "d.jsonl", "-r", "1", "--json")
    assert ran.exit_code == 0
    (repaired,) = json.loads(ran.stdout)["repaired"]
    assert repaired["index"] == 1
    assert f"repaired document 1: {repaired['reason']}" in " ".join(ran.stderr.split())
    assert f"tersely: left out {tmp_path / 'd.jsonl'}:2: not JSON" in ran.stderr
    ran = run("compress", mill, tmp_path / "d.jsonl", "-r", "1", "--strict")
    assert ran.exit_code == 2 and "d.jsonl:2: not JSON" in ran.stderr
    (tmp_path / "d.jsonl").write_text('{"text": "Sales of \\ud800 rose."}\n')
    ran = run("compress", mill, tmp_path / "d.jsonl", "-r", "1", "--strict")
    assert ran.exit_code == 2 and "documents[1] has a lone surrogate" in ran.stderr


def test_order_and_method_reach_the_compressor(run, tmp_path) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "aa bb"}\n{"text": "cc dd"}\n')
    arguments = ("compress", tmp_path / "d.jsonl", "-r", "1", "-q", "aa?", "--json")
    assert json.loads(run(*arguments, "-m", "llmlingua").stdout)["method"] == "llmlingua"
    original = json.loads(run(*arguments, "--order", "original").stdout)
    assert [document["index"] for document in original["documents"]] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compress", "FILE"], "no budget: give --rate (such as 0.25) or --target-tokens (such as 500)"),
        (["compress", "FILE", "-r", "0.5", "-t", "5"], "exclude each other"),
        (["compress", "FILE", "-r", "1.5"], "rate: input should be less than or equal to 1, got 1.5"),
        (["compress", "FILE", "-r", "0"], "rate: input should be greater than 0, got 0.0"),
        (["compress", "FILE", "-r", "half"], "--rate"),
        (["compress", "FILE", "-t", "-5"], "target_tokens"),
        (
            ["compress", "FILE", "-r", "0.5", "-m", "magic"],
            "'llmlingua2' or 'pruner', got 'magic'",
        ),
        (["compress", "FILE", "-r", "0.5", "--order", "odd"], "order: input should be 'original'"),
        (["compress", "FILE", "-r", "0.5", "-m", "longllmlingua"], "needs a question"),
        (["compress", "FILE", "-r", "0.5", "-m", "evidence"], "needs a question"),
        (["compress", "FILE", "-r", "0.5", "-q", "  "], "question is empty"),
        (["compress", "FILE", "-r", "0.5", "--protect", "("], "does not compile"),
        (["compress", "FILE", "-t", "3", "--protect", "water mill on the river"], "protected text alone takes"),
        (["compress", "FILE", "-r", "0.5", "--tokenizer", "nope"], "unknown tokenizer 'nope'"),
        (["compress", "FILE", "-r", "0.5", "--json", "--prompt"], "--json and --prompt exclude each other"),
        (["compress", "FILE", "-r", "0.5", "--html", "/no/such/folder/x.html"], "--html"),
        (["compress", "nothere.txt", "-r", "0.5"], "nothere.txt: no such file or folder"),
        (["compress", "-r", "0.5"], "Missing argument"),
        (["compress", "FILE", "--nope"], "No such option"),
        (["squash"], "No such command 'squash'"),
        (["demo", "-q", "99"], "there is no built-in question 99"),
        (["demo", "-q", " "], "the question is empty"),
        (["demo", "-r", "7"], "rate: input should be less"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(run, mill, arguments, message) -> None:
    done = run(*(mill if argument == "FILE" else argument for argument in arguments))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("tersely: ") and done.stderr.count("\n") == 1
    assert message in done.stderr


def test_a_model_that_cannot_be_had_is_exit_code_1(mill) -> None:
    done = CliRunner().invoke(app, ["compress", str(mill), "-r", "0.5", "--model", "nosuch"])
    assert done.exit_code == 1
    assert done.stderr.startswith("tersely: unknown model 'nosuch'") and done.stderr.count("\n") == 1


def test_control_c_is_exit_code_130(run, mill, monkeypatch) -> None:
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tersely.compressor.Compressor.compress", interrupted)
    assert run("compress", mill, "-r", "0.5").exit_code == 130


def test_a_bug_is_not_hidden(run, mill, monkeypatch) -> None:
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("tersely.compressor.Compressor.compress", broken)
    assert isinstance(run("compress", mill, "-r", "0.5").exception, ZeroDivisionError)


def test_models(run, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TERSELY_HOME", str(tmp_path))
    assert run("models", "list").stdout.split()[:4] == ["smollm2-135m-instruct", "-", "not", "fetched"]
    assert run("models", "path").exit_code == 1
    assert "run `tersely models fetch no/such`" in run("models", "path", "no/such").stderr

    folder = tmp_path / "models" / "small"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"name": "small", "gguf_sha256": "", "weights_sha256": ""}')
    (folder / "model.safetensors").write_bytes(b"x" * 2_000_000)
    assert run("models", "list").stdout.splitlines()[1].split() == ["small", "2", "MB", "ready", str(folder)]
    assert run("models", "path", "small").stdout == f"{folder}\n"
    assert run("models", "fetch", folder).stdout == f"{folder}\n"
    done = run("models", "remove", "small")
    assert done.exit_code == 0 and done.stdout == "" and not folder.exists()
    assert run("models", "remove", "small").exit_code == 1


def test_help_names_the_commands(run) -> None:
    for arguments in ([], ["--help"]):
        done = run(*arguments)
        assert done.exit_code == 0
        assert all(command in done.stdout for command in ("compress", "demo", "models"))


class TestRealProcess:
    """The streams and exit codes of the installed program, where no test runner stands between."""

    def test_version_is_quick_and_imports_no_torch(self) -> None:
        code = (
            "import sys; from tersely_cli.app import app; sys.argv = ['tersely', '--version']\n"
            "try: app()\n"
            "finally: print('torch' in sys.modules, 'transformers' in sys.modules)"
        )
        done = _process([sys.executable, "-c", code])
        assert done.stdout == f"tersely {tersely.__version__}\nFalse False\n"

    def test_misuse(self, tmp_path) -> None:
        done = _process([*COMMAND, "compress", str(tmp_path / "nothere"), "-r", "0.5"])
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"tersely: {tmp_path / 'nothere'}: no such file or folder\n"

    def test_what_fits_passes_through(self, tmp_path, tiny_llama) -> None:
        (tmp_path / "d.txt").write_text("café – 1820\n", encoding="utf-8")
        arguments = ["compress", str(tmp_path / "d.txt"), "-r", "1", "--model", str(tiny_llama)]
        done = _process([*COMMAND, *arguments], PYTHONIOENCODING="ascii")
        assert done.returncode == 0
        assert done.stdout == "café – 1820\n"
        assert "nothing was dropped" in done.stderr

    @pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
    def test_a_reader_that_went_away_is_no_error_message(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*COMMAND, "demo", "--list"], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        assert done.stderr == ""


@pytest.mark.model
def test_the_embedded_model_compresses_standard_input() -> None:
    done = _process([*COMMAND, "compress", "-", "-t", "40", "-q", "When was the mill opened?"], stdin=TEXT)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert "budget 40 tokens" in done.stderr and "Traceback" not in done.stderr


def _process(command, stdin: str | None = None, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "COLUMNS": "200", **environment},
    )
