"""A fork waits for whoever holds one of the locks, and both processes can take them afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from tersely.forks import lock_for_forks
from tersely.memory import Memory

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def test_no_other_thread_holds_a_lock_in_the_child() -> None:
    lock, held, let_go = lock_for_forks(), threading.Event(), threading.Event()
    memory: Memory[int] = Memory(10)
    memory.put("key", 5, 1)

    def hold() -> None:
        with lock:
            held.set()
            let_go.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)
    threading.Timer(0.1, let_go.set).start()
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(timeout=5) and memory.get("key") == 5 else 1)
    assert let_go.is_set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    holder.join(20)
    assert lock.acquire(timeout=5)
    lock.release()


def test_whoever_holds_a_lock_may_make_another_during_a_fork() -> None:
    """As whoever loads a model does. In a process of its own, which can be ended if both wait for each other."""
    program = """
import os, threading, time
from tersely.forks import lock_for_forks
lock, held = lock_for_forks(), threading.Event()
def make():
    with lock:
        held.set()
        time.sleep(0.3)
        lock_for_forks()
threading.Thread(target=make).start()
held.wait()
child = os.fork()
if child == 0:
    lock_for_forks().acquire()
    os._exit(0 if lock.acquire(timeout=5) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
