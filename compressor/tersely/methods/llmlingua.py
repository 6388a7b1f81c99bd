"""LLMLingua (arXiv 2310.05736), section 3: documents by perplexity, then words by surprisal. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence

from tersely.budget import Piece, select_documents
from tersely.methods.iterative import Share, compress_iteratively
from tersely.methods.method import Task
from tersely.ranking import document_surprisal
from tersely.settings import Order


class LLMLingua:
    """The method of LLMLingua with whole words."""

    needs_question = False
    default_order: Order = "original"

    def rank(self, task: Task) -> list[float]:
        """The log of each document's perplexity: the hardest to predict tells most (section 3.1)."""
        return document_surprisal(task.scorer, task.documents, task.progress)

    def pieces(self, task: Task, relevance: Sequence[float], order: Sequence[int]) -> list[Piece]:
        """Words by surprisal given what was kept before them (section 3.2, equations 5 to 7)."""
        selected = select_documents(relevance, task.document_tokens, task.target, task.settings.granularity)
        rate = task.target / sum(task.document_tokens[position] for position in selected)
        shares = [Share(position, rate) for position in order if position in selected]
        chain = task.scorer.chain(task.scorer.encode("\n").tokens)
        return compress_iteratively(
            task,
            shares,
            values=lambda tokens: -chain.score(tokens),
            accept=chain.accept,
        )
