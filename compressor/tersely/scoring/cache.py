"""The cache of documents between calls, so that a second question costs only its own tokens.

Two tiers: memory, and a folder on disk. Both have a limit, and what was not used for longest goes first. A file on disk
is written by one process and read by any: it appears whole or not at all, and is used only if its checksum is right.
Plain tensors, never pickled objects. This room does not know what the tensors mean.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from tersely.errors import InvalidInputError
from tersely.forks import lock_for_forks
from tersely.memory import Memory
from tersely.scoring.models import models_folder

if TYPE_CHECKING:
    import torch

logger = logging.getLogger("tersely")

# Of a file and of the folder: as earlier versions named them, so that what users have cached stays in use.
_SUFFIX = ".kept"
_FOLDER = "kept"
_UNFINISHED = ".unfinished-"
_DIGEST = hashlib.sha256().digest_size
_STALE = 3600.0  # seconds after which an unfinished file is one that a crash left


def cache_folder() -> Path:
    """Where the disk tier lies: beside the models."""
    return models_folder().parent / _FOLDER


class CacheSize(NamedTuple):
    """What lies on disk."""

    folder: Path
    entries: int
    size: int  # bytes


def cache_size() -> CacheSize:
    """What the disk tier holds now."""
    files = _files(cache_folder())
    return CacheSize(cache_folder(), len(files), sum(file.size for file in files))


def clear_cache() -> CacheSize:
    """Delete the disk tier, whichever process wrote it; what running processes hold in memory stays with them.

    Returns:
        What there was.
    """
    size = cache_size()
    shutil.rmtree(size.folder, ignore_errors=True)
    return size


class DocumentCache:
    """Tensors by key. Safe to use from several threads, the disk tier from several processes, too.

    What is put in stays in memory. It goes to disk when it is meant to last, or when it is used a second time: writing
    what is never used again would only wear the disk out.

    Args:
        memory_bytes: of tensors in memory; 0 stores none.
        disk_bytes: of files on disk; 0 neither writes nor reads any.
    """

    def __init__(self, memory_bytes: int, disk_bytes: int) -> None:
        self._stores_in_memory = memory_bytes > 0
        self._memory: Memory[Mapping[str, torch.Tensor]] = Memory(memory_bytes)
        self._disk = _Disk(disk_bytes) if disk_bytes else None
        self._lock = lock_for_forks()
        self._on_disk: set[str] = set()  # keys of what is on disk already, as far as this process knows

    def check_stores(self) -> None:
        """Refuse to prefetch where nothing of it would be stored.

        Raises:
            InvalidInputError: both limits are 0, or there is only the disk, and writing failed.
        """
        if self._stores_in_memory:
            return
        if self._disk is None:
            raise InvalidInputError(
                "nothing can be kept: memory_bytes and disk_bytes of the cache are 0; give CacheSettings with one above"
            )
        if self._disk.failure:
            raise InvalidInputError(
                f"nothing can be kept: {cache_folder()} cannot be written ({self._disk.failure}); set TERSELY_HOME "
                f"to a writable folder, or make room"
            )

    def get(self, key: str, device: str) -> Mapping[str, torch.Tensor] | None:
        """The tensors under a key, on the device; None where they are not there any more."""
        tensors = self._memory.get(key)
        if tensors is not None:
            self._write(key, tensors)
            return tensors
        tensors = self._disk.read(key, device) if self._disk else None
        if tensors is not None:
            with self._lock:
                self._on_disk.add(key)
            self._memory.put(key, tensors, _nbytes(tensors))
        return tensors

    def put(self, key: str, tensors: Mapping[str, torch.Tensor], *, lasting: bool = False) -> None:
        """Store tensors; nobody may change them afterwards.

        Args:
            key: letters and digits.
            tensors: by name.
            lasting: write them to disk now.
        """
        self._memory.put(key, tensors, _nbytes(tensors))
        if lasting:
            self._write(key, tensors)

    def settle(self) -> None:
        """Wait until everything that goes to disk is written."""
        if self._disk:
            self._disk.settle()

    def forget(self) -> None:
        """Empty the memory tier; what is on disk stays."""
        self._memory.forget()

    def _write(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        if self._disk is None:
            return
        with self._lock:
            if key in self._on_disk:
                return
            self._on_disk.add(key)
        self._disk.write(key, tensors)


class _File(NamedTuple):
    path: Path
    size: int
    used: float  # seconds since the epoch


class _Disk:
    """The disk tier: a file for each key. A failure is logged once, and costs nothing but time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unchecked = limit  # bytes written since the limit was last checked; unknown at first, so check soon
        self.failure = ""  # why a file could not be written, the first time
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._writer = ThreadPoolExecutor(1, "tersely-cache")
        self._pending: list[Future[None]] = []

    def read(self, key: str, device: str) -> Mapping[str, torch.Tensor] | None:
        path = _path(key)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        if hashlib.sha256(memoryview(data)[_DIGEST:]).digest() != data[:_DIGEST]:
            path.unlink(missing_ok=True)  # damaged: it will be computed anew
            return None
        from safetensors.torch import load

        return {name: tensor.to(device) for name, tensor in load(data[_DIGEST:]).items()}

    def write(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        """Write in a thread of its own."""
        if self._process != os.getpid():
            self._begin()  # a forked process has no thread that writes
        self._pending = [write for write in self._pending if not write.done()]
        self._pending.append(self._writer.submit(self._write, key, tensors))

    def settle(self) -> None:
        wait(self._pending)

    def _write(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        from safetensors.torch import save

        path = _path(key)
        unfinished = path.with_name(f"{_UNFINISHED}{os.getpid()}-{path.name}")
        try:
            data = save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()})
            cache_folder().mkdir(parents=True, exist_ok=True, mode=0o700)  # documents could be told from it
            path.parent.mkdir(exist_ok=True)
            with open(unfinished, "wb") as file:
                file.write(hashlib.sha256(data).digest())
                file.write(data)
            os.replace(unfinished, path)
            self._unchecked += len(data)
            if self._unchecked > self._limit / 20:
                self._unchecked = 0
                _make_room(self._limit)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            if not self.failure:
                logger.warning("what was read of documents cannot be kept in %s (%s)", cache_folder(), error)
            self.failure = self.failure or error.strerror or str(error)


def _path(key: str) -> Path:
    return cache_folder() / key[:2] / f"{key}{_SUFFIX}"


def _files(folder: Path) -> list[_File]:
    files = []
    for path in folder.glob(f"*/*{_SUFFIX}"):
        try:
            status = path.stat()
        except OSError:
            continue  # another process has deleted it
        files.append(_File(path, status.st_size, status.st_mtime))
    return files


def _make_room(limit: int) -> None:
    """Delete what was not used for longest until the rest is within the limit, with a twentieth to spare."""
    folder = cache_folder()
    try:
        with FileLock(folder / ".lock", timeout=0):
            files = sorted(_files(folder), key=lambda file: file.used)
            size = sum(file.size for file in files)
            for file in files:
                if file.path.name.startswith(_UNFINISHED):
                    delete = time.time() - file.used > _STALE
                else:
                    delete = size > limit * 0.95
                if delete:
                    file.path.unlink(missing_ok=True)
                    size -= file.size
    except Timeout:
        pass  # another process is making room


def _nbytes(tensors: Mapping[str, torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())
