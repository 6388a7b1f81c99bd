"""A file, packed or not -> its JSON objects and their places in it. `formats.py` knows what they mean."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json

from tersely import InvalidInputError

_GZIP = b"\x1f\x8b"  # how every gzip file begins


class Record(NamedTuple):
    """A JSON object of a file.

    Attributes:
        where: file and place, for errors.
        number: of its line, or of its place in a JSON array, from 1.
        values: the object.
    """

    where: str
    number: int
    values: Mapping[str, Any]


def read_records(path: Path) -> Iterator[Record]:
    """The objects of a file: one a line, where blank lines do not count, or in one JSON array, or only one.

    Raises:
        InvalidInputError: the file cannot be read, or holds something else; the message names file and place.
    """
    text = _read_text(path)
    if text.lstrip().startswith("["):
        items = _parse(text, str(path))
        for number, item in enumerate(items, start=1):
            yield _record(item, f"{path}, item {number}", number)
        return
    # Not `splitlines`: a JSON string may hold a Unicode line separator.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) > 1 and not _is_json(lines[0][1]) and _is_json(text):
        lines = [(lines[0][0], text)]
    for number, line in lines:
        where = f"{path}, line {number}"
        yield _record(_parse(line.strip(), where), where, number)


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInputError(f"{path}: is a damaged gzip file ({error}); fetch or pack it again") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: is no UTF-8 text (byte {error.start}: {error.reason})") from None


def _parse(text: str, where: str) -> Any:
    try:
        return from_json(text)
    except ValueError as error:
        reason = str(error)
        if "\n" not in text:  # its only line is not the file's first
            reason = reason.replace("at line 1 column", "at column")
        raise InvalidInputError(f"{where}: Invalid JSON: {reason}") from None


def _is_json(text: str) -> bool:
    try:
        from_json(text)
    except ValueError:
        return False
    return True


def _record(value: Any, where: str, number: int) -> Record:
    if not isinstance(value, dict):
        raise InvalidInputError(f"{where}: must be a JSON object with a question, got {str(value)[:40]!r}")
    return Record(where, number, value)
