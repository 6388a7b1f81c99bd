"""Trained pruners such as Provence (arXiv 2501.16214): units by how many of their tokens help to answer the question.

The model reads each document after the question and labels its tokens. A unit's score is made of its tokens' labels as
the model's authors do it, and a document's relevance is what their ranking head says.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np

from tersely.budget.pieces import Piece
from tersely.budget.rendering import with_title
from tersely.methods.method import Method, Ranking, Task
from tersely.scoring.labels import LabelledPassage, Pruner
from tersely.text.segmentation import SegmentedDocument, own_span

# In log-odds: a unit of probability 0.02 is no substitute for one of 0.5, which is this much above it.
_MARGIN = 4.0
# Shares of labels are often the same; then the mean probability decides, which is too small to change another order.
_TIE = 1e-4
_SMALLEST = 1e-6


def rank(task: Task) -> Ranking:
    """Documents by the model's ranking head."""
    texts = [with_title(document.title, document.document.text) for document in task.documents]
    starts = [len(text) - len(document.document.text) for text, document in zip(texts, task.documents, strict=True)]
    ends = [
        [start + own_span(document, unit).end for unit in document.units]
        for start, document in zip(starts, task.documents, strict=True)
    ]
    passages = cast(Pruner, task.scorer).prune(task.question or "", texts, ends, task.progress)
    relevance = [passage.relevance for passage in passages]
    return Ranking(relevance, partial(_pieces, task, passages, starts))


def _pieces(
    task: Task, passages: Sequence[LabelledPassage], starts: Sequence[int], order: Sequence[int]
) -> list[Piece]:
    """Every unit whose score is above the caller's threshold, if there is one; the highest first."""
    pruner, settings = cast(Pruner, task.scorer), task.settings
    threshold = pruner.threshold if settings.threshold is None else settings.threshold
    rounds = pruner.rounds if settings.token_labels is None else settings.token_labels == "rounded"
    pieces = []
    for position in order:
        segmented = task.documents[position]
        for unit, score in zip(
            segmented.units, _scores(segmented, passages[position], starts[position], threshold, rounds), strict=True
        ):
            if settings.threshold is None or score.value > threshold:
                worth = score.value * (1 - _TIE) + score.mean * _TIE
                pieces.append(Piece(position, unit.words.start, unit.words.stop, unit.context, _log_odds(worth)))
    return sorted(pieces, key=lambda piece: -piece.worth)


class _Score(NamedTuple):
    """What a unit's tokens say together: the value by which it is kept, and the mean of their probabilities."""

    value: float
    mean: float


def _scores(
    segmented: SegmentedDocument, passage: LabelledPassage, start: int, threshold: float, rounds: bool
) -> list[_Score]:
    """For each unit the mean of its tokens' probabilities, or the share of them above the threshold; 0 without any."""
    # A tokenizer may count the white space before a word to it, so a token's last character says where it stands.
    lasts = np.array([end - 1 - start for _, end in passage.offsets], dtype=np.int64)
    scores = []
    for unit in segmented.units:
        inside = slice(*np.searchsorted(lasts, own_span(segmented, unit)))
        probabilities = passage.probabilities[inside]
        mean = float(probabilities.mean()) if len(probabilities) else 0.0
        share = float((probabilities > threshold).mean()) if len(probabilities) else 0.0
        scores.append(_Score(share if rounds else mean, mean))
    return scores


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _SMALLEST), 1 - _SMALLEST)
    return float(np.log(bounded / (1 - bounded)))


PRUNER = Method(
    rank,
    prefetch=lambda scorer, documents: [],
    needs_question=True,
    needs_model=True,
    needs="pruning",
    default_order="best_first",
    whole_units=True,
    margin=_MARGIN,
    thresholds=True,
)
