"""Parquet: its shards, its rows, and how output is written as Parquet. Needs pyarrow, which only this file imports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from tersely import InvalidInputError
from tersely_batch.rows import SourceRow
from tersely_batch.shards import InputFile, Shard

try:
    import pyarrow as arrow
    from pyarrow import parquet
except ModuleNotFoundError as error:
    raise InvalidInputError(f"Parquet needs {error.name}, which is not installed: pip install pyarrow") from None

if TYPE_CHECKING:
    from pyarrow import RecordBatch

_BATCH_ROWS = 256  # read at once


def plan(file: str, path: Path, shard_rows: int, first_number: int) -> tuple[InputFile, list[Shard]]:
    """What the file is and its shards; see `jsonl_files.plan`.

    Raises:
        InvalidInputError: it is no Parquet file.
    """
    try:
        with parquet.ParquetFile(path) as opened:
            rows = opened.metadata.num_rows
    except arrow.ArrowException as error:
        raise InvalidInputError(f"{file}: cannot be read as Parquet ({error})") from None
    shards = [
        Shard(
            number=first_number + index,
            file=file,
            path=str(path),
            format="parquet",
            first_row=start + 1,
            offset=0,
            rows=min(shard_rows, rows - start),
        )
        for index, start in enumerate(range(0, rows, shard_rows))
    ]
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return InputFile(file=file, size=path.stat().st_size, sha256=digest.hexdigest(), rows=rows), shards


def read(shard: Shard) -> Iterator[SourceRow]:
    """The shard's rows.

    Raises:
        InvalidInputError: the file cannot be read, or ends before them: it has changed.
    """
    rows_read = 0
    try:
        for row in islice(_rows(shard), shard.rows):
            number = shard.first_row + rows_read
            rows_read += 1
            yield SourceRow(shard.file, number, partial(_value, row), partial(_original, row))
    except (arrow.ArrowException, OSError) as error:  # a damaged page raises either
        raise InvalidInputError(f"{shard.file}: cannot be read as Parquet ({error})") from None
    if rows_read < shard.rows:
        raise InvalidInputError(f"{shard.file} has changed while it was read: put back what it was and start again")


def write(rows: Iterable[BaseModel], stream: BinaryIO) -> None:
    """Write rows as one row group; `metadata`, whose keys may be any, as JSON text."""
    table = arrow.Table.from_pylist([_columns(row) for row in rows], schema=_schema())
    parquet.write_table(table, stream, compression="zstd")


def _rows(shard: Shard) -> Iterator[RecordBatch]:
    """From the shard's first row on, each as a table of one row. Reads only the row groups that hold some."""
    skip = shard.first_row - 1
    with parquet.ParquetFile(shard.path) as opened:
        groups, before = [], 0
        for group in range(opened.num_row_groups):
            rows = opened.metadata.row_group(group).num_rows
            if before + rows <= shard.first_row - 1:
                skip -= rows
            elif before < shard.first_row - 1 + shard.rows:
                groups.append(group)
            before += rows
        for batch in opened.iter_batches(batch_size=_BATCH_ROWS, row_groups=groups):
            for index in range(skip, batch.num_rows):
                yield batch.slice(index, 1)
            skip = max(0, skip - batch.num_rows)


def _value(row: RecordBatch) -> Any:
    return row.to_pylist(maps_as_pydicts="strict")[0]


def _original(row: RecordBatch) -> str | bytes:
    try:
        return json.dumps(to_jsonable_python(_value(row), bytes_mode="base64", fallback=str), ensure_ascii=False)
    except Exception:  # text that is none, or a type that Python has no value for
        sink = arrow.BufferOutputStream()
        with arrow.ipc.new_stream(sink, row.schema) as stream:
            stream.write_batch(row)
        return bytes(sink.getvalue().to_pybytes())


def _columns(row: BaseModel) -> dict[str, Any]:
    columns = row.model_dump(mode="json")
    return {**columns, "metadata": json.dumps(columns["metadata"], ensure_ascii=False)}


def _schema() -> Any:
    """Of `CompressedRow`."""
    text, count = arrow.string(), arrow.int64()
    span = arrow.list_(count)
    document = {
        "index": count,
        "id": text,
        "title": text,
        "kept": arrow.list_(span),
        "original_tokens": count,
        "compressed_tokens": count,
        "relevance": arrow.float64(),
        "short_title": text,
        "instead": arrow.list_(span),
        "copy_of": count,
    }
    unit = {
        "index": count,
        "id": text,
        "span": span,
        "tokens": count,
        "budget": count,
        "relevance": arrow.float64(),
    }
    remark = {"index": count, "id": text, "reason": text}
    return arrow.schema(
        {
            "file": text,
            "row": count,
            "id": text,
            "context": text,
            "prompt": text,
            "question": text,
            "method": text,
            "model": text,
            "tokenizer": text,
            "target_tokens": count,
            "original_tokens": count,
            "compressed_tokens": count,
            "left_out": arrow.list_(arrow.struct(unit)),
            "smallest_useful_budget": count,
            "notes": arrow.list_(text),
            "documents": arrow.list_(arrow.struct(document)),
            "skipped": arrow.list_(arrow.struct(remark)),
            "repaired": arrow.list_(arrow.struct(remark)),
            "metadata": text,
        }
    )
