"""Which files a corpus is, and the shards that they make. Rows are read elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from glob import escape, glob
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tersely import InvalidInputError
from tersely_batch import jsonl_files
from tersely_batch.shards import Format, InputFile, Shard

MANIFEST = "manifest.json"
_FORMATS: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


class CorpusFile(NamedTuple):
    """A file of the corpus.

    Attributes:
        name: as the user gave it.
        path: absolute.
        format: what its suffix says.
    """

    name: str
    path: Path
    format: Format


class Plan(NamedTuple):
    """A corpus cut into shards."""

    inputs: list[InputFile]
    shards: list[Shard]


def find_files(sources: Iterable[str | os.PathLike[str]], without: Path) -> list[CorpusFile]:
    """The files of a corpus: those named, in that order; those of a folder or a pattern sorted. None comes twice.

    Args:
        sources: files, folders (all that is beneath, but for hidden names and outputs of runs) and patterns such as
            `corpus/*.parquet` (without such outputs, too, where a wildcard leads into them).
        without: a folder whose files are none of the corpus, wherever it is: the output's.

    Raises:
        InvalidInputError: there is no such file, or it is neither JSONL nor Parquet; the message names it.
    """
    by_path: dict[Path, CorpusFile] = {}
    for source in sources:
        for path in _paths(os.fspath(source)):
            absolute = path.resolve()
            if not absolute.is_relative_to(without.resolve()):
                name = os.fsencode(path).decode(errors="replace")
                by_path.setdefault(absolute, CorpusFile(name, absolute, _FORMATS[path.suffix.lower()]))
    if not by_path:
        raise InvalidInputError("no input: name at least one .jsonl or .parquet file")
    return list(by_path.values())


def plan(files: Sequence[CorpusFile], shard_rows: int) -> Plan:
    """Read all files once: what they are, and where their shards begin. No shard holds rows of two files.

    Raises:
        InvalidInputError: a file is not what its suffix says, or pyarrow is missing.
    """
    inputs: list[InputFile] = []
    shards: list[Shard] = []
    for file in files:
        input_file, its_shards = files_of(file.format).plan(file.name, file.path, shard_rows, len(shards))
        inputs.append(input_file)
        shards += its_shards
    return Plan(inputs, shards)


def files_of(format: Format) -> ModuleType:
    """What reads and writes a format: `jsonl_files` or `parquet_files`, which have the same functions."""
    if format == "jsonl":
        return jsonl_files
    from tersely_batch import parquet_files

    return parquet_files


def _paths(source: str) -> Iterator[Path]:
    path = Path(source)
    if path.is_dir():
        beneath = [file for file in sorted(path.rglob("*")) if file.is_file() and file.suffix.lower() in _FORMATS]
        visible = [file for file in beneath if not _hidden(file.relative_to(path))]
        if not visible:
            raise InvalidInputError(f"{source}: no {', '.join(_FORMATS)} files in this folder")
        yield from _without_outputs(visible, path, source)
    elif path.exists():
        if path.suffix.lower() not in _FORMATS:
            raise InvalidInputError(f"{source}: must be one of {', '.join(_FORMATS)}; convert or unpack it first")
        yield path
    else:
        matches = [Path(match) for match in sorted(glob(source, recursive=True))]
        if not matches:
            raise InvalidInputError(f"{source}: no such file or folder, and no file matches it as a pattern")
        for match in _without_outputs(matches, _fixed_part(path), source):
            yield from _paths(str(match))


def _without_outputs(paths: Sequence[Path], folder: Path, source: str) -> list[Path]:
    """The paths that are not in what a run has written somewhere beneath the folder, which the user named himself."""
    outputs: dict[Path, bool] = {}

    def is_output(path: Path) -> bool:
        if path not in outputs:
            outputs[path] = _is_output(path)
        return outputs[path]

    kept = []
    for path in paths:
        below = path.relative_to(folder)
        if not any(is_output(folder / part) for part in (below, *below.parents) if part.parts):
            kept.append(path)
    if not kept:
        raise InvalidInputError(
            f"{source}: holds only what earlier runs have written; to compress that again, name its files or folder"
        )
    return kept


def _is_output(folder: Path) -> bool:
    """Whether a run has written there: its manifest says so, of whatever version it is."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.keys() >= {"tersely", "options", "inputs"}


def _fixed_part(pattern: Path) -> Path:
    """The folder before the first wildcard."""
    return Path(*takewhile(lambda part: escape(part) == part, pattern.parts))


def _hidden(path: Path) -> bool:
    """Spark and Hive begin the names of what is no data with an underscore."""
    return any(part.startswith((".", "_")) for part in path.parts)
