"""The papers' coarse stage: how relevant each document is. Which of them go on is decided by the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tersely.budget.rendering import with_title
from tersely.scoring.scorer import Progress, Scorer, ScoringRequest
from tersely.text.segmentation import SegmentedDocument

# Stands after the question: it keeps the model from answering out of its own memory (LongLLMLingua, section 4.1).
RESTRICTIVE_STATEMENT = "We can get the answer to this question in the given documents."
# Room for a question of unknown length. A document that leaves less may be read in parts, which are not known before.
_LONGEST_QUESTION = 256  # tokens


def document_surprisal(scorer: Scorer, documents: Sequence[SegmentedDocument], progress: Progress) -> list[float]:
    """The mean surprisal of each document's tokens, in nats: the logarithm of its perplexity."""
    return [-float(np.mean(scores)) for scores in scorer.score(surprisal_requests(scorer, documents), progress)]


def surprisal_requests(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
    """The requests of `document_surprisal`: the same whatever the question."""
    start = scorer.encode("\n").tokens
    return [ScoringRequest(scorer.encode(_whole_text(document)).tokens, start, "scores") for document in documents]


def question_log_probability(
    scorer: Scorer, documents: Sequence[SegmentedDocument], question: str, progress: Progress
) -> list[float]:
    """The mean log-probability of the question after each document: minus r_k (LongLLMLingua, equation 2).

    A document too long for the model is scored in parts, and its best part counts.

    Args:
        scorer: the model.
        documents: each is scored by itself.
        question: asked after each.
        progress: called now and then with the share that is done.

    Returns:
        Nats a token, one value a document; higher where the document makes the question more likely.
    """
    asked = scorer.encode(f"\n\nQuestion: {question} {RESTRICTIVE_STATEMENT}").tokens
    parts = _question_requests(scorer, documents, asked, max(scorer.context_length - len(asked), 1))
    best = [-np.inf] * len(documents)
    for part, scores in zip(parts, scorer.score([part.request for part in parts], progress), strict=True):
        best[part.document] = max(best[part.document], float(np.mean(scores)))
    return best


def prefetch_requests(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
    """The requests of `question_log_probability` without the question, of documents that any question leaves whole."""
    room = scorer.context_length - _LONGEST_QUESTION
    parts = _question_requests(scorer, documents, [], max(room, 1))
    numbers = [part.document for part in parts]
    return [part.request for part in parts if numbers.count(part.document) == 1]


class _Part(NamedTuple):
    """A part of a document, often all of it, with the question after it."""

    document: int  # its position
    request: ScoringRequest


def _question_requests(
    scorer: Scorer, documents: Sequence[SegmentedDocument], asked: Sequence[int], room: int
) -> list[_Part]:
    """The question's tokens after each document, which is cut into parts of at most `room` tokens."""
    parts: list[_Part] = []
    for position, document in enumerate(documents):
        tokens = scorer.encode(_whole_text(document)).tokens
        for start in range(0, len(tokens), room):
            request = ScoringRequest(asked, tokens[start : start + room], "prefix", shallow=True)
            parts.append(_Part(position, request))
    return parts


def _whole_text(segmented: SegmentedDocument) -> str:
    return with_title(segmented.title, segmented.document.text)
