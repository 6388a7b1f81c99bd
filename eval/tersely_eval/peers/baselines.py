"""Baselines, which a method must beat: they need no model, have the same budget and titles, and are counted alike.

None of them cuts inside a word. BM25 is that of bm25s with its defaults: English stop words, no stemming.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from tersely import Document
from tersely.budget import Piece, fit, kept_spans, render_context, with_title
from tersely.input import read_documents
from tersely.text.segmentation import SegmentedDocument, segment_documents
from tersely.text.stop_words import load_bm25s
from tersely_eval.peers.selection import Selection

Count = Callable[[str], int]


class Baseline(Protocol):
    """A way to choose, from documents to what is delivered."""

    def __call__(self, documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
        """Choose at most `target_tokens`, as `count` counts them in the rendered context."""
        ...


def truncation(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """The documents as they come, cut where the budget ends."""
    segmented = _segmented(documents)
    return _first_words(segmented, range(len(segmented)), target_tokens, count)


def bm25_documents(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """The documents that match the question best, whole, best first; the last of them is cut where the budget ends."""
    segmented = _segmented(documents)
    texts = [with_title(document.document.title, document.document.text) for document in segmented]
    order = _best_first(texts, question)
    ranking = [segmented[position].index for position in order]
    return _first_words(segmented, order, target_tokens, count)._replace(ranking=ranking)


def bm25_sentences(documents: Sequence[Document], question: str, target_tokens: int, count: Count) -> Selection:
    """As many of the sentences that match the question best as fit, whole, in their documents' order.

    A sentence is matched with its document's title, as it would stand in the context: without it, "He was born in 1820"
    matches no question after a person.
    """
    segmented = _segmented(documents)
    sentences = list(_sentences(segmented))
    texts = [
        with_title(segmented[sentence.document].document.title, _text(segmented[sentence.document], sentence))
        for sentence in sentences
    ]
    pieces = [sentences[position] for position in _best_first(texts, question)]
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


def _best_first(texts: Sequence[str], question: str) -> list[int]:
    """Positions of the texts that match the question best, best first; equal ones in their order."""
    bm25s = load_bm25s()
    question_words, *text_words = bm25s.tokenize(
        [question, *texts], stopwords="en", return_ids=False, show_progress=False
    )
    if set(question_words).isdisjoint(word for words in text_words for word in words):
        return list(range(len(texts)))  # bm25s cannot score what has no word in common
    index = bm25s.BM25()
    index.index(text_words, show_progress=False)
    best_first: list[int] = np.argsort(-index.get_scores(question_words), kind="stable").tolist()
    return best_first


def _first_words(segmented: Sequence[SegmentedDocument], order: Sequence[int], target: int, count: Count) -> Selection:
    """As many words as fit, from the first one on in this order of the documents.

    Not `fit`: what it adds after the first word that is too long would no longer be the beginning of the text.
    """
    ends = np.cumsum([len(segmented[position].words) for position in order])

    def masks(number: int) -> list[np.ndarray]:
        of_documents = [np.zeros(len(document.words), dtype=bool) for document in segmented]
        for position, end in zip(order, ends.tolist(), strict=True):
            mask = of_documents[position]
            mask[: max(0, number - (end - len(mask)))] = True
        return of_documents

    def tokens(number: int) -> int:
        return count(render_context(segmented, masks(number), order))

    # `bisect_right` returns a number just after one that it has counted and that fits.
    number = bisect_right(range(int(ends[-1]) + 1), target, key=tokens) - 1
    return _selection(segmented, masks(number), order)


def _selection(segmented: Sequence[SegmentedDocument], masks: Sequence[np.ndarray], order: Sequence[int]) -> Selection:
    spans = {
        document.index: kept_spans(document, mask)
        for document, mask in zip(segmented, masks, strict=True)
        if mask.any()
    }
    return Selection(render_context(segmented, masks, order), spans)
