"""Aligns the words of a text with those of the source that it was made from. Nothing is judged here.

The text may leave words out, put parts of the source in another order, and add words of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import regex

from tersely_eval.data import UNSPACED

# Letters and digits in a row, as one word; in a script without spaces each character.
_WORD = regex.compile(
    rf"{UNSPACED}\p{{M}}*|(?:(?!{UNSPACED})[\p{{L}}\p{{N}}])(?:(?!{UNSPACED})[\p{{L}}\p{{N}}\p{{M}}])*"
)

# What a leap costs: to a later word of the same unit, and forward or back to another unit.
_SKIP, _FORWARD, _BACK = 1, 2, 3
# Added for each unit that is left or entered in its middle: whole units are likelier.
_CUT = 1
# At most so many places of a word are compared; the commonest words of a long source have more.
_MOST_PLACES = 1000


class SpokenWord(NamedTuple):
    """A word as it is compared, and the character at which it begins."""

    word: str
    start: int


def spoken_words(text: str) -> list[SpokenWord]:
    """The letters and digits of a text, word by word, without case."""
    return [SpokenWord(match[0].casefold(), match.start()) for match in _WORD.finditer(text)]


class Source:
    """Words that a text may have been made from.

    Args:
        words: in order.
        units: for each word the number of its unit, ascending; -1 where it is in none.
    """

    def __init__(self, words: Sequence[str], units: np.ndarray) -> None:
        places: dict[str, list[int]] = {}
        for place, word in enumerate(words):
            places.setdefault(word, []).append(place)
        self._places = {word: np.array(of_word, dtype=np.int32) for word, of_word in places.items()}
        self._units = units
        inside = units >= 0
        self._entering = np.where(inside & (np.diff(units, prepend=-1) == 0), _CUT, 0)
        self._leaving = np.where(inside & (np.diff(units, append=-1) == 0), _CUT, 0)

    def align(self, words: Sequence[str]) -> np.ndarray:
        """For each word of a text its place here, or -1 where there is no such word.

        Of all ways through the source the one that costs least: words in a row cost nothing, every leap does.
        """
        steps: list[_Step] = []
        aligned = np.full(len(words), -1)
        for position, word in enumerate(words):
            if word in self._places:
                steps.append(self._step(position, self._places[word], steps[-1] if steps else None))
        choice = int(np.argmin(steps[-1].costs)) if steps else 0
        for step in reversed(steps):
            aligned[step.position] = step.places[choice]
            choice = int(step.before[choice])
        return aligned

    def _step(self, position: int, places: np.ndarray, last: _Step | None) -> _Step:
        if last is None:
            places = places[:_MOST_PLACES]
            return _Step(position, places, self._entering[places], np.zeros(len(places), dtype=np.int32))
        if len(places) > _MOST_PLACES:
            places = _next_places(places, last.places)

        # Back to anywhere, from the cheapest of all.
        left = last.costs + self._leaving[last.places]
        before = np.full(len(places), np.argmin(left))
        costs = left[before] + self._entering[places] + _BACK

        # Forward from the cheapest before each place, or from the nearest (-1 where there is none).
        least = np.minimum.accumulate(left)
        cheapest = np.maximum.accumulate(np.where(left == least, np.arange(len(left)), 0))
        nearest = np.searchsorted(last.places, places) - 1
        origin = last.places[nearest]
        same_unit = (self._units[origin] == self._units[places]) & (self._units[places] >= 0)
        for earlier, cost, possible in (
            (cheapest[nearest], least[nearest] + self._entering[places] + _FORWARD, nearest >= 0),
            (nearest, last.costs[nearest] + _SKIP, (nearest >= 0) & same_unit),
            (nearest, last.costs[nearest], (nearest >= 0) & (origin + 1 == places)),
        ):
            better = possible & (cost < costs)
            costs[better], before[better] = cost[better], earlier[better]
        return _Step(position, places, costs - costs.min(), before.astype(np.int32))


class _Step(NamedTuple):
    """A word of the text.

    Attributes:
        position: which.
        places: where in the source it may come from, ascending.
        costs: for each of them, of the cheapest way there; the cheapest of all has 0.
        before: for each of them, which of the places of the last step that way comes from.
    """

    position: int
    places: np.ndarray
    costs: np.ndarray
    before: np.ndarray


def _next_places(places: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Of too many places those that come next after the last ones."""
    following = np.searchsorted(places, last, side="right")
    following = following[following < len(places)]
    return np.unique(places[following] if len(following) else places)[:_MOST_PLACES]
