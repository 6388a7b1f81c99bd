"""Files that are there whole or not at all, even after a crash of the machine."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_UNFINISHED = ".unfinished-"


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file under another name; when the block ends well it is on the disk and has its own name."""
    temporary = path.with_name(f"{_UNFINISHED}{path.name}-{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def unfinished(path: Path) -> int:
    """How often a process was killed, or still is at work, while it wrote this file."""
    return sum(1 for _ in path.parent.glob(f"{_UNFINISHED}{path.name}-*"))


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed process left in a folder."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        left.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
