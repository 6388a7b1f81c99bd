"""The method where there is no question: whole units, chosen by where they stand, what they add and what they cost.

Writers say first what matters most, so the first units of documents and of their paragraphs come first; a unit counts
by the words that no better one has said, and a short one leaves room for others. No model is asked: how surprising a
unit is told nothing more (eval/RESULTS.md).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np

from tersely.budget.pieces import Piece
from tersely.methods.method import Method, Ranking, Task
from tersely.text.lexical import document_words
from tersely.text.segmentation import SegmentedDocument

# So many new words make a unit worth two thirds of what it can be worth: beyond a few, more of them say little more.
_ENOUGH_NEWS = 2.0
# A unit without a new word is worth this share: it comes after nearly all others, in its place.
_NO_NEWS = 0.01
# Bytes, some 20 tokens: what a unit costs beyond its own. Without it the shortest units would always come first.
_LENGTH_OF_ALL = 80


def rank(task: Task) -> Ranking:
    """Documents by the worth of their best unit, a logarithm. It sees no question and runs no model."""
    documents = task.documents
    units = [(position, unit) for position, segmented in enumerate(documents) for unit in segmented.units]
    words = [set(of_unit) for segmented in documents for of_unit in document_words(segmented).units]
    places = np.concatenate([_places(segmented) for segmented in documents])
    lengths = np.array([_bytes(documents[position], unit.words) for position, unit in units])
    relevance = np.full(len(documents), -np.inf)
    pieces: list[Piece] = []
    for number, worth in _best_first(-np.log(1 + places) - np.log(lengths + _LENGTH_OF_ALL), words):
        position, unit = units[number]
        pieces.append(Piece(position, unit.words.start, unit.words.stop, unit.context, worth))
        relevance[position] = max(relevance[position], worth)
    return Ranking(relevance.tolist(), lambda order: pieces)


def _best_first(alone: np.ndarray, words: Sequence[set[str]]) -> list[tuple[int, float]]:
    """Positions of all units, each time the one that is worth most after those before it, with what it is worth then.

    Args:
        alone: the logarithm of what each is worth whatever it says.
        words: of each unit.
    """
    said: set[str] = set()

    def worth(unit: int) -> float:
        news = -math.expm1(-len(words[unit] - said) / _ENOUGH_NEWS)
        return float(alone[unit]) + math.log(_NO_NEWS + (1 - _NO_NEWS) * news)

    # Worth only falls as more is said, so what still leads when it is looked at again is the best.
    waiting = [(-worth(unit), unit) for unit in range(len(words))]
    heapq.heapify(waiting)
    chosen: list[tuple[int, float]] = []
    while waiting:
        _, unit = waiting[0]
        now = worth(unit)
        heapq.heapreplace(waiting, (-now, unit))
        if waiting[0] == (-now, unit):
            heapq.heappop(waiting)
            chosen.append((unit, now))
            said |= words[unit]
    return chosen


def _places(segmented: SegmentedDocument) -> list[int]:
    """For each unit how many paragraphs stand before its own, and units before it in that."""
    text, words = segmented.document.text, segmented.words
    places: list[int] = []
    paragraph = within = end = 0
    for unit in segmented.units:
        start = words[unit.words.start].start
        if places and text.count("\n", end, start) > 1:  # a blank line, or a heading, stands between
            paragraph, within = paragraph + 1, 0
        places.append(paragraph + within)
        within += 1
        end = words[unit.words.stop - 1].end
    return places


def _bytes(segmented: SegmentedDocument, words: range) -> int:
    """The length of words in UTF-8, which grows with their tokens in any script."""
    start, end = segmented.words[words.start].start, segmented.words[words.stop - 1].end
    return len(segmented.document.text[start:end].encode())


SALIENCE = Method(
    rank,
    prefetch=lambda scorer, documents: [],
    needs_question=False,
    needs_model=False,
    default_order="original",
    whole_units=True,  # and any unit may stand for another: nothing in particular is looked for
)
