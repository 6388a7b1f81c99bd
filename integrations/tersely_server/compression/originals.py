"""Originals of what was compressed, kept for a while so that they can be had back. Each caller sees only its own."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_ID_BYTES = 12  # 24 hexadecimal digits, the longest that LiteLLM takes for an id


class Originals:
    """Texts by id, bounded in bytes and in time; safe to use from several threads.

    Args:
        limit: the bytes of all texts together; 0 keeps none.
        seconds: how long a text is kept after it was last sent or asked for.
        clock: gives the seconds since some moment.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._lock = threading.Lock()
        self._texts: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()  # oldest first
        self._sizes: dict[str, int] = {}  # bytes by caller

    @property
    def kept(self) -> bool:
        """Whether any are kept."""
        return self._limit > 0

    @property
    def size(self) -> int:
        """Bytes of the texts that are kept now."""
        with self._lock:
            self._expire()
            return sum(self._sizes.values())

    def id_of(self, caller: str, text: str) -> str | None:
        """The id of a caller's text: the same whenever it is sent, and not to be guessed. None if it is too large."""
        content = text.encode("utf-8", "surrogatepass")
        if len(content) > self._limit:
            return None
        return hmac.digest(caller.encode(), content, hashlib.sha256)[:_ID_BYTES].hex()

    def keep(self, caller: str, text: str) -> str | None:
        """Keep a text; its id, or None where it is not kept, for it is larger than all that may be.

        Where there is no room, the oldest text of the caller who has most goes first: nobody can crowd the others out.
        """
        content, id = text.encode("utf-8", "surrogatepass"), self.id_of(caller, text)
        if id is None:
            return None
        with self._lock:
            self._remove((caller, id))
            self._expire()
            self._texts[caller, id] = content, self._clock()
            self._sizes[caller] = self._sizes.get(caller, 0) + len(content)
            while sum(self._sizes.values()) > self._limit:
                largest = max(self._sizes, key=lambda name: self._sizes[name])
                self._remove(next(key for key in self._texts if key[0] == largest))
        return id

    def get(self, caller: str, id: str) -> str | None:
        """The text of an id; None where this caller has none, or none any more."""
        with self._lock:
            self._expire()
            entry = self._texts.get((caller, id))
            if entry is None:
                return None
            self._texts[caller, id] = entry[0], self._clock()
            self._texts.move_to_end((caller, id))
            return entry[0].decode("utf-8", "surrogatepass")

    def _expire(self) -> None:
        now = self._clock()
        while self._texts:
            oldest = next(iter(self._texts))
            if now - self._texts[oldest][1] <= self._seconds:
                return
            self._remove(oldest)

    def _remove(self, key: tuple[str, str]) -> None:
        entry = self._texts.pop(key, None)
        if entry is not None:
            self._sizes[key[0]] -= len(entry[0])
            if not self._sizes[key[0]]:
                del self._sizes[key[0]]
