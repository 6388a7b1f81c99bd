"""A run over a corpus: begun once, gone on with as often as needed, by one driver at a time.

An output folder holds `manifest.json` (options and inputs), `rows/`, `errors/` and `receipts/`, each with a file a
shard; a shard of which no row was bad has none in `errors/`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from tersely import InvalidInputError, __version__
from tersely.errors import complaint
from tersely_batch.atomic import remove_unfinished, whole_file
from tersely_batch.compression import in_process, receipt_of, tidy_folders
from tersely_batch.corpus import MANIFEST, Plan, find_files, plan
from tersely_batch.options import BatchOptions
from tersely_batch.shards import InputFile, Receipt, Shard

_LOCK = ".lock"


class Engine(Protocol):
    """Compresses shards, wherever and in whatever order, and gives the receipt of each once it is done."""

    def __call__(
        self, shards: list[Shard], out: Path, options: BatchOptions, advance: Callable[[int], None]
    ) -> Iterator[Receipt]: ...


class Totals(BaseModel):
    """What became of a corpus.

    Attributes:
        rows: compressed.
        errors: that could not be compressed, each in `errors/`.
        missed: of the rows compressed, those whose budget does not hold the most relevant unit; their notes say so.
        original_tokens, compressed_tokens: of the rows that were compressed.
        shards: output files.
        resumed: those of them that were there before this run began.
        seconds: that workers spent on all of them, summed over workers and runs.
    """

    rows: int
    errors: int
    missed: int
    original_tokens: int
    compressed_tokens: int
    shards: int
    resumed: int
    seconds: float


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tersely: str
    options: BatchOptions
    inputs: list[InputFile]


def compress_corpus(
    inputs: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: BatchOptions,
    *,
    engine: Engine = in_process,
    advance: Callable[[int, int], None] = lambda done, all: None,
) -> Totals:
    """Compress a corpus, or go on where a run was interrupted. Memory holds a shard at a time, not the corpus.

    Args:
        inputs: JSONL and Parquet files, folders of them and patterns, such as `corpus/*.parquet`.
        out: a folder; new, empty, or of a run with the same inputs and options.
        options: what is done with each row.
        engine: who does it: this process by default, or a `tersely_ray.batch.RayEngine`.
        advance: called with the rows that are done, and how many there are.

    Raises:
        InvalidInputError: an input cannot be read, the run in `out` was begun otherwise, or another one is at work.
        ModelError, TokenizerError: the model or the tokenizer cannot be had.
        OSError: a file cannot be written.
    """
    out = Path(out)
    options.check()
    with _alone(out):
        planned = plan(find_files(inputs, without=out), options.shard_rows)
        _open_manifest(out, options, planned)
        tidy_folders(out)
        resumed = [receipt for shard in planned.shards if (receipt := receipt_of(shard, out))]
        done = sum(receipt.rows + receipt.errors for receipt in resumed)
        total = sum(file.rows for file in planned.inputs)
        advance(done, total)

        def advance_by(rows: int) -> None:
            nonlocal done
            done += rows
            advance(done, total)

        finished = {receipt.shard for receipt in resumed}
        left = [shard for shard in planned.shards if shard.number not in finished]
        receipts = [*resumed, *engine(left, out, options, advance_by)] if left else resumed
        tidy_folders(out)
    return _totals(planned, receipts, len(resumed))


def _totals(planned: Plan, receipts: list[Receipt], resumed: int) -> Totals:
    rows = {receipt.shard: receipt.rows + receipt.errors for receipt in receipts}
    lost = [shard.name for shard in planned.shards if rows.get(shard.number) != shard.rows]
    if lost:
        raise RuntimeError(f"these shards do not account for all of their rows: {', '.join(lost[:5])}; run it again")
    names = ("rows", "errors", "missed", "original_tokens", "compressed_tokens", "seconds")
    sums: dict[str, Any] = {name: sum(getattr(receipt, name) for receipt in receipts) for name in names}
    return Totals(**sums, shards=len(receipts), resumed=resumed)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep every other driver out of the folder; a killed one does not."""
    if out.exists() and not out.is_dir():
        raise InvalidInputError(f"{out}: a file; name a folder for the output")
    if out.is_dir() and not (out / MANIFEST).exists() and any(not path.name.startswith(".") for path in out.iterdir()):
        raise InvalidInputError(f"{out}: holds other files and no {MANIFEST}; name a new folder, or empty it")
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InvalidInputError(f"{out}: another run is at work in this folder; wait for it, or stop it") from None
    try:
        yield
    finally:
        lock.release()


def _open_manifest(out: Path, options: BatchOptions, planned: Plan) -> None:
    """Write what this run is, or check that it is the one that was begun."""
    now = _Manifest(tersely=__version__, options=options, inputs=planned.inputs)
    remove_unfinished(out)
    path = out / MANIFEST
    if not path.exists():
        with whole_file(path) as stream:
            stream.write(now.model_dump_json(indent=2).encode() + b"\n")
        return
    try:
        before = _Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InvalidInputError(
            f"{path}: not readable as the manifest of a run by tersely {__version__} "
            f"({complaint(error, _Manifest, most=1)}); name another folder"
        ) from None
    differences = [*_differences(before, now), *_changed_files(before.inputs, now.inputs)]
    if differences:
        raise InvalidInputError(
            f"{out} holds a run that was begun otherwise: {'; '.join(differences)}. Go on as it was begun, or name "
            f"another folder"
        )


def _differences(before: _Manifest, now: _Manifest) -> Iterator[str]:
    old, new = ({"tersely": run.tersely, **_flat(run.options)} for run in (before, now))
    for name in new:
        if old[name] != new[name]:
            yield f"{name} was {old[name]!r}, is {new[name]!r}"


def _flat(options: BatchOptions) -> dict[str, Any]:
    values = options.model_dump()
    return {**values.pop("settings"), **values}


def _changed_files(before: list[InputFile], now: list[InputFile]) -> Iterator[str]:
    old, new = ({file.file: file for file in files} for files in (before, now))
    for name, file in old.items():
        if name not in new:
            yield f"input {name} is missing"
        elif file != new[name]:
            yield f"input {name} has changed"
    yield from (f"input {name} is new" for name in new if name not in old)
    if list(old) != list(new) and set(old) == set(new):
        yield "inputs stand in another order"
