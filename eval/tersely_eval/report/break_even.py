"""From which prompt length, and up to which speed of the LLM, compressing first is faster than sending all.

A method takes `start + n / speed` seconds for n tokens, which is fitted to what was measured; an LLM that reads v
tokens a second needs `n / v` for all of them and `n * rate / v` for what is left. So compression saves time where

    start + n / speed < n * (1 - rate) / v

"Prompt Compression in the Wild" (arXiv 2604.02985) measured that such a window exists, and that outside it compression
costs time. Here the LLM writes its answer equally fast after both prompts, and reads in proportion to their length. For
very long prompts reading takes more than that, so compression saves more than is computed here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from tersely_eval.extra import eval_extra
from tersely_eval.measure import Measurement

# Tokens a second that an LLM reads, from a slow machine of one's own to a fast service.
LLM_SPEEDS = (500, 1000, 2000, 5000, 10_000)


class BreakEven(NamedTuple):
    """How long a method takes and how much it leaves.

    Attributes:
        start: seconds that it takes whatever the length.
        tokens_per_second: tokens that it reads in each further second.
        rate: the share of the tokens that it delivered.
        shortest, longest: tokens of the shortest and the longest context that was measured: the rest is extrapolated.
    """

    start: float
    tokens_per_second: float
    rate: float
    shortest: int
    longest: int

    @property
    def fastest_llm(self) -> float:
        """Tokens a second: with an LLM that reads faster, compression saves no time however long the prompt is."""
        return self.tokens_per_second * (1 - self.rate)

    def least_prompt(self, llm_speed: float) -> int | None:
        """The least number of tokens from which compression saves time; None where it never does."""
        gain = (1 - self.rate) / llm_speed - 1 / self.tokens_per_second  # seconds a token
        return math.floor(self.start / gain) + 1 if gain > 0 else None


class NoBreakEven(NamedTuple):
    """No break-even can be computed.

    Attributes:
        reason: why.
    """

    reason: str


def break_even(measurements: Iterable[Measurement]) -> BreakEven | NoBreakEven:
    """Fit the measurements of one method at one rate. The fit is Theil and Sen's, which single slow calls hardly move.

    Where the fitted start is negative, which it cannot be, the time is taken as proportional to the length.

    Raises:
        InvalidInputError: scipy is not installed.
    """
    timed = [
        (measurement.original_tokens, measurement.seconds, measurement.tokens)
        for measurement in measurements
        if measurement.error is None and measurement.seconds is not None and measurement.original_tokens > 0
    ]
    if not timed:
        return NoBreakEven("no time was measured")
    lengths, seconds, delivered = zip(*timed, strict=True)
    if len(set(lengths)) < 2:
        return NoBreakEven("all contexts have the same length")
    rate = sum(delivered) / sum(lengths)
    if rate >= 1:
        return NoBreakEven("nothing was left out")
    with eval_extra():
        from scipy.stats import theilslopes
    slope, start = map(float, theilslopes(seconds, lengths)[:2])
    if start < 0:
        slope, start = median(taken / length for length, taken, _ in timed), 0.0
    if slope <= 0:
        return NoBreakEven("longer contexts took no longer")
    return BreakEven(start, 1 / slope, rate, min(lengths), max(lengths))
