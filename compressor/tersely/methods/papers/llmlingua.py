"""LLMLingua (arXiv 2310.05736), section 3: documents by perplexity, then words by surprisal. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tersely.budget.pieces import Piece
from tersely.budget.shares import select_documents
from tersely.methods.method import Task
from tersely.methods.papers.iterative import Share, compress_iteratively
from tersely.methods.papers.ranking import document_surprisal, surprisal_requests
from tersely.scoring.scorer import Scorer, ScoringRequest
from tersely.settings import Order
from tersely.text.segmentation import SegmentedDocument


class LLMLingua:
    """The method of LLMLingua with whole words."""

    needs_question: ClassVar[bool] = False
    needs_model: ClassVar[bool] = True
    default_order: ClassVar[Order] = "original"
    whole_units: ClassVar[bool] = False
    margin: ClassVar[float] = float("inf")

    def __init__(self, task: Task) -> None:
        self._task = task

    @staticmethod
    def ahead(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
        return surprisal_requests(scorer, documents)

    def rank(self) -> list[float]:
        """The log of each document's perplexity: the hardest to predict tells most (section 3.1)."""
        task = self._task
        return document_surprisal(task.scorer, task.documents, task.progress)

    def pieces(self, relevance: Sequence[float], order: Sequence[int]) -> list[Piece]:
        """Words by surprisal given what was kept before them (section 3.2, equations 5 to 7)."""
        task = self._task
        selected = select_documents(relevance, task.document_tokens, task.target, task.settings.granularity)
        rate = task.target / sum(task.document_tokens[position] for position in selected)
        shares = [Share(position, rate) for position in order if position in selected]
        chain = task.scorer.chain([task.scorer.encode("\n").tokens])
        return compress_iteratively(
            task,
            shares,
            values=lambda tokens: -chain.score(tokens)[0],
            accept=chain.accept,
        )
