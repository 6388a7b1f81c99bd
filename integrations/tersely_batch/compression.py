"""A shard, compressed: its rows read one by one, what became of them written, and a receipt last of all.

The same shard gives the same files wherever and however often it is compressed, so that doing it twice does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from tersely import Compressor
from tersely_batch import jsonl_files
from tersely_batch.atomic import remove_unfinished, unfinished, whole_file
from tersely_batch.corpus import files_of
from tersely_batch.options import BatchOptions
from tersely_batch.rows import BadRow, CompressedRow, compress_row
from tersely_batch.shards import Receipt, Shard

_ROWS, _ERRORS, _RECEIPTS = "rows", "errors", "receipts"


def tidy_folders(out: Path) -> None:
    """Make the folders of an output, if need be, and clear what killed processes left half done in them."""
    for name in (_ROWS, _ERRORS, _RECEIPTS):
        (out / name).mkdir(parents=True, exist_ok=True)
        remove_unfinished(out / name)


def compress_shard(
    shard: Shard,
    out: Path,
    options: BatchOptions,
    compressor: Compressor,
    advance: Callable[[int], None] = lambda rows: None,
) -> Receipt:
    """Compress a shard, and write its files into `out`.

    Args:
        advance: called with 1 after each row.

    Raises:
        InvalidInputError: the input is not what it was when the shards were planned.
        ModelError, OSError, MemoryError: as `compress_row`.
    """
    begun = time.perf_counter()
    bad: list[BadRow] = []
    totals = {"rows": 0, "missed": 0, "original_tokens": 0, "compressed_tokens": 0}

    def compressed() -> Iterator[CompressedRow]:
        for source in files_of(shard.format).read(shard):
            row = compress_row(compressor, source, options.question, options.instruction)
            if isinstance(row, BadRow):
                bad.append(row)
            else:
                totals["rows"] += 1
                totals["missed"] += row.smallest_useful_budget is not None
                totals["original_tokens"] += row.original_tokens
                totals["compressed_tokens"] += row.compressed_tokens
                yield row
            advance(1)

    rows_file = _rows_file(shard, out, options)
    errors_file = out / _ERRORS / f"{shard.name}.jsonl"
    with whole_file(rows_file) as stream:
        files_of(options.format or shard.format).write(compressed(), stream)
    written = [rows_file]
    errors_file.unlink(missing_ok=True)
    if bad:
        with whole_file(errors_file) as stream:
            jsonl_files.write(bad, stream)
        written.append(errors_file)
    receipt = Receipt(
        shard=shard.number,
        errors=len(bad),
        **totals,
        seconds=time.perf_counter() - begun,
        files={str(path.relative_to(out)): path.stat().st_size for path in written},
    )
    with whole_file(_receipt_file(shard, out)) as stream:
        stream.write(receipt.model_dump_json(indent=2).encode() + b"\n")
    return receipt


def receipt_of(shard: Shard, out: Path) -> Receipt | None:
    """The receipt of a shard that is done: its files are there, as long as they were; None where it is to be done."""
    try:
        receipt = Receipt.model_validate_json(_receipt_file(shard, out).read_bytes())
        if all((out / name).stat().st_size == size for name, size in receipt.files.items()):
            return receipt
    except (FileNotFoundError, ValidationError):
        pass
    return None


def deaths(shard: Shard, out: Path, options: BatchOptions) -> int:
    """How many processes died in this run while they compressed the shard."""
    return unfinished(_rows_file(shard, out, options))


def in_process(
    shards: Iterable[Shard], out: Path, options: BatchOptions, advance: Callable[[int], None]
) -> Iterator[Receipt]:
    """The engine that needs nothing: one shard after the other, in this process."""
    compressor = None
    for shard in shards:
        compressor = compressor or options.compressor()
        yield compress_shard(shard, out, options, compressor, advance)


def _rows_file(shard: Shard, out: Path, options: BatchOptions) -> Path:
    return out / _ROWS / f"{shard.name}.{options.format or shard.format}"


def _receipt_file(shard: Shard, out: Path) -> Path:
    return out / _RECEIPTS / f"{shard.name}.json"
