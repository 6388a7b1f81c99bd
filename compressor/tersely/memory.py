"""Values in memory by key, up to a limit: what was not used for longest goes first. Knows nothing of what they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from tersely.forks import lock_for_forks

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """Safe to use from several threads.

    Args:
        limit: the sizes of all values add up to at most this; 0 keeps none.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = lock_for_forks()
        self._held: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Value | None:
        """What was put in under a key; None where it is not there any more."""
        with self._lock:
            entry = self._held.get(key)
            if entry is None:
                return None
            self._held.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Hold a value of some size, in the unit of the limit; nobody may change it afterwards.

        One that is larger than the limit is not held, and nothing has to go for it.
        """
        with self._lock:
            if key in self._held:
                self._size -= self._held.pop(key)[1]
            if size > self._limit:
                return
            self._held[key] = value, size
            self._size += size
            while self._size > self._limit:
                _, (_, of_oldest) = self._held.popitem(last=False)
                self._size -= of_oldest

    def forget(self) -> None:
        """Hold nothing any more."""
        with self._lock:
            self._held.clear()
            self._size = 0
