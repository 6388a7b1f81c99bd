"""What a model says of each token of the documents, given the question: attention, or contrastive perplexity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tersely.methods.evidence.passages import Passage, cut_into_passages
from tersely.scoring.scorer import Head, Progress, Scorer, ScoringRequest
from tersely.text.segmentation import SegmentedDocument

# Of a question, which is scored again after each passage; the end of a longer one.
_QUESTION_TOKENS = 128
# Causal models pay most of their attention to the first token, whatever it is: so it belongs to no passage.
_START = "\n"
_LEAD_IN = "\n\nQuestion:"
_UNLIKELY = -50.0  # nats: for a log-probability that is beyond the model's numbers (those of 16 bits overflow)


class TokenScores(NamedTuple):
    """The scores of a document's tokens, given the question. Tokens of the title come first.

    Attributes:
        ends: for each token the end of its characters in the document's text; at most 0 for those of the title.
        passages: for each token the number of its passage, counted over all documents.
        values: the scores (float32; kinds, tokens): see `attention_scores` and `contrast_scores`.
        question: for each token how much more likely its passage makes the question's tokens than all passages do on
            average (nats, the mean over the question's tokens). A question token that the passage makes less likely
            counts as 0: a passage about something else says nothing against it. Minus r_k of LongLLMLingua, equation 2,
            counts all.
    """

    ends: np.ndarray
    passages: np.ndarray
    values: np.ndarray
    question: np.ndarray


def attention_scores(
    scorer: Scorer,
    documents: Sequence[SegmentedDocument],
    question: str,
    heads: Sequence[Head],
    progress: Progress,
) -> list[TokenScores]:
    """One pass over each passage and the question after it.

    Args:
        scorer: the model.
        documents: to score.
        question: what is asked.
        heads: whose attention counts.
        progress: receives the share that is done, from 0 to 1.

    Returns:
        For each document scores whose values are the logarithms of the attention that each head's question tokens pay
        to a token, on average.
    """
    ends, passages = _passages(scorer, documents)
    requests = _requests(scorer, passages, _question_tokens(scorer, question), heads)
    attention = scorer.attend(requests, heads, progress=progress)
    values = []
    for passage, request, of_passage in zip(passages, requests, attention, strict=True):
        end = len(request.prefix) - len(_frame(scorer).lead_in) - 1  # the question's first token is in the prefix
        weights = of_passage.weights[:, end - (passage.last - passage.first) : end]
        values.append(np.log(weights + 1e-7))
    return _by_document(ends, passages, values, [of_passage.log_probabilities for of_passage in attention])


def contrast_scores(
    scorer: Scorer, documents: Sequence[SegmentedDocument], question: str, progress: Progress
) -> list[TokenScores]:
    """Three passes, for a model of which no attention heads are known.

    Returns:
        For each document scores whose only value is by how much the question makes a token more likely
        (LongLLMLingua, equation 3; nats).
    """
    ends, passages = _passages(scorer, documents)
    scores = scorer.score(_requests(scorer, passages, _question_tokens(scorer, question), ()), progress)
    values = []
    for number, passage in enumerate(passages):
        _, with_question, alone = scores[number :: len(passages)]
        values.append(np.nan_to_num(with_question - alone)[None, -(passage.last - passage.first) :])
    return _by_document(ends, passages, values, scores[: len(passages)])


def prefetch_requests(
    scorer: Scorer, documents: Sequence[SegmentedDocument], heads: Sequence[Head]
) -> list[ScoringRequest]:
    """What `attention_scores` with these arguments, or without heads `contrast_scores`, will ask of any question."""
    _, passages = _passages(scorer, documents)
    any_first = _frame(scorer).start[:1]  # stands for the question's first token, which ends the prefix
    requests = _requests(scorer, passages, any_first, heads)
    return [request for request in requests if request.cached]


class _Frame(NamedTuple):
    """Tokens of what stands before a passage, and between it and the question."""

    start: list[int]
    lead_in: list[int]


def _frame(scorer: Scorer) -> _Frame:
    return _Frame(scorer.encode(_START).tokens, scorer.encode(_LEAD_IN).tokens)


def _passages(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> tuple[list[np.ndarray], list[Passage]]:
    """The documents' passages, which leave room for any question."""
    frame = _frame(scorer)
    room = scorer.context_length - len(frame.start) - len(frame.lead_in) - _longest_question(scorer)
    return cut_into_passages(scorer, documents, room)


def _longest_question(scorer: Scorer) -> int:
    return min(_QUESTION_TOKENS, scorer.context_length // 2)


def _question_tokens(scorer: Scorer, question: str) -> list[int]:
    """Its tokens, at least two: a shorter question takes the lead-in's tokens with it."""
    tokens = scorer.encode(f" {question}").tokens[-_longest_question(scorer) :]
    return tokens if len(tokens) > 1 else [*_frame(scorer).lead_in, *tokens]


def _requests(
    scorer: Scorer, passages: Sequence[Passage], question: Sequence[int], heads: Sequence[Head]
) -> list[ScoringRequest]:
    """All that is asked of the model: with heads the question after each passage; without, each passage twice more.

    The question's first token ends the prefix, for no log-probability of it is needed. So all of the prefix but its
    last token is the same for any question, and is cached.
    """
    start, lead_in = _frame(scorer)
    question_after = [
        ScoringRequest(question[1:], [*start, *passage.tokens, *lead_in, question[0]], "prefix", shallow=bool(heads))
        for passage in passages
    ]
    if heads:
        return question_after
    after_question = [ScoringRequest(passage.tokens, [*question, *start]) for passage in passages]
    alone = [ScoringRequest(passage.tokens, start, "scores") for passage in passages]
    return [*question_after, *after_question, *alone]


def _by_document(
    ends: Sequence[np.ndarray],
    passages: Sequence[Passage],
    values: Sequence[np.ndarray],
    question: Sequence[np.ndarray],
) -> list[TokenScores]:
    """The scores of each passage, put together by document.

    Args:
        ends: of each document's tokens.
        passages: of all documents.
        values: of each passage (kinds, tokens).
        question: after each passage the log-probabilities of the question's tokens.
    """
    scores = [
        TokenScores(
            end,
            np.zeros(len(end), dtype=np.int64),
            np.zeros((len(values[0]), len(end)), dtype=np.float32),
            np.zeros(len(end), dtype=np.float32),
        )
        for end in ends
    ]
    likely = np.nan_to_num(np.array(question), nan=_UNLIKELY, neginf=_UNLIKELY)
    more_likely = np.maximum(likely - likely.mean(axis=0), 0).mean(axis=1)
    for number, passage in enumerate(passages):
        of_document, tokens = scores[passage.document], slice(passage.first, passage.last)
        of_document.passages[tokens] = number
        of_document.values[:, tokens] = values[number]
        of_document.question[tokens] = more_likely[number]
    return scores
