"""What a method is: a coarse stage that ranks documents and a fine stage that says which pieces to keep first.

A method never decides how much fits: `budget/fit.py` does. To add a method: a file here, a line in
`methods/__init__.py`, and its name in `settings.MethodName`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tersely.budget.pieces import Piece
from tersely.scoring.abilities import Ability
from tersely.scoring.scorer import Progress, Scorer, ScoringRequest
from tersely.settings import CompressionSettings, Order
from tersely.text.segmentation import SegmentedDocument


@dataclass(frozen=True, slots=True)
class Task:
    """All that a method may look at.

    Attributes:
        documents: what to compress.
        document_tokens: tokens of each document with its title, as the target LLM counts them.
        target: the budget in the same tokens.
        question: None where there is none.
        settings: the caller's.
        scorer: the model.
        progress: receives the share of the present stage that is done, from 0 to 1.
    """

    documents: Sequence[SegmentedDocument]
    document_tokens: Sequence[int]
    target: int
    question: str | None
    settings: CompressionSettings
    scorer: Scorer
    progress: Progress


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a method makes of a task.

    Attributes:
        relevance: the coarse stage: one value a document; those with higher values are kept first.
        pieces: the fine stage: order of the documents in the context (as positions) -> pieces, best first. It may run
            the model, so it is called only where something must be left out.
    """

    relevance: list[float]
    pieces: Callable[[Sequence[int]], list[Piece]]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to choose what is kept.

    Attributes:
        rank: task, with at least one document -> ranking.
        prefetch: scorer and documents -> the requests of `rank` that are the same whatever the question, so that they
            can be computed before any is asked.
        needs_question: whether a question must be given.
        needs_model: whether the scorer is asked at all.
        thresholds: whether what is worth too little goes even where all fits, if `settings.threshold` says so.
        needs: what the scorer must be able to do then; by default what a language model that is loaded here can.
        default_order: of the documents in the context.
        whole_units: whether its pieces are units; else they are words.
        margin: if the best piece does not fit, a piece worth less than it by more than this is no substitute.
    """

    rank: Callable[[Task], Ranking]
    prefetch: Callable[[Scorer, Sequence[SegmentedDocument]], list[ScoringRequest]]
    needs_question: bool
    needs_model: bool
    default_order: Order
    whole_units: bool
    margin: float = float("inf")
    thresholds: bool = False
    needs: Ability = "attention"
