"""JSONL: where its shards begin, its rows, and how output is written as JSONL. A line is a row; blank ones are none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pydantic import BaseModel

from tersely import InvalidInputError
from tersely_batch.rows import SourceRow
from tersely_batch.shards import InputFile, Shard

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Start(NamedTuple):
    line: int
    offset: int


def plan(file: str, path: Path, shard_rows: int, first_number: int) -> tuple[InputFile, list[Shard]]:
    """What the file is and its shards, in one reading of it.

    Args:
        file, path: as in `Shard`.
        shard_rows: rows of a shard; the last one may have fewer.
        first_number: of the first shard.
    """
    digest = hashlib.sha256()
    starts: list[_Start] = []
    rows = offset = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            digest.update(line)
            if _is_row(line):
                if rows % shard_rows == 0:
                    starts.append(_Start(number, offset))
                rows += 1
            offset += len(line)
    shards = [
        Shard(
            number=first_number + index,
            file=file,
            path=str(path),
            format="jsonl",
            first_row=start.line,
            offset=start.offset,
            rows=min(shard_rows, rows - index * shard_rows),
        )
        for index, start in enumerate(starts)
    ]
    return InputFile(file=file, size=offset, sha256=digest.hexdigest(), rows=rows), shards


def read(shard: Shard) -> Iterator[SourceRow]:
    """The shard's rows.

    Raises:
        InvalidInputError: the file ends before them: it has changed.
    """
    rows_read = 0
    with open(shard.path, "rb") as stream:
        stream.seek(shard.offset)
        for number, line in enumerate(stream, start=shard.first_row):
            if rows_read == shard.rows:
                return
            if _is_row(line):
                rows_read += 1
                line = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
                yield SourceRow(shard.file, number, partial(_value, line), partial(_original, line))
    if rows_read < shard.rows:
        raise InvalidInputError(f"{shard.file} has changed while it was read: put back what it was and start again")


def write(rows: Iterable[BaseModel], stream: BinaryIO) -> None:
    """Write rows one by one, as they come."""
    for row in rows:
        stream.write(row.model_dump_json().encode() + b"\n")


def _is_row(line: bytes) -> bool:
    return not line.isspace()


def _value(line: bytes) -> Any:
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"not UTF-8 text (byte 0x{line[error.start]:02x} at {error.start})") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"not JSON ({error})") from None


def _original(line: bytes) -> str | bytes:
    line = line.rstrip(b"\r\n")
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line
