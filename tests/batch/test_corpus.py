"""Which files a corpus is: never what an earlier run has written among them, unless the user names that himself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tersely import CompressionSettings, InvalidInputError
from tersely_batch import BatchOptions, compress_corpus
from tersely_batch.corpus import find_files

OPTIONS = BatchOptions(settings=CompressionSettings(rate=0.5), tokenizer="o200k_base")


@pytest.fixture
def folder(tmp_path, fake_model, monkeypatch) -> Path:
    """A corpus of two files, with the output of a run among them and that of another one beneath it."""
    monkeypatch.chdir(tmp_path)
    folder = Path("corpus")
    for name in ("mills.jsonl", "deep/bakeries.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"text": f"{name} is here. It is old."}) + "\n")
    for out in ("out-a", "deep/out-b"):
        compress_corpus([folder], folder / out, OPTIONS)
    return folder


def names(*sources: str | Path) -> list[str]:
    return [Path(file.name).as_posix() for file in find_files(sources, without=Path("corpus/out-c"))]


OWN = ["corpus/deep/bakeries.jsonl", "corpus/mills.jsonl"]


def test_earlier_outputs_in_a_folder_are_no_input(folder) -> None:
    assert names(folder) == OWN
    assert compress_corpus([folder], folder / "out-c", OPTIONS).rows == 2
    assert compress_corpus([folder], folder / "out-a", OPTIONS).resumed == 2


@pytest.mark.parametrize("pattern", ["corpus/**/*.jsonl", "**/*.jsonl", "corp*", "./corpus/*", "corpus/[dmo]*"])
def test_a_wildcard_does_not_lead_into_earlier_outputs(folder, pattern) -> None:
    assert sorted(names(pattern)) == OWN


def test_an_unfinished_output_and_one_of_another_version_are_known_too(folder) -> None:
    manifest = json.loads((folder / "out-a/manifest.json").read_text())
    (folder / "out-a/manifest.json").write_text(json.dumps({**manifest, "tersely": "9.0", "more": 1}))
    (folder / "deep/out-b/receipts/part-000000.json").unlink()
    assert names(folder) == OWN


def test_a_folder_with_another_manifest_is_input(folder) -> None:
    (folder / "deep/manifest.json").write_text(json.dumps({"name": "a web page"}))
    (folder / "manifest.json").write_text("no json")
    assert names(folder) == OWN


def test_an_output_that_the_user_names_is_input(folder) -> None:
    rows = [f"corpus/out-a/rows/part-00000{number}.jsonl" for number in range(2)]
    assert names(*rows) == names("corpus/out-a/rows") == names("corpus/out-a/rows/*.jsonl") == rows
    assert names("corpus/out-a") == rows


def test_nothing_but_outputs_is_said(folder) -> None:
    for name in OWN:
        os.remove(name)
    for source in (folder, "corpus/**/*.jsonl"):
        with pytest.raises(
            InvalidInputError, match="holds only what earlier runs have written; to compress that again"
        ):
            names(source)
