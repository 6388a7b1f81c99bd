"""Documents as a model reads them next to a question: in passages, with what it says of each token kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tersely.budget.rendering import LONG_WHITE_SPACE, TITLE_SEPARATOR, with_title
from tersely.scoring.scorer import Encoding, Head, Progress, Scorer, ScoringRequest
from tersely.text.segmentation import SegmentedDocument, Unit

# Longer documents are read in parts of at most so many tokens: what is said of a token then has the same scale in long
# and short documents, and the time grows with the length, not with its square.
PASSAGE_TOKENS = 256
_TITLE_TOKENS = 64  # of a title, before each part
# Of a question, which is read again after each passage; the end of a longer one.
_QUESTION_TOKENS = 128
# Causal models pay most of their attention to the first token, whatever it is: so it is none of a passage.
_START = "\n"
_LEAD_IN = "\n\nQuestion:"
_UNLIKELY = -50.0  # nats: for a log-probability that is beyond the model's numbers (those of 16 bits overflow)


class Reading(NamedTuple):
    """What a model says of a document's tokens, given the question. Tokens of the title come first.

    Attributes:
        ends: for each token the end of its characters in the document's text; at most 0 for those of the title.
        passages: for each token the number of the passage in which it was read, counted over all documents.
        values: what the model says of it (float32; kinds, tokens): see `read_attention` and `read_contrast`.
        question: for each token how much more likely its passage makes the question's tokens than all passages do on
            average (nats, the mean over the question's tokens). A token that it makes less likely counts as 0: what a
            passage does not speak of says nothing against it. Minus r_k of LongLLMLingua, equation 2, counts all.
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
    document_layers: int | None = None,
) -> list[Reading]:
    """One pass over each passage and the question after it.

    Args:
        scorer: the model.
        documents: what to read.
        question: what is asked.
        heads: whose attention to read.
        progress: receives the share that is done, from 0 to 1.
        document_layers: by so many layers the documents are read; None for all (see `ScoringRequest.layers`).

    Returns:
        For each document a `Reading` whose values are the logarithms of the attention that each head's question tokens
        pay to a token, on average.
    """
    lead_in, start = _frame(scorer)
    ends, passages = _passages(scorer, documents)
    before = [[*start, *passage.tokens, *lead_in] for passage in passages]
    requests = _asked_after(before, _question(scorer, question), document_layers)
    attention = scorer.attend(requests, heads, progress=progress)
    values = []
    for passage, seen in zip(passages, attention, strict=True):
        end = len(start) + len(passage.tokens)
        weights = seen.weights[:, end - (passage.last - passage.first) : end]
        values.append(np.log(weights + 1e-7))
    return _readings(ends, passages, values, [seen.log_probabilities for seen in attention])


def read_contrast(
    scorer: Scorer, documents: Sequence[SegmentedDocument], question: str, progress: Progress
) -> list[Reading]:
    """Three passes, for a model of which no attention heads are known.

    Returns:
        For each document a `Reading` whose only value is by how much the question makes a token more likely
        (LongLLMLingua, equation 3; nats).
    """
    lead_in, start = _frame(scorer)
    asked = _question(scorer, question)
    ends, passages = _passages(scorer, documents)
    kinds = [
        _asked_after([[*start, *passage.tokens, *lead_in] for passage in passages], asked),
        [ScoringRequest(passage.tokens, [*asked, *start]) for passage in passages],
        [ScoringRequest(passage.tokens, start, "scores") for passage in passages],
    ]
    scores = scorer.score([request for kind in kinds for request in kind], progress)
    values = []
    for number, passage in enumerate(passages):
        _, with_question, alone = scores[number :: len(passages)]
        values.append(np.nan_to_num(with_question - alone)[None, -(passage.last - passage.first) :])
    return _readings(ends, passages, values, scores[: len(passages)])


def requests_ahead(
    scorer: Scorer, documents: Sequence[SegmentedDocument], heads: Sequence[Head], *, document_layers: int | None = None
) -> list[ScoringRequest]:
    """What `read_attention` with these arguments, or without heads `read_contrast`, needs whatever the question."""
    lead_in, start = _frame(scorer)
    _, passages = _passages(scorer, documents)
    before = [[*start, *passage.tokens, *lead_in] for passage in passages]
    any_first = start[:1]  # stands for the question's first token, which counts to what is before it
    asked = _asked_after(before, any_first, document_layers if heads else None)
    alone = [ScoringRequest(passage.tokens, start, "scores") for passage in passages]
    return asked if heads else asked + alone


