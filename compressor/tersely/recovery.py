"""A phrase of an answer -> the original text that it came from (LongLLMLingua, section 4.4).

An LLM that read a compressed prompt answers in its words, some of which stood apart in the original. Each run of the
answer's words that stands in the compressed text is mapped to the characters of the original between its first and its
last word, with what compression had dropped between them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import regex

from tersely.documents import CompressedDocument, RecoveredAnswer, RecoveredPhrase, Span
from tersely.segmentation import split_runs

if TYPE_CHECKING:
    from tersely.documents import CompressionResult

_CORE = regex.compile(r"\w(?:.*\w)?", regex.DOTALL)
# An original this many times as long as its phrase joins words that met by chance.
_STRETCH = 4
_SLACK = 40  # characters, for short phrases
# Words of one phrase, and places in the context where a phrase may begin, that are looked at.
_LONGEST = 60
_PLACES = 200


class _Place(NamedTuple):
    """A word of the context: which document, and where in its text (without the punctuation around it)."""

    document: int
    start: int
    end: int


def recover(result: CompressionResult, answer: str) -> RecoveredAnswer:
    """Trace an answer's phrases to the original documents.

    The longest phrases come first to the left; of several originals the shortest wins. A single word is traced only if
    it is long or carries a digit or a capital: a lone "the" comes from everywhere.
    """
    words, places = _context_words(result.documents)
    positions = defaultdict(list)
    for position, word in enumerate(words):
        positions[word].append(position)

    cores = (_core(answer, start, end) for start, end in split_runs(answer))
    answer_words = [core for core in cores if core]
    folded = [answer[span.start : span.end].casefold() for span in answer_words]
    phrases: list[RecoveredPhrase] = []
    i = 0
    while i < len(folded):
        best: tuple[int, int, int] | None = None  # words, minus the original's length, position in the context
        for position in positions[folded[i]][:_PLACES]:
            length = _common_length(folded, i, words, places, position)
            first, last = places[position], places[position + length - 1]
            best = max(filter(None, (best, (length, first.start - last.end, position))))
        if best is None or not _tells(answer, answer_words[i : i + best[0]]):
            i += 1
            continue
        length, _, position = best
        first, last = places[position], places[position + length - 1]
        document = result.documents[first.document]
        span = Span(first.start, last.end)
        where = Span(answer_words[i].start, answer_words[i + length - 1].end)
        phrases.append(
            RecoveredPhrase(
                answer=where,
                phrase=answer[where.start : where.end],
                index=document.index,
                id=document.document.id,
                span=span,
                original=document.document.text[span.start : span.end],
            )
        )
        i += length
    return RecoveredAnswer(text=_rewritten(answer, phrases), phrases=phrases)


def _context_words(documents: list[CompressedDocument]) -> tuple[list[str], list[_Place]]:
    """The words of the compressed texts, folded, and where each stands in its original."""
    words, places = [], []
    for number, document in enumerate(documents):
        text = document.document.text
        for kept in document.kept:
            for start, end in split_runs(text[kept.start : kept.end]):
                core = _core(text, kept.start + start, kept.start + end)
                if core:
                    words.append(text[core.start : core.end].casefold())
                    places.append(_Place(number, core.start, core.end))
    return words, places


def _common_length(folded: list[str], i: int, words: list[str], places: list[_Place], position: int) -> int:
    """How many words of the answer from `i` on stand in the context from `position` on, in one document and close."""
    length = 1
    while (
        length < _LONGEST
        and i + length < len(folded)
        and position + length < len(words)
        and folded[i + length] == words[position + length]
        and places[position + length].document == places[position].document
    ):
        length += 1
    while length > 1:
        original = places[position + length - 1].end - places[position].start
        phrase = sum(len(word) + 1 for word in folded[i : i + length])
        if original <= _STRETCH * phrase + _SLACK:
            break
        length -= 1
    return length


def _tells(answer: str, spans: list[Span]) -> bool:
    word = answer[spans[0].start : spans[0].end]
    return len(spans) > 1 or len(word) > 4 or any(c.isdigit() or c.isupper() for c in word) or not word.isascii()


def _core(text: str, start: int, end: int) -> Span | None:
    """A word without the punctuation around it; None where there is nothing else."""
    match = _CORE.search(text, start, end)
    return Span(match.start(), match.end()) if match else None


def _rewritten(answer: str, phrases: list[RecoveredPhrase]) -> str:
    parts, position = [], 0
    for phrase in phrases:
        parts += [answer[position : phrase.answer.start], phrase.original]
        position = phrase.answer.end
    return "".join([*parts, answer[position:]])
