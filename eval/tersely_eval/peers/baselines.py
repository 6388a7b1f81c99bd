"""Baselines, which a method must beat: they have the same budget and titles, and are counted alike.

None of them cuts inside a word. BM25 is that of bm25s with its defaults: English stop words, no stemming. Where a
script writes no spaces, each two neighbouring characters are a word, as search engines have it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import regex

from tersely import Document
from tersely.budget import Piece, fit, kept_spans, render_context, with_title
from tersely.input import read_documents
from tersely.text.segmentation import SegmentedDocument, segment_documents
from tersely.text.stop_words import load_bm25s
from tersely_eval.data import UNSPACED
from tersely_eval.peers.selection import Selection

Count = Callable[[str], int]
# Texts and a question -> how well each matches it; higher is better.
Relevance = Callable[[Sequence[str], str], np.ndarray]

_UNSPACED_RUN = regex.compile(rf"{UNSPACED}+")


class Baseline(Protocol):
    """A way to choose, from documents to what is delivered."""

    def __call__(self, documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
        """Choose at most `target_tokens`, as `count` counts them in the rendered context."""
        ...


def truncation(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """The documents as they come, cut where the budget ends."""
    segmented = _segmented(documents)
    return _words(segmented, range(len(segmented)), target_tokens, count)


def tail(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """The end of the documents as they come, as much of it as the budget holds."""
    segmented = _segmented(documents)
    return _words(segmented, range(len(segmented)), target_tokens, count, from_end=True)


def bm25_documents(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """The documents that match the question best, whole, best first; the last of them is cut where the budget ends."""
    segmented = _segmented(documents)
    texts = [with_title(document.document.title, document.document.text) for document in segmented]
    order = _best_first(bm25(texts, question))
    ranking = [segmented[position].index for position in order]
    return _words(segmented, order, target_tokens, count)._replace(ranking=ranking)


def bm25_sentences(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """The sentences that match the question best."""
    return best_sentences(bm25, documents, question, target_tokens, count)


def best_sentences(
    relevance: Relevance, documents: Sequence[Document], question: str, target_tokens: int, count: Count
) -> Selection:
    """As many of the most relevant sentences as fit, whole, in their documents' order.

    A sentence is matched with its document's title, as it would stand in the context: without it, "He was born in 1820"
    matches no question after a person.
    """
    segmented = _segmented(documents)
    sentences = list(_sentences(segmented))
    texts = [
        with_title(segmented[sentence.document].document.title, _text(segmented[sentence.document], sentence))
        for sentence in sentences
    ]
    pieces = [sentences[position] for position in _best_first(relevance(texts, question))]
    order = range(len(segmented))
    return _selection(segmented, fit(segmented, order, pieces, target_tokens, count).masks, order)


def full(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """Everything: no compression, whatever the budget is."""
    segmented = _segmented(documents)
    masks = [np.ones(len(document.words), dtype=bool) for document in segmented]
    return _selection(segmented, masks, range(len(segmented)))


BASELINES: dict[str, Baseline] = {
    "full": full,
    "truncation": truncation,
    "tail": tail,
    "bm25_documents": bm25_documents,
    "bm25_sentences": bm25_sentences,
}


def _segmented(documents: Sequence[Document]) -> list[SegmentedDocument]:
    usable = read_documents(documents).usable
    return segment_documents(usable)


def _sentences(segmented: Sequence[SegmentedDocument]) -> Iterator[Piece]:
    for position, document in enumerate(segmented):
        for unit in document.units:
            yield Piece(position, unit.words.start, unit.words.stop, unit.context)


def _text(segmented: SegmentedDocument, piece: Piece) -> str:
    return segmented.document.text[segmented.words[piece.first].start : segmented.words[piece.last - 1].end]


def bm25(texts: Sequence[str], question: str) -> np.ndarray:
    """How well each text matches the question's words; 0 where it has none of them."""
    bm25s = load_bm25s()
    question_words, *text_words = bm25s.tokenize(
        [_pairs_apart(text) for text in (question, *texts)], stopwords="en", return_ids=False, show_progress=False
    )
    if set(question_words).isdisjoint(word for words in text_words for word in words):
        return np.zeros(len(texts), dtype=np.float32)  # bm25s cannot score what has no word in common
    index = bm25s.BM25()
    index.index(text_words, show_progress=False)
    scores: np.ndarray = index.get_scores(question_words)
    return scores


def sum_of_standardised(first: Relevance, second: Relevance) -> Relevance:
    """The sum of two measures of relevance, each at mean 0 and standard deviation 1 over the texts."""

    def standardised(scores: np.ndarray) -> np.ndarray:
        deviation = scores.std()
        return (scores - scores.mean()) / deviation if deviation else np.zeros_like(scores)

    return lambda texts, question: standardised(first(texts, question)) + standardised(second(texts, question))


def _pairs_apart(text: str) -> str:
    """The text with spaces around each two neighbouring characters of a script that writes none."""

    def pairs(run: str) -> str:
        return " ".join(run[start : start + 2] for start in range(max(len(run) - 1, 1)))

    apart: str = _UNSPACED_RUN.sub(lambda match: f" {pairs(match.group())} ", text)
    return apart


def _best_first(scores: np.ndarray) -> list[int]:
    """Positions of the highest scores, highest first; equal ones in their order."""
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    return order


def _words(
    segmented: Sequence[SegmentedDocument], order: Sequence[int], target: int, count: Count, from_end: bool = False
) -> Selection:
    """As many words as fit, from the first one on in this order of the documents, or up to the last one.

    Not `fit`: what it adds after the first word that is too long would no longer be the beginning of the text.
    """
    edges = np.cumsum([0, *(len(segmented[position].words) for position in order)]).tolist()
    total = edges[-1]

    def masks(number: int) -> list[np.ndarray]:
        chosen = np.zeros(total, dtype=bool)
        chosen[slice(total - number, total) if from_end else slice(number)] = True
        of_documents = {
            position: chosen[start:end] for position, start, end in zip(order, edges, edges[1:], strict=False)
        }
        return [of_documents[position] for position in range(len(segmented))]

    def tokens(number: int) -> int:
        return count(render_context(segmented, masks(number), order))

    # `bisect_right` returns a number just after one that it has counted and that fits.
    number = bisect_right(range(total + 1), target, key=tokens) - 1
    return _selection(segmented, masks(number), order)


def _selection(segmented: Sequence[SegmentedDocument], masks: Sequence[np.ndarray], order: Sequence[int]) -> Selection:
    spans = {
        document.index: kept_spans(document, mask)
        for document, mask in zip(segmented, masks, strict=True)
        if mask.any()
    }
    return Selection(render_context(segmented, masks, order), spans)