def tokens_between(ends: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tokens that end between characters `starts` and `stops`: the first of each and the one after the last.

    Where none does, the token is taken that ends next.
    """
    first = np.minimum(np.searchsorted(ends, starts, side="right"), len(ends) - 1)
    return first, np.maximum(np.searchsorted(ends, stops, side="right"), first + 1)


def _frame(scorer: Scorer) -> tuple[list[int], list[int]]:
    """Tokens of what stands between a passage and the question, and of what stands before the passage."""
    return scorer.encode(_LEAD_IN).tokens, scorer.encode(_START).tokens


def _longest_question(scorer: Scorer) -> int:
    return min(_QUESTION_TOKENS, scorer.context_length // 2)


def _question(scorer: Scorer, question: str) -> list[int]:
    """Its tokens, at least two: of fewer the lead-in is a part, too."""
    tokens = scorer.encode(f" {question}").tokens[-_longest_question(scorer) :]
    return tokens if len(tokens) > 1 else [*scorer.encode(_LEAD_IN).tokens, *tokens]


def _asked_after(
    before: Sequence[list[int]], question: Sequence[int], layers: int | None = None
) -> list[ScoringRequest]:
    """The question after what stands before it. Its first token, of which no log-probability is asked then, counts to
    that: so all that is the same for any question is kept, and not its last token read again with each.
    """
    return [ScoringRequest(question[1:], [*prefix, question[0]], "prefix", layers) for prefix in before]


def _passages(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> tuple[list[np.ndarray], list[_Passage]]:
    """The end of each document's tokens in its text, and its passages: whole units, as many as fit before any question.

    They are the same whatever the question, so what is read of them can be kept for the next one.
    """
    all_ends, passages = [], []
    lead_in, start = _frame(scorer)
    room = min(PASSAGE_TOKENS, scorer.context_length - len(start) - len(lead_in) - _longest_question(scorer))
    for position, segmented in enumerate(documents):
        title = segmented.title
        encoding = _encoding(scorer, segmented)
        ends = np.array([end for _, end in encoding.offsets], dtype=np.int64)
        ends -= len(title) + len(TITLE_SEPARATOR) if title else 0
        all_ends.append(ends)
        of_title = encoding.tokens[: int(np.searchsorted(ends, 0, side="right"))][: min(_TITLE_TOKENS, room // 2)]
        unit_starts = [segmented.words[_start_with_context(unit)].start for unit in segmented.units]
        starts = set(np.searchsorted(ends, unit_starts[1:], side="right").tolist())
        first = 0
        while first < len(ends):
            repeated = of_title if first else []
            last = min(first + room - len(repeated), len(ends))
            if last < len(ends):
                last = next((start for start in range(last, first, -1) if start in starts), last)
            passages.append(_Passage(position, first, last, [*repeated, *encoding.tokens[first:last]]))
            first = last
    return all_ends, passages


def _encoding(scorer: Scorer, segmented: SegmentedDocument) -> Encoding:
    """What `_encode` gives, computed once for each document and scorer."""
    encodings = segmented.cache.encodings
    if scorer.fingerprint not in encodings:
        encodings[scorer.fingerprint] = _encode(scorer, segmented)
    return Encoding(*encodings[scorer.fingerprint])


def _encode(scorer: Scorer, segmented: SegmentedDocument) -> Encoding:
    """A document's title and text in tokens, without what is not read of it."""
    text = with_title(segmented.title, segmented.document.text)
    unread = [*segmented.unread, *(match.span() for match in LONG_WHITE_SPACE.finditer(segmented.document.text))]
    if not unread:
        return scorer.encode(text)
    before = len(text) - len(segmented.document.text)
    edges = [0, *(before + edge for span in sorted(unread) for edge in span), len(text)]
    tokens: list[int] = []
    offsets: list[tuple[int, int]] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        part = scorer.encode(text[start:end])
        tokens += part.tokens
        offsets += [(start + first, start + last) for first, last in part.offsets]
    return Encoding(tokens, offsets)


def _start_with_context(unit: Unit) -> int:
    """The position of a unit's first word, or of that of that of its context which stands right before it."""
    start = unit.words.start
    for part in reversed(unit.context):
        if part.stop == start:
            start = part.start
    return start


def _readings(
    ends: Sequence[np.ndarray],
    passages: Sequence[_Passage],
    values: Sequence[np.ndarray],
    question: Sequence[np.ndarray],
) -> list[Reading]:
    """What was said of each passage, by document.

    Args:
        ends: of each document's tokens.
        passages: of all documents.
        values: of each passage (kinds, tokens).
        question: after each passage the log-probabilities of the question's tokens.
    """
    readings = [
        Reading(
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
        reading, tokens = readings[passage.document], slice(passage.first, passage.last)
        reading.passages[tokens] = number
        reading.values[:, tokens] = values[number]
        reading.question[tokens] = more_likely[number]
    return readings
