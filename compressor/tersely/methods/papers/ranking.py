"""The coarse stage: how much each document has to say. Which of them go on is the budget's affair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tersely.budget.rendering import with_title
from tersely.scoring.scorer import Progress, Scorer, ScoringRequest
from tersely.text.segmentation import SegmentedDocument

# Stands after the question: it keeps the model from answering out of its own memory (LongLLMLingua, section 4.1).
RESTRICTIVE_STATEMENT = "We can get the answer to this question in the given documents."


def document_surprisal(scorer: Scorer, documents: Sequence[SegmentedDocument], progress: Progress) -> list[float]:
    """The mean surprisal of each document's tokens, in nats: the logarithm of its perplexity."""
    return [-float(np.mean(scores)) for scores in scorer.score(surprisal_requests(scorer, documents), progress)]


def surprisal_requests(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
    """What `document_surprisal` asks: the same whatever the question."""
    start = scorer.encode("\n").tokens
    return [ScoringRequest(scorer.encode(_whole_text(document)).tokens, start, "scores") for document in documents]


def question_log_probability(
    scorer: Scorer,
    documents: Sequence[SegmentedDocument],
    question: str,
    progress: Progress,
    *,
    document_layers: int | None,
) -> list[float]:
    """The mean log-probability of the question after each document: minus r_k (LongLLMLingua, equation 2).

    A document too long for the model is read in parts, and its best part counts.

    Args:
        scorer: the model.
        documents: each is read by itself.
        question: asked after each.
        progress: called now and then with the share that is done.
        document_layers: by which documents are read, as in `ScoringRequest`.

    Returns:
        Nats a token, one value a document; higher where the document makes the question more likely.
    """
    asked = scorer.encode(f"\n\nQuestion: {question} {RESTRICTIVE_STATEMENT}").tokens
    room = max(scorer.context_length - len(asked), 1)
    requests, owners = [], []
    for position, document in enumerate(documents):
        tokens = scorer.encode(_whole_text(document)).tokens
        for start in range(0, len(tokens), room):
            requests.append(ScoringRequest(asked, tokens[start : start + room], "prefix", document_layers))
            owners.append(position)
    best = [-np.inf] * len(documents)
    for position, scores in zip(owners, scorer.score(requests, progress), strict=True):
        best[position] = max(best[position], float(np.mean(scores)))
    return best


def question_requests_ahead(
    scorer: Scorer, documents: Sequence[SegmentedDocument], *, document_layers: int | None
) -> list[ScoringRequest]:
    """What `question_log_probability` asks whatever the question: documents that fit the model whole."""
    texts = [scorer.encode(_whole_text(document)).tokens for document in documents]
    return [
        ScoringRequest([], tokens, "prefix", document_layers) for tokens in texts if len(tokens) < scorer.context_length
    ]


def _whole_text(segmented: SegmentedDocument) -> str:
    return with_title(segmented.title, segmented.document.text)
