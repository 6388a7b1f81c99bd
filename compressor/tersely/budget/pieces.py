"""What a method proposes and what a budget holds of it: plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """Words `first` up to but not including `last` of a document: what is kept or left out as one.

    Attributes:
        document: position in the list of segmented documents.
        first, last: positions of its words.
        context: positions of words that are kept with it, such as the `context` of its unit.
        worth: how much better it is than others, on a scale of the method's own.
        parts: asked where it does not fit whole, gives smaller pieces of it, best first; none of what must stay whole.
    """

    document: int
    first: int
    last: int
    context: tuple[range, ...] = ()
    worth: float = 0.0
    parts: Callable[[], Sequence[Piece]] = tuple


class Missed(NamedTuple):
    """A piece that did not fit.

    Attributes:
        piece: it, and what it needs.
        tokens: about what it would have added to the context at that moment.
        budget: the smallest that holds it, next to what must be kept.
    """

    piece: Piece
    tokens: int
    budget: int


class Choice(NamedTuple):
    """What a budget holds.

    Attributes:
        masks: for each document which of its words are kept (bool, one a word).
        missed: the best of the pieces that did not fit, best first.
        instead: the pieces that were kept though a better one had not fit.
        best_is_missed: not even the best piece of all fits.
    """

    masks: list[np.ndarray]
    missed: list[Missed]
    instead: list[Piece]
    best_is_missed: bool
