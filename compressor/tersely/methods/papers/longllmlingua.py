"""LongLLMLingua (arXiv 2310.06839), sections 4.1 to 4.3.

Documents by how likely they make the question, more words of the better documents, and those words that the question
makes more likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from tersely.budget.pieces import Piece
from tersely.budget.shares import dynamic_rates, select_documents
from tersely.methods.method import Method, Ranking, Task
from tersely.methods.papers.iterative import Share, compress_iteratively
from tersely.methods.papers.ranking import prefetch_requests, question_log_probability


def rank(task: Task) -> Ranking:
    """Documents by minus r_k: the mean log-probability of the question after each of them (equation 2)."""
    relevance = question_log_probability(task.scorer, task.documents, task.question or "", task.progress)
    return Ranking(relevance, partial(_pieces, task, relevance))


def _pieces(task: Task, relevance: Sequence[float], order: Sequence[int]) -> list[Piece]:
    """Words by contrastive perplexity (equation 3), at rates that fall with the document's rank (equation 5)."""
    selected = select_documents(relevance, task.document_tokens, task.target, task.settings.granularity)
    rate = task.target / sum(task.document_tokens[position] for position in selected)
    rates = dict(zip(selected, dynamic_rates(len(selected), rate, task.settings.dynamic_ratio), strict=True))
    shares = [Share(position, rates[position]) for position in order if position in rates]

    encode = task.scorer.encode
    conditions = [encode("\n").tokens, encode(f"{task.question}\n").tokens]
    chain = task.scorer.chain(conditions, shallow=True)

    def contrast(tokens: list[int]) -> np.ndarray:
        without_question, with_question = chain.score(tokens)
        difference: np.ndarray = with_question - without_question
        return difference

    return compress_iteratively(task, shares, values=contrast, accept=chain.accept)


LONGLLMLINGUA = Method(
    rank,
    prefetch=prefetch_requests,
    needs_question=True,
    needs_model=True,
    needs="log-probabilities",
    default_order="best_first",
    whole_units=False,
)
