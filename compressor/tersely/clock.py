"""How long each stage of a call takes, and the news of how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Wall-clock seconds by stage, and the news of how far a stage is."""

    def __init__(self, progress: Callable[[str, float], None] | None) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = ""
        self._report = progress or (lambda stage, share: None)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._stage = name
        self.progress(0.0)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        self.progress(1.0)

    def progress(self, share: float) -> None:
        self._report(self._stage, share)
