"""What a method is: a coarse stage that ranks documents and a fine stage that says which words to keep first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from tersely.budget.pieces import Piece
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


class Method(Protocol):
    """A way to choose, made for one task. It decides in which order pieces are worth keeping, never how many fit."""

    needs_question: ClassVar[bool]
    needs_model: ClassVar[bool]
    default_order: ClassVar[Order]
    whole_units: ClassVar[bool]  # its pieces are units, not words
    margin: ClassVar[float]  # what is worth less than the best piece by more than this is no substitute for it

    def __init__(self, task: Task) -> None: ...

    @staticmethod
    def ahead(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
        """What the coarse stage will ask of the model whatever the question, so that it can be read ahead."""
        ...

    def rank(self) -> list[float]:
        """The coarse stage: one value a document; those with higher values are kept first."""
        ...

    def pieces(self, relevance: Sequence[float], order: Sequence[int]) -> list[Piece]:
        """The fine stage, after `rank`: pieces of the documents, best first.

        Args:
            relevance: what `rank` returned.
            order: positions of the documents in the order of the context.
        """
        ...
