"""Signals: all that is measured of each unit to tell whether it is evidence for the question. Nothing is weighed here.

A signal is standardised over the units of one call (mean 0, standard deviation 1) where it has no scale of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import regex

from tersely.methods.evidence.failures import failure_signs
from tersely.methods.evidence.passages import tokens_between
from tersely.methods.evidence.token_scores import TokenScores, attention_scores, contrast_scores
from tersely.scoring.scorer import Head, Progress, Scorer
from tersely.text.lexical import LexicalIndex, content_words, document_words, word_parts
from tersely.text.segmentation import SegmentedDocument, Unit

# What the model says of a unit's tokens counts by this many of the highest: an answer is a few tokens long.
_HIGHEST = 3
# Of a unit of so many tokens half of what the model says is of the unit with what it needs, half of the unit alone.
_CONTEXT_TOKENS = 8
# A sentence that begins so is about what the one before it names.
_PRONOUN = regex.compile(
    r"(?:(?:He|She|It|They|His|Her|Its|Their|This|These|Er|Sie|Es|Il|Elle|Ils|Elles|Él|Ella|Ellos|Ellas)\b|[他她它其]|(?:هو|هي|هم)\b)"
)
_NUMBER = regex.compile(r"\d[\d.,]*$")
# The second hop starts from this many of the best units of the first.
_HOP_FROM = 3

FIRST_HOP = ("unit_words", "passage_words", "question_probability", "named_title", "word_parts", "named_label")
SECOND_HOP = ("first_hop", "named_title", "named_lead", "new_words", "same_passage")


class Signals(NamedTuple):
    """What is measured of each unit of all documents, in their order.

    Attributes:
        units: for each unit its document, as a position in the list of documents, and the unit itself.
        token_scores: for each document the model's scores of its tokens.
        model_scores: what the model says of each unit (units, kinds), standardised: kinds are heads, or contrast alone.
        first_hop: the other signals (units, `FIRST_HOP`): how well the unit's words match the question's (BM25); the
            same for its passage; how much more likely its passage makes the question; which share of its document's
            title stands in the question; how well the parts of its words match those of the question's (BM25); of a
            row, an entry or a line of output, which share of its own words stands in the question, numbers apart.
        failure_signs: see `failures.py` (units).
        passages: for each unit the number of its passage.
        question: the question's content words.
        words: each unit's content words, without those of its title.
        titles: each document's content words of the title.
        unit_index: BM25 over the units with their titles.
    """

    units: list[tuple[int, Unit]]
    token_scores: list[TokenScores]
    model_scores: np.ndarray
    first_hop: np.ndarray
    failure_signs: np.ndarray
    passages: np.ndarray
    question: set[str]
    words: list[set[str]]
    titles: list[set[str]]
    unit_index: LexicalIndex


def measure(
    scorer: Scorer,
    documents: Sequence[SegmentedDocument],
    question: str,
    heads: Sequence[Head],
    progress: Progress,
) -> Signals:
    """Read the documents with the question, and measure.

    Args:
        scorer: the model.
        documents: at least one.
        question: what is asked.
        heads: which attention heads to read; without any, contrastive perplexity is measured in their place.
        progress: receives the share that is done, from 0 to 1.
    """
    if heads:
        token_scores = attention_scores(scorer, documents, question, heads, progress)
    else:
        token_scores = contrast_scores(scorer, documents, question, progress)
    pooled = [_pool(segmented, scores) for segmented, scores in zip(documents, token_scores, strict=True)]
    model_scores = np.concatenate([values for values, _, _ in pooled])
    passages = np.concatenate([passage for _, passage, _ in pooled])
    question_after = np.concatenate([of_question for _, _, of_question in pooled])

    units = [(position, unit) for position, segmented in enumerate(documents) for unit in segmented.units]
    of_documents = [document_words(segmented) for segmented in documents]
    titles = [of_document.title for of_document in of_documents]
    words = [of_unit for of_document in of_documents for of_unit in of_document.units]
    own_words = [of_unit for of_document in of_documents for of_unit in of_document.own]
    parts = [of_unit for of_document in of_documents for of_unit in of_document.parts]
    asked = set(content_words(question))
    index = LexicalIndex([titles[position] + its_words for (position, _), its_words in zip(units, words, strict=True)])
    in_passage: list[list[str]] = [[] for _ in range(int(passages.max()) + 1)]
    for (position, _), passage, its_words in zip(units, passages.tolist(), words, strict=True):
        in_passage[passage].extend(its_words if in_passage[passage] else titles[position] + its_words)
    first_hop = [
        standardised(index.scores(asked)),
        standardised(LexicalIndex(in_passage).scores(asked))[passages],
        standardised(question_after),
        np.array([index.named_share(titles[position], asked) for position, _ in units]),
        standardised(LexicalIndex(parts).scores(word_parts(asked))),
        np.array(
            [
                0.0 if unit.divisible else index.named_share([word for word in own if not _NUMBER.match(word)], asked)
                for (_, unit), own in zip(units, own_words, strict=True)
            ]
        ),
    ]
    return Signals(
        units,
        token_scores,
        standardised(model_scores),
        np.column_stack(first_hop),
        failure_signs(documents, question),
        passages,
        asked,
        [set(its_words) for its_words in words],
        [set(title) for title in titles],
        index,
    )


def second_hop(signals: Signals, evidence: np.ndarray) -> np.ndarray:
    """What the best units of the first hop say about the others: where they point to.

    Args:
        signals: of all units.
        evidence: the first hop's sum (units).

    Returns:
        Signals (units, `SECOND_HOP`): that sum; the largest share of the title of a unit's document that one of the
        best units names and the question does not; the same for the document's first unit, which says what the title
        stands for, else 0; how well the unit matches the words that the best unit adds to the question (BM25); whether
        it stands in the best unit's passage.
    """
    evidence = standardised(evidence)
    documents = np.array([position for position, _ in signals.units])
    best = np.argsort(-evidence, kind="stable")[:_HOP_FROM].tolist()
    named = np.zeros(len(signals.titles))
    for unit in best:
        own = signals.titles[documents[unit]]
        news = signals.words[unit] - signals.question
        for position, title in enumerate(signals.titles):
            if title != own:
                named[position] = max(named[position], signals.unit_index.named_share(title, news))
    same = signals.passages == signals.passages[best[0]]
    new_words = standardised(signals.unit_index.scores(signals.words[best[0]] - signals.question))
    leads = np.diff(documents, prepend=-1) > 0
    hop = [evidence, named[documents], named[documents] * leads, np.where(same, 0, new_words), same]
    return np.column_stack(hop)


def standardised(values: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1; all 0 where it does not vary."""
    spread = values.std(axis=0)
    scaled: np.ndarray = (values - values.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    return scaled


def _pool(segmented: SegmentedDocument, scores: TokenScores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each unit what the model says of it (units, kinds), its passage and what that does for the question.

    A unit without a token of its own has what the token after its beginning has. What a unit needs speaks for it, too,
    the more the shorter it is: `No.` answers what its question asks, and a row what its header names.
    """
    first, last = _tokens_of(segmented, scores, [unit.words for unit in segmented.units])
    of_context: dict[tuple[range, ...], np.ndarray] = {(): np.empty((len(scores.values), 0), dtype=np.float32)}
    values = []
    for context, begin, end in zip(_contexts(segmented), first.tolist(), last.tolist(), strict=True):
        highest = _highest(scores.values[:, begin:end])
        value = highest.mean(axis=1)
        if context:
            if context not in of_context:
                tokens = zip(*_tokens_of(segmented, scores, context), strict=True)
                parts = [scores.values[:, start:stop] for start, stop in tokens]
                of_context[context] = _highest(np.concatenate(parts, axis=1))
            with_context = _highest(np.concatenate([highest, of_context[context]], axis=1)).mean(axis=1)
            share = _CONTEXT_TOKENS / (_CONTEXT_TOKENS + end - begin)
            value = (1 - share) * value + share * with_context
        values.append(value)
    return np.array(values), scores.passages[first], scores.question[first]


def _contexts(segmented: SegmentedDocument) -> list[tuple[range, ...]]:
    """For each unit the words that speak for it: what it needs, and the sentence before it if it is about the same."""
    text, words = segmented.document.text, segmented.words
    contexts: list[tuple[range, ...]] = []
    before: Unit | None = None
    for unit in segmented.units:
        start = words[unit.words.start].start
        context = unit.context
        if before and before.words.stop == unit.words.start and _PRONOUN.match(text, start):
            same_paragraph = "\n\n" not in text[words[before.words.stop - 1].end : start]
            context = (*context, before.words) if same_paragraph else context
        contexts.append(context)
        before = unit
    return contexts


def _tokens_of(
    segmented: SegmentedDocument, scores: TokenScores, parts: Sequence[range]
) -> tuple[np.ndarray, np.ndarray]:
    """The first token of each of some ranges of words, and the one after its last."""
    starts = np.array([segmented.words[part.start].start for part in parts])
    ends = np.array([segmented.words[part.stop - 1].end for part in parts])
    return tokens_between(scores.ends, starts, ends)


def _highest(values: np.ndarray) -> np.ndarray:
    """The highest values of each kind (kinds, at most `_HIGHEST`)."""
    return np.sort(values, axis=1)[:, -_HIGHEST:]
