"""Requests that are longer than a model's context, cut into windows that are not. Pure arithmetic on tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tersely.scoring.scorer import ScoringRequest


class Window(NamedTuple):
    """A part of a request that fits the model.

    Attributes:
        tokens: that go through the model.
        score_from: the position of the first one that is scored.
        request: the request's number.
        start: where in the request's tokens the first score belongs.
    """

    tokens: list[int]
    score_from: int
    request: int
    start: int


def windows(number: int, request: ScoringRequest, context_length: int) -> Iterator[Window]:
    """Cut a request into windows, so that each scored token has at least half a window before it (or all there is).

    A prefix of up to a quarter of a window stands before every window; a longer one slides away with the tokens.
    """
    prefix, tokens = list(request.prefix), list(request.tokens)
    half = context_length // 2
    pinned = prefix if len(prefix) <= half // 2 else []
    sliding = tokens if pinned or not prefix else prefix + tokens
    to_score = len(sliding) - len(tokens)  # the first position of `sliding` that is still to be scored
    if not pinned and to_score == 0:
        to_score = 1  # nothing stands before the first token
    room = context_length - len(pinned)
    while to_score < len(sliding):
        # As much before the first scored token as the rest allows, and at least half a window.
        begin = max(0, min(to_score - (half - len(pinned)), len(sliding) - room))
        end = min(begin + room, len(sliding))
        yield Window(
            tokens=pinned + sliding[begin:end],
            score_from=len(pinned) + to_score - begin,
            request=number,
            start=to_score - (len(sliding) - len(tokens)),
        )
        to_score = end
