"""LLMLingua-2 (arXiv 2403.12968): words by the probability that a token classifier keeps them. Knows no question.

The probability of a word, the chunks in which a text is read and the choice of whole documents are the paper's code's
(llmlingua 0.2.2). What differs is ours: one threshold for the call, set by an exact budget, and our words, which stay
where any of the paper's words in them would stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np

from tersely.budget.pieces import Piece
from tersely.budget.rendering import with_title
from tersely.methods.method import Method, Ranking, Task
from tersely.methods.papers.labelled_words import LabelledWord, labelled_words, without_repeats
from tersely.scoring.labels import TokenClassifier
from tersely.text.segmentation import SegmentedDocument


def rank(task: Task) -> Ranking:
    """Documents by the mean probability of their words, without what the caller forces."""
    settings = task.settings
    texts = [with_title(document.title, document.document.text) for document in task.documents]
    starts = [len(text) - len(document.document.text) for text, document in zip(texts, task.documents, strict=True)]
    labelled = cast(TokenClassifier, task.scorer).label(texts, settings.chunk_end_tokens, task.progress)
    rate = task.target / max(sum(task.document_tokens), 1)
    words: list[list[LabelledWord]] = []
    for chunks, start in zip(labelled, starts, strict=True):
        words.append([])
        for chunk in chunks:
            of_chunk = labelled_words(
                chunk, settings.token_to_word, settings.force_tokens, settings.force_reserve_digit
            )
            if settings.drop_consecutive:
                of_chunk = without_repeats(of_chunk, settings.force_tokens, rate)
            words[-1] += [
                word._replace(start=max(word.start - start, 0), end=word.end - start)
                for word in of_chunk
                if word.end > start
            ]
    relevance = [float(np.mean([word.own for word in of_document])) if of_document else 0.0 for of_document in words]
    return Ranking(relevance, partial(_pieces, task, words, relevance))


def _pieces(
    task: Task, words: Sequence[Sequence[LabelledWord]], relevance: Sequence[float], order: Sequence[int]
) -> list[Piece]:
    """Every word of the documents that go on, the likeliest to be kept first."""
    selected = _selected(relevance, task)
    pieces = [
        Piece(position, word, word + 1, worth=float(worth))
        for position in order
        if position in selected
        for word, worth in enumerate(_worth(task.documents[position], words[position]))
    ]
    return sorted(pieces, key=lambda piece: -piece.worth)


def _selected(relevance: Sequence[float], task: Task) -> set[int]:
    """The documents at or above a percentile of relevance: `granularity` times the budget is their share of the list.

    That is the coarse stage of llmlingua 0.2.2, which counts documents and not their tokens. Where these are too short
    to fill the budget, the next best go on, too.
    """
    share = min(task.settings.granularity * task.target / max(sum(task.document_tokens), 1), 1.0)
    threshold = np.percentile(relevance, int(100 * (1 - share)))
    selected: set[int] = set()
    total = 0
    for position in sorted(range(len(relevance)), key=lambda position: -relevance[position]):
        if relevance[position] >= threshold or total < task.target:
            selected.add(position)
            total += task.document_tokens[position]
    return selected


def _worth(segmented: SegmentedDocument, words: Sequence[LabelledWord]) -> np.ndarray:
    """For each of our words the highest probability of the model's words in it.

    One of which the model knows nothing, such as a sign that it has no token for, goes with the word before it.
    """
    starts = np.array([word.start for word in segmented.words])
    worth = np.full(len(starts), -np.inf)
    for word in words:
        # A tokenizer may count the white space before a word to it, so its last character says where it stands.
        last = int(np.searchsorted(starts, word.end - 1, side="right")) - 1
        first = max(int(np.searchsorted(starts, word.start, side="right")) - 1, 0)
        for position in range(first, last + 1):
            if segmented.words[position].end > word.start:
                worth[position] = max(worth[position], word.probability)
    source = np.maximum.accumulate(np.where(np.isfinite(worth), np.arange(len(worth)), 0))
    filled: np.ndarray = np.maximum(worth[source], 0.0)
    return filled


LLMLINGUA2 = Method(
    rank,
    prefetch=lambda scorer, documents: [],
    needs_question=False,
    needs_model=True,
    needs="token labels",
    default_order="original",
    whole_units=False,
)
