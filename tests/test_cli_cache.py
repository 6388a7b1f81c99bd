"""`tersely cache` and the folder that all is kept in, where neither can be had: one line, the remedy, no traceback."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tersely import CacheSettings, Compressor, InvalidInputError, ModelError
from tersely.scoring.models import model_path, models_folder
from tersely_cli.app import app

pwd = pytest.importorskip("pwd", reason="users with an entry are a matter of Unix")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def homeless(monkeypatch) -> None:
    def unknown(*_):
        raise KeyError("no entry")

    for name in ("HOME", "TERSELY_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(pwd, "getpwnam", unknown)


@pytest.mark.parametrize("resolves", [True, False], ids=["as it is", "a platformdirs that leaves ~"])
@pytest.mark.parametrize(
    "command", [("models", "list"), ("cache", "info"), ("cache", "clear"), ("compress", "-r", "1")]
)
def test_without_a_home_it_says_what_to_set(homeless, monkeypatch, tmp_path, command, resolves) -> None:
    if not resolves:
        monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: "~/.cache/tersely")
    (tmp_path / "mill.txt").write_text("The mill is old.")
    ran = run(*command, *([tmp_path / "mill.txt"] if command[0] == "compress" else []))
    assert ran.exit_code == 1
    assert ran.stderr.count("\n") == 1 and "set TERSELY_HOME to a writable folder" in ran.stderr


def test_a_path_from_a_home_that_there_is_not(homeless) -> None:
    with pytest.raises(ModelError, match="'~/model' begins with a home that there is not"):
        model_path("~/model")


def test_with_a_folder_of_its_own_no_home_is_needed(homeless, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TERSELY_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "models"


def test_an_index_that_cannot_be_written_is_an_error(fresh_home, tiny_llama, tmp_path) -> None:
    (tmp_path / "mill.txt").write_text("The mill is old. " * 5)
    fresh_home.mkdir()
    (fresh_home / "kept").write_text("a file where the folder should be")
    ran = run("cache", "index", tmp_path / "mill.txt", "--model", tiny_llama, "--method", "llmlingua")
    assert ran.exit_code == 2
    assert f"nothing can be kept: {fresh_home / 'kept'} cannot be written (" in ran.stderr
    (fresh_home / "kept").unlink()
    ran = run("cache", "index", tmp_path / "mill.txt", "--model", tiny_llama, "--method", "llmlingua")
    assert ran.exit_code == 0 and "0 entries" not in ran.stdout


def test_an_index_of_nothing_is_an_error(fresh_home, tmp_path) -> None:
    (tmp_path / "blank.txt").write_text(" \n")
    ran = run("cache", "index", tmp_path / "blank.txt")
    assert ran.exit_code == 2 and "nothing to keep: none of the documents has any text" in ran.stderr


def test_an_index_without_memory_and_disk_is_an_error(tiny_llama) -> None:
    compressor = Compressor(tiny_llama, cache=CacheSettings(memory_bytes=0, disk_bytes=0), tokenizer=len)
    with pytest.raises(InvalidInputError, match="nothing can be kept: memory_bytes and disk_bytes of the cache are 0"):
        compressor.index(["The mill is old."], method="llmlingua")
    assert compressor.compress(["The mill is old. It is sold."], rate=0.6).context
