"""The Dockerfile: clean by its linter, safe by default. It is not built here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tersely_cli.app import app

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_the_linter_finds_nothing() -> None:
    done = subprocess.run(["hadolint", str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_it_runs_without_rights_and_without_a_token_in_it() -> None:
    assert re.search(r"^USER 10001$", TEXT, re.MULTILINE)
    assert not re.search(r"^(ENV|ARG).*TOKEN", TEXT, re.MULTILINE)
    entry = re.search(r"^ENTRYPOINT (\[.*\])$", TEXT, re.MULTILINE)
    assert entry and "--allow-anonymous" not in entry[1]


def test_what_it_starts_is_refused_without_a_token(monkeypatch) -> None:
    monkeypatch.delenv("TERSELY_SERVER_TOKEN", raising=False)
    entry = re.search(r"^ENTRYPOINT (\[.*\])$", TEXT, re.MULTILINE)
    done = CliRunner().invoke(app, re.findall(r'"([^"]+)"', entry[1])[1:])
    assert done.exit_code == 2 and "no token is set" in done.stderr


def test_what_it_copies_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists() and f"!{source}" in ignored
