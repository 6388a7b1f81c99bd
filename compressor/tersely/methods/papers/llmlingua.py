"""LLMLingua (arXiv 2310.05736), section 3: documents by perplexity, then words by surprisal. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tersely.budget.pieces import Piece
from tersely.budget.shares import select_documents
from tersely.methods.method import Method, Ranking, Task
from tersely.methods.papers.iterative import Share, compress_iteratively
from tersely.methods.papers.ranking import document_surprisal, surprisal_requests


def rank(task: Task) -> Ranking:
    """Documents by the log of their perplexity: the hardest to predict tells most (section 3.1)."""
    relevance = document_surprisal(task.scorer, task.documents, task.progress)
    return Ranking(relevance, partial(_pieces, task, relevance))


def _pieces(task: Task, relevance: Sequence[float], order: Sequence[int]) -> list[Piece]:
    """Words by surprisal given what was kept before them (section 3.2, equations 5 to 7)."""
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


LLMLINGUA = Method(
    rank,
    prefetch=surprisal_requests,
    needs_question=False,
    needs_model=True,
    needs="log-probabilities",
    default_order="original",
    whole_units=False,
)
