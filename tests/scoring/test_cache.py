"""The cache of documents: both tiers, their limits, and what a crash, a bad disk or other processes do to them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from tersely.scoring import cache as cache_module
from tersely.scoring.cache import DocumentCache, cache_size, clear_cache

KEY = "ab" + "0" * 62
OTHER = "cd" + "1" * 62
NUMBERS = 256  # in a tensor below: 1 KiB
PLENTY = 2**30


@pytest.fixture(autouse=True)
def folder(fresh_home: Path) -> Path:
    return fresh_home / "kept"


def tensors(value: float = 1.0, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    return {"keys": torch.full((NUMBERS,), value, dtype=dtype)}


def is_of(value: float, found) -> bool:
    return found is not None and torch.equal(found["keys"].float(), torch.full((NUMBERS,), value))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


def test_what_is_put_in_comes_out() -> None:
    cache = DocumentCache(PLENTY, 0)
    assert cache.get(KEY, "cpu") is None
    cache.put(KEY, tensors())
    assert is_of(1, cache.get(KEY, "cpu"))


def test_memory_has_a_limit_and_what_was_not_used_for_longest_goes() -> None:
    cache = DocumentCache(3 * 1024, 0)
    for name in ("a", "b", "c"):
        cache.put(name, tensors())
    cache.get("a", "cpu")
    cache.put("d", tensors())
    assert [name for name in "abcd" if cache.get(name, "cpu")] == ["a", "c", "d"]
    cache.put("a", tensors(2))
    assert [name for name in "acd" if cache.get(name, "cpu")] == ["a", "c", "d"], "put in anew it is counted once"
    DocumentCache(100, 0).put("large", tensors())  # larger than all there is: stored nowhere, and no error


def test_to_disk_goes_what_is_meant_to_last_or_is_used_twice(folder: Path) -> None:
    cache = DocumentCache(PLENTY, PLENTY)
    cache.put(KEY, tensors(1))
    cache.settle()
    assert files(folder) == [], "read once, perhaps never again"
    cache.get(KEY, "cpu")
    cache.put(OTHER, tensors(2), lasting=True)
    cache.settle()
    assert len(files(folder)) == 2
    another = DocumentCache(0, PLENTY)
    assert is_of(1, another.get(KEY, "cpu")) and is_of(2, another.get(OTHER, "cpu"))


def test_without_a_disk_tier_nothing_is_written_or_read(folder: Path) -> None:
    writer = DocumentCache(PLENTY, PLENTY)
    writer.put(KEY, tensors(), lasting=True)
    writer.settle()
    cache = DocumentCache(PLENTY, 0)
    assert cache.get(KEY, "cpu") is None
    cache.put(OTHER, tensors(), lasting=True)
    cache.settle()
    assert len(files(folder)) == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float16])
def test_the_disk_changes_no_bit(dtype: torch.dtype) -> None:
    numbers = torch.randn(3, 5, 7).to(dtype)
    first = DocumentCache(0, PLENTY)
    first.put(KEY, {"keys": numbers, "values": numbers.transpose(0, 2)}, lasting=True)
    first.settle()
    found = DocumentCache(0, PLENTY).get(KEY, "cpu")
    assert found["keys"].dtype == dtype and torch.equal(found["keys"], numbers)
    assert torch.equal(found["values"], numbers.transpose(0, 2))


@pytest.mark.parametrize("damage", [b"", b"short", "flip", "cut", "longer"])
def test_a_damaged_file_is_as_if_it_were_not_there(folder: Path, damage) -> None:
    cache = DocumentCache(0, PLENTY)
    cache.put(KEY, tensors(), lasting=True)
    cache.settle()
    (path,) = files(folder)
    data = path.read_bytes()
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    path.write_bytes({"flip": flipped, "cut": data[:-9], "longer": data + b"x"}.get(damage, damage))
    assert DocumentCache(0, PLENTY).get(KEY, "cpu") is None
    assert not path.exists(), "it would only be read again"


def test_the_disk_has_a_limit_and_what_was_not_used_for_longest_goes(folder: Path) -> None:
    cache = DocumentCache(0, 8 * 1024)
    keys = [f"{number:02d}" + "0" * 62 for number in range(20)]
    for number, key in enumerate(keys):
        cache.put(key, tensors(number), lasting=True)
        cache.settle()
        for path in folder.rglob(f"{key}*"):  # clocks of file systems are coarse
            os.utime(path, (number, number))
        cache.get(keys[0], "cpu")
    assert cache_size().size <= 8 * 1024
    assert is_of(0, cache.get(keys[0], "cpu")) and is_of(19, cache.get(keys[19], "cpu"))
    assert cache.get(keys[1], "cpu") is None


def test_what_a_crash_left_is_swept_away_and_never_read(folder: Path) -> None:
    (folder / "ab").mkdir(parents=True)
    left = folder / "ab" / f"{cache_module._UNFINISHED}1-{KEY}.kept"
    left.write_bytes(b"half of it")
    running = folder / "ab" / f"{cache_module._UNFINISHED}2-{KEY}.kept"
    running.write_bytes(b"another process is at it")
    os.utime(left, (time.time() - 2 * cache_module._STALE,) * 2)
    cache = DocumentCache(0, PLENTY)
    assert cache.get(KEY, "cpu") is None
    cache.put(OTHER, tensors(), lasting=True)
    cache.settle()
    assert not left.exists() and running.exists()


def test_a_disk_that_cannot_be_written_costs_nothing_but_time(folder: Path, caplog, monkeypatch) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    cache = DocumentCache(PLENTY, PLENTY)
    with caplog.at_level(logging.WARNING, logger="tersely"):
        for number in range(3):
            cache.put(KEY[:-1] + str(number), tensors(number), lasting=True)
        cache.settle()
    assert is_of(2, cache.get(KEY[:-1] + "2", "cpu"))
    assert len(caplog.records) == 1 and str(folder) in caplog.text, "said once"


def test_clear_wipes_the_disk_and_says_what_there_was(folder: Path) -> None:
    assert clear_cache().entries == 0
    cache = DocumentCache(0, PLENTY)
    cache.put(KEY, tensors(), lasting=True)
    cache.settle()
    size = clear_cache()
    assert size.entries == 1 and size.size > 1024 and size.folder == folder
    assert not folder.exists() and DocumentCache(0, PLENTY).get(KEY, "cpu") is None


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_nobody_else_may_read_the_cache(folder: Path) -> None:
    cache = DocumentCache(0, PLENTY)
    cache.put(KEY, tensors(), lasting=True)
    cache.settle()
    assert folder.stat().st_mode & 0o077 == 0


def test_threads_share_a_cache() -> None:
    cache = DocumentCache(5 * 1024, PLENTY)
    failures: list[object] = []

    def work(number: int) -> None:
        for turn in range(30):
            key = f"{(number + turn) % 12:02d}" + "0" * 62
            found = cache.get(key, "cpu")
            if found is not None and not is_of((number + turn) % 12, found):
                failures.append(found)
            cache.put(key, tensors((number + turn) % 12), lasting=turn % 3 == 0)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.settle()
    assert (
        failures == [] and sum(cache._memory.get(f"{number:02d}" + "0" * 62) is not None for number in range(12)) <= 5
    )


PROCESS = """
import sys, torch
from tersely.scoring.cache import DocumentCache
cache = DocumentCache(0, 40 * 1024)
for turn in range(40):
    number = (turn * 7 + int(sys.argv[1])) % 30
    key = f"{number:02d}" + "0" * 62
    found = cache.get(key, "cpu")
    assert found is None or bool((found["keys"] == number).all()), found
    cache.put(key, {"keys": torch.full((256,), float(number))}, lasting=True)
cache.settle()
"""


def test_processes_share_the_disk_tier(folder: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", PROCESS, str(number)]) for number in range(3)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    assert not [path for path in files(folder) if path.name.startswith(cache_module._UNFINISHED)]
    assert cache_size().entries > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_writes_for_itself() -> None:
    cache = DocumentCache(0, PLENTY)
    cache.put(KEY, tensors(), lasting=True)
    cache.settle()
    child = os.fork()
    if child == 0:
        cache.put(OTHER, tensors(3), lasting=True)
        cache.settle()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert is_of(3, DocumentCache(0, PLENTY).get(OTHER, "cpu"))
