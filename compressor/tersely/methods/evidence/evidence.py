"""Tersely's own method: whole sentences, list items and table rows, chosen by how likely they are evidence.

One pass of the model over each passage and the question after it tells where the question's tokens look (in a few
attention heads that are known to look at evidence) and how much likelier the passage makes the question than others do;
BM25 adds what both share in words. A second hop without the model then follows the best sentences to where they point:
to documents whose title they name, and to the words that they add to the question. What each signal weighs stands in
the model's profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from tersely.budget.pieces import Piece
from tersely.methods.evidence.passages import Reading, requests_ahead, tokens_between
from tersely.methods.evidence.profile import Profile, profile_for
from tersely.methods.evidence.signals import measure, second_hop
from tersely.methods.method import Task
from tersely.scoring.scorer import Scorer, ScoringRequest
from tersely.settings import Order
from tersely.text.qualifiers import has_qualifier
from tersely.text.segmentation import SegmentedDocument, Unit, unit_text

# Of two units as likely to be evidence the shorter one leaves room for others. At 1 the order would be by evidence per
# character, and long sentences would have no chance.
_LENGTH_COST = 0.3
_CLAUSE_ENDS = frozenset(",;:)]–—、，；：）」』،؛")
_LONGEST_START = 12  # words of a phrase before the best one
_SAYS_ENOUGH = 60  # characters of a text that says the same wherever it stands
_LENGTH_OF_ALL = 20  # characters: the least that a unit costs, with what parts it from its neighbours


class Evidence:
    """The method of choice where there is a question."""

    needs_question: ClassVar[bool] = True
    needs_model: ClassVar[bool] = True
    default_order: ClassVar[Order] = "best_first"
    whole_units: ClassVar[bool] = True
    margin: ClassVar[float] = 2.0

    def __init__(self, task: Task) -> None:
        self._task = task
        self._units: list[tuple[int, Unit]] = []
        self._readings: list[Reading] = []
        self._said: list[np.ndarray] = []  # of each document's tokens, all heads' values as they weigh
        self._evidence = np.empty(0)
        self._profile: Profile

    @staticmethod
    def ahead(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
        profile = profile_for(scorer.fingerprint, scorer.name)
        return requests_ahead(scorer, documents, profile.head_positions, document_layers=profile.document_layers)

    def rank(self) -> list[float]:
        """For each document the logarithm of the odds, but for a constant, that its best unit is evidence."""
        task = self._task
        self._profile = profile = profile_for(task.scorer.fingerprint, task.scorer.name)
        signals = measure(
            task.scorer,
            task.documents,
            task.question or "",
            profile.head_positions,
            task.progress,
            document_layers=profile.document_layers,
        )
        first = signals.of_model @ profile.of_model + signals.first_hop @ profile.first
        self._evidence = second_hop(signals, first) @ profile.second
        self._units, self._readings = signals.units, signals.readings
        relevance = np.full(len(task.documents), -np.inf)
        np.maximum.at(relevance, [position for position, _ in self._units], self._evidence)
        return relevance.tolist()

    def pieces(self, relevance: Sequence[float], order: Sequence[int]) -> list[Piece]:
        """Units, best first, each once; of one that does not fit whole a fragment, where fragments are asked for."""
        documents = self._task.documents
        lengths = np.array([_letters(documents[position], unit) for position, unit in self._units])
        worth_its_length = self._evidence - _LENGTH_COST * np.log(lengths + _LENGTH_OF_ALL)
        self._said = [self._profile.of_model @ reading.values for reading in self._readings]
        pieces: list[Piece] = []
        seen: set[str] = set()
        for number in np.argsort(-worth_its_length, kind="stable").tolist():
            position, unit = self._units[number]
            if lengths[number] == 0 and lengths.any():
                continue  # a stray sign says nothing
            text = " ".join(unit_text(documents[position], unit).split())
            # What is short says something else under another title.
            key = text if len(text) >= _SAYS_ENOUGH else f"{documents[position].title}\n{text}"
            if key in seen:
                continue
            seen.add(key)
            may_be_cut = self._task.settings.fragments and unit.divisible and not has_qualifier(text)
            parts = partial(self._parts, number) if may_be_cut else tuple
            worth = float(self._evidence[number])
            pieces.append(Piece(position, unit.words.start, unit.words.stop, unit.context, worth, parts))
        return pieces

    def _parts(self, unit: int) -> list[Piece]:
        """The words of a unit, in the order in which a phrase of them grows."""
        position, (words, context, _) = self._units[unit]
        segmented = self._task.documents[position]
        worth = _word_worth(segmented, words, self._readings[position].ends, self._said[position])
        phrase = _growing_phrase(worth, _clauses(segmented, words))
        return [Piece(position, words.start + i, words.start + i + 1, context) for i in phrase]


def _letters(segmented: SegmentedDocument, unit: Unit) -> int:
    """Letters and digits of a unit."""
    start, end = segmented.words[unit.words.start].start, segmented.words[unit.words.stop - 1].end
    return sum(map(str.isalnum, segmented.document.text[start:end]))


def _growing_phrase(worth: np.ndarray, clauses: np.ndarray) -> list[int]:
    """Positions in the order in which a phrase grows that shall hold the best word: from its beginning on, then back.

    It begins with the unit, or, where the best word stands far into it, with a clause: a phrase that begins in the
    middle of one does not read on its own.

    Args:
        worth: of each word.
        clauses: whether each word begins a clause.
    """
    best = int(np.argmax(worth))
    near = max(best - _LONGEST_START, 0)
    begin = next((word for word in range(near, best) if clauses[word]), best)
    return [*range(begin, len(worth)), *range(begin - 1, -1, -1)]


def _clauses(segmented: SegmentedDocument, words: range) -> np.ndarray:
    """Whether each word begins a clause: the first, and each after a comma or the like."""
    text = segmented.document.text
    ends = [text[segmented.words[word].end - 1] in _CLAUSE_ENDS for word in words]
    return np.array([True, *ends[:-1]])


def _word_worth(segmented: SegmentedDocument, words: range, token_ends: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each word the highest value of its tokens."""
    starts = np.array([segmented.words[word].start for word in words])
    ends = np.array([segmented.words[word].end for word in words])
    first, last = tokens_between(token_ends, starts, ends)
    # Every second one is what stands between two words; the last word may end where the values do.
    return np.maximum.reduceat(np.append(values, -np.inf), np.column_stack([first, last]).ravel())[::2]
