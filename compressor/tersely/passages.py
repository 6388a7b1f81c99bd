"""Documents as a model reads them next to a question: in passages, with what it says of each token kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tersely.rendering import TITLE_SEPARATOR, with_title
from tersely.scoring.scorer import Head, Scorer, ScoringRequest
from tersely.segmentation import SegmentedDocument

# Longer documents are read in parts of at most so many tokens: what is said of a token then has the same scale in long
# and short documents, and the time grows with the length, not with its square.
PASSAGE_TOKENS = 256
_TITLE_TOKENS = 64  # of a title, before each part
_LEAD_IN = "\n\nQuestion:"

Progress = Callable[[float], None]


class Reading(NamedTuple):
    """What a model says of a document's tokens, given the question. Tokens of the title come first.

    Attributes:
        ends: for each token the end of its characters in the document's text; at most 0 for those of the title.
        passages: for each token the number of the passage in which it was read, counted over all documents.
        values: what the model says of it (float32; kinds, tokens): see `read_attention` and `read_contrast`.
        question: for each token the mean log-probability (nats) of the question after its passage: minus r_k of
            LongLLMLingua, equation 2, for the passage.
    """

    ends: np.ndarray
    passages: np.ndarray
    values: np.ndarray
    question: np.ndarray


class _Passage(NamedTuple):
    """Tokens `first` up to but not including `last` of a document, and what the model is given of it."""

    document: int
    first: int
    last: int
    tokens: list[int]  # with the title, where `first` is not the beginning


def read_attention(
    scorer: Scorer,
    documents: Sequence[SegmentedDocument],
    question: str,
    heads: Sequence[Head],
    progress: Progress,
    *,
    question_too: bool = True,
) -> list[Reading]:
    """One pass over each passage and the question after it.

    Args:
        scorer: the model.
        documents: what to read.
        question: what is asked.
        heads: whose attention to read.
        progress: receives the share that is done, from 0 to 1.
        question_too: whether the question's log-probability is wanted. Without it the pass ends at the last layer of
            `heads`, and that figure is 0.

    Returns:
        For each document a `Reading` whose values are the logarithms of the attention that each head's question tokens
        pay to a token, on average.
    """
    asked = _question_tokens(scorer, question)
    lead_in = scorer.encode(_LEAD_IN).tokens
    ends, passages = _passages(scorer, documents, scorer.context_length - len(lead_in) - len(asked))
    requests = [ScoringRequest(asked, [*passage.tokens, *lead_in]) for passage in passages]
    readings = _empty_readings(ends, kinds=len(heads))
    attention = scorer.attend(requests, heads, log_probabilities=question_too, progress=progress)
    for number, (passage, seen) in enumerate(zip(passages, attention, strict=True)):
        own = len(passage.tokens) - (passage.last - passage.first)  # tokens of a repeated title before the passage's
        weights = seen.weights[:, own : len(passage.tokens)]
        _fill(readings, number, passage, np.log(weights + 1e-7), seen.log_probabilities)
    return readings


def read_contrast(
    scorer: Scorer, documents: Sequence[SegmentedDocument], question: str, progress: Progress
) -> list[Reading]:
    """Three passes, for a model of which no attention heads are known.

    Returns:
        For each document a `Reading` whose only value is by how much the question makes a token more likely
        (LongLLMLingua, equation 3; nats).
    """
    asked = _question_tokens(scorer, question)
    lead_in = scorer.encode(_LEAD_IN).tokens
    ends, passages = _passages(scorer, documents, scorer.context_length - len(lead_in) - len(asked))
    start = scorer.encode("\n").tokens
    kinds = [
        [ScoringRequest(asked, [*passage.tokens, *lead_in]) for passage in passages],
        [ScoringRequest(passage.tokens, [*asked, *start]) for passage in passages],
        [ScoringRequest(passage.tokens, start) for passage in passages],
    ]
    scores = scorer.score([request for kind in kinds for request in kind], progress)
    readings = _empty_readings(ends, kinds=1)
    for number, passage in enumerate(passages):
        of_question, with_question, alone = scores[number :: len(passages)]
        contrast = (with_question - alone)[-(passage.last - passage.first) :]
        _fill(readings, number, passage, contrast[None], of_question)
    return readings


def _question_tokens(scorer: Scorer, question: str) -> list[int]:
    """At most half of what the model can read, the end of a longer question."""
    return scorer.encode(f" {question}").tokens[-(scorer.context_length // 2) :]


def _passages(
    scorer: Scorer, documents: Sequence[SegmentedDocument], room: int
) -> tuple[list[np.ndarray], list[_Passage]]:
    """The end of each document's tokens in its text, and its passages: whole units, as many as fit."""
    all_ends, passages = [], []
    room = min(room, PASSAGE_TOKENS)
    for position, segmented in enumerate(documents):
        title, text = segmented.document.title, segmented.document.text
        encoding = scorer.encode(with_title(title, text))
        ends = np.array([end for _, end in encoding.offsets], dtype=np.int64)
        ends -= len(title) + len(TITLE_SEPARATOR) if title else 0
        all_ends.append(ends)
        of_title = encoding.tokens[: int(np.searchsorted(ends, 0, side="right"))][: min(_TITLE_TOKENS, room // 2)]
        unit_starts = [segmented.words[unit.words.start].start for unit in segmented.units]
        starts = set(np.searchsorted(ends, unit_starts, side="right").tolist())
        first = 0
        while first < len(ends):
            repeated = of_title if first else []
            last = min(first + room - len(repeated), len(ends))
            if last < len(ends):
                last = next((start for start in range(last, first, -1) if start in starts), last)
            passages.append(_Passage(position, first, last, [*repeated, *encoding.tokens[first:last]]))
            first = last
    return all_ends, passages


def _empty_readings(ends: Sequence[np.ndarray], kinds: int) -> list[Reading]:
    return [
        Reading(
            end,
            np.zeros(len(end), dtype=np.int64),
            np.zeros((kinds, len(end)), dtype=np.float32),
            np.zeros(len(end), dtype=np.float32),
        )
        for end in ends
    ]


def _fill(
    readings: Sequence[Reading], number: int, passage: _Passage, values: np.ndarray, scores: np.ndarray | None
) -> None:
    reading, tokens = readings[passage.document], slice(passage.first, passage.last)
    reading.passages[tokens] = number
    reading.values[:, tokens] = values
    if scores is not None:
        reading.question[tokens] = scores.mean()
