"""LongLLMLingua (arXiv 2310.06839), sections 4.1 to 4.3: documents by how likely they make the question, more words of
the better ones, and those words that the question makes more likely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from tersely.budget.pieces import Piece
from tersely.budget.shares import dynamic_rates, select_documents
from tersely.methods.evidence.profile import document_layers
from tersely.methods.method import Task
from tersely.methods.papers.iterative import Share, compress_iteratively
from tersely.methods.papers.ranking import question_log_probability, question_requests_ahead
from tersely.scoring.scorer import Scorer, ScoringRequest
from tersely.settings import Order
from tersely.text.segmentation import SegmentedDocument


class LongLLMLingua:
    """The method of LongLLMLingua with whole words."""

    needs_question: ClassVar[bool] = True
    needs_model: ClassVar[bool] = True
    default_order: ClassVar[Order] = "best_first"
    whole_units: ClassVar[bool] = False
    margin: ClassVar[float] = float("inf")

    def __init__(self, task: Task) -> None:
        self._task = task
        # What only stands before what is scored.
        self._layers = document_layers(task.scorer.fingerprint)

    @staticmethod
    def ahead(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
        return question_requests_ahead(scorer, documents, document_layers=document_layers(scorer.fingerprint))

    def rank(self) -> list[float]:
        """Minus r_k: the mean log-probability of the question after each document (equation 2)."""
        task = self._task
        return question_log_probability(
            task.scorer, task.documents, task.question or "", task.progress, document_layers=self._layers
        )

    def pieces(self, relevance: Sequence[float], order: Sequence[int]) -> list[Piece]:
        """Words by contrastive perplexity (equation 3), at rates that fall with the document's rank (equation 5)."""
        task = self._task
        selected = select_documents(relevance, task.document_tokens, task.target, task.settings.granularity)
        rate = task.target / sum(task.document_tokens[position] for position in selected)
        rates = dict(zip(selected, dynamic_rates(len(selected), rate, task.settings.dynamic_ratio), strict=True))
        shares = [Share(position, rates[position]) for position in order if position in rates]

        encode = task.scorer.encode
        chain = task.scorer.chain([encode("\n").tokens, encode(f"{task.question}\n").tokens], self._layers)

        def contrast(tokens: list[int]) -> np.ndarray:
            plain, asked = chain.score(tokens)
            return asked - plain

        return compress_iteratively(task, shares, values=contrast, accept=chain.accept)
