"""Locks that a fork waits for. In the child there is only the thread that forked: a lock held by another stays locked.

That holds for the locks within the matrix library, too, so that a forward pass holds one of these.
"""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakSet

_locks: WeakSet[Any] = WeakSet()  # `threading.RLock` is no class, so that it names no type
_registering = threading.Lock()
_held: list[Any] = []  # during a fork


def lock_for_forks() -> Any:
    """A lock (`threading.RLock`) that no other thread holds at the moment of a fork.

    Who holds it must not wait for another of these locks.
    """
    lock = threading.RLock()
    with _registering:
        _locks.add(lock)
    return lock


def _acquire_all() -> None:
    # Whoever holds one of the locks may be making another, as whoever loads a model is: so the list is copied, and
    # `_registering` held only once all others are.
    with _registering:
        locks = list(_locks)
    for lock in locks:
        lock.acquire()
    _registering.acquire()
    _held.extend(locks)


def _release_all() -> None:
    """In the parent and in the child, whose only thread has the identity of the one that forked."""
    while _held:
        _held.pop().release()
    _registering.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_acquire_all, after_in_parent=_release_all, after_in_child=_release_all)
