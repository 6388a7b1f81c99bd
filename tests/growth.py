"""Whether work grows with its text: compared with the same work over an eighth, so that no clock's speed matters."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

# Eight times the text takes 8 times as long if the time is proportional to it, 64 times if it grows with the square.
_TIMES_THE_TEXT = 8
_MOST_TIMES_THE_TIME = 28
_TOO_SHORT_TO_TELL = 0.1  # seconds
_TRIES = 3


def seconds(work: Callable[[str], object], text: str) -> float:
    """Processor seconds of ``work(text)``, without the garbage collector's: those grow with all objects."""
    gc.disable()
    try:
        started = time.process_time()
        work(text)
        return time.process_time() - started
    finally:
        gc.enable()


def assert_grows_with_the_text(work: Callable[[str], object], text: str, eighth: str | None = None) -> None:
    """Fail if ``work(text)`` takes more than 28 times as long as ``work(eighth)``, by default the text's first eighth.

    A processor that is busy with something else may spoil a measurement, so only three spoilt ones in a row count.
    """
    if eighth is None:
        eighth = text[: len(text) // _TIMES_THE_TEXT]
    measured = []
    for _ in range(_TRIES):
        long = seconds(work, text)
        if long < _TOO_SHORT_TO_TELL:
            return
        short = min(seconds(work, eighth) for _ in range(2))
        if long < _MOST_TIMES_THE_TIME * short:
            return
        measured.append(f"{long:.2f} s for {len(text)} characters, {short:.3f} s for {len(eighth)}")
    raise AssertionError(f"time grows faster than {text[:60]!r}...: " + "; ".join(measured))
