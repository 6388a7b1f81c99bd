"""A fragment of a unit that does not fit whole: a phrase around its best word, where the caller allows fragments."""

from __future__ import annotations

import numpy as np

from tersely.budget.pieces import Piece
from tersely.methods.evidence.passages import tokens_between
from tersely.methods.evidence.token_scores import TokenScores
from tersely.text.segmentation import SegmentedDocument, Unit

_CLAUSE_ENDS = frozenset(",;:)]–—、，；：）」』،؛")
_LONGEST_START = 12  # words of a phrase before the best one


def words_of_phrase(
    position: int, segmented: SegmentedDocument, unit: Unit, scores: TokenScores, weights: np.ndarray
) -> list[Piece]:
    """The words of a unit, each a piece, in the order in which a phrase of them grows.

    Args:
        position: of the document in the list of segmented documents.
        segmented: the document.
        unit: which of its units.
        scores: the model's, of the document's tokens.
        weights: of each kind of score.
    """
    words = unit.words
    worth = _word_worth(segmented, words, scores.ends, weights @ scores.values)
    phrase = _growing_phrase(worth, _clauses(segmented, words))
    return [Piece(position, words.start + i, words.start + i + 1, unit.context) for i in phrase]


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
