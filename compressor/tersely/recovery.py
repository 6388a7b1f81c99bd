"""A phrase of an answer -> the original text that it came from (LongLLMLingua, section 4.4).

An LLM that read a compressed prompt answers in its words, some of which stood apart in the original. Each run of the
answer's words that stands in the compressed text is mapped to the characters of the original between its first and its
last word, with what compression had dropped between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import regex
from pydantic import BaseModel

from tersely.documents import Span
from tersely.text.stop_words import stop_words
from tersely.text.words import split_runs

_CORE = regex.compile(r"\w(?:.*\w)?", regex.DOTALL)
# An original this many times as long as its phrase joins words that met by chance.
_STRETCH = 4
_SLACK = 40  # characters, for short phrases
# Words of one phrase, and places in the context where a phrase may begin, that are looked at.
_LONGEST = 60
_PLACES = 200


class RecoveredPhrase(BaseModel):
    """A phrase of an answer and the original text that it came from.

    Attributes:
        answer: where the phrase stands in the answer.
        phrase: its words there.
        index: the document's position in the caller's list.
        id: the caller's name for that document.
        span: where the original stands in the document's text.
        original: the original's words, with what compression had dropped between them.
    """

    answer: Span
    phrase: str
    index: int
    id: str | None
    span: Span
    original: str


class RecoveredAnswer(BaseModel):
    """An answer traced to the original documents.

    Attributes:
        text: the answer with each traced phrase in its original words.
        phrases: the phrases that were traced, in the answer's order.
    """

    text: str
    phrases: list[RecoveredPhrase]


@dataclass(frozen=True, slots=True)
class KeptText:
    """What recovery needs of a compressed document.

    Attributes:
        index: the document's position in the caller's list.
        id: the caller's name for it.
        text: all of it, as it was.
        kept: the characters of the text that were kept, in order.
    """

    index: int
    id: str | None
    text: str
    kept: list[Span]


class _Place(NamedTuple):
    """A word of the context: which document, and where in its text (without the punctuation around it)."""

    document: int
    start: int
    end: int


def recover(documents: Sequence[KeptText], answer: str) -> RecoveredAnswer:
    """Trace an answer's phrases to the original documents.

    The longest phrases come first to the left; of several originals the shortest wins, and of those the first. On each
    side of a gap a phrase needs a word that is no stop word: "in the" can stand together in a compressed text by
    chance, and what lies between its words would turn the answer into another.
    """
    words, places = _context_words(documents)
    positions = defaultdict(list)
    for position, word in enumerate(words):
        positions[word].append(position)

    answer_words = list(word_spans(answer))
    folded = [answer[span.start : span.end].casefold() for span in answer_words]
    tells = [word not in stop_words() for word in folded]
    phrases: list[RecoveredPhrase] = []
    i = 0
    while i < len(folded):
        candidates = (
            (_common_length(folded, tells, i, documents, words, places, position), position)
            for position in positions[folded[i]][:_PLACES]
        )
        length, position = max(
            ((length, position) for length, position in candidates if length),
            key=lambda candidate: (candidate[0], -_characters(places, *candidate)),
            default=(0, 0),
        )
        if not length:
            i += 1
            continue
        first, last = places[position], places[position + length - 1]
        document = documents[first.document]
        span = Span(first.start, last.end)
        where = Span(answer_words[i].start, answer_words[i + length - 1].end)
        phrases.append(
            RecoveredPhrase(
                answer=where,
                phrase=answer[where.start : where.end],
                index=document.index,
                id=document.id,
                span=span,
                original=document.text[span.start : span.end],
            )
        )
        i += length
    return RecoveredAnswer(text=_rewritten(answer, phrases), phrases=phrases)


def word_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """The words of a text, or of a part of it, without the punctuation around them."""
    for first, last in split_runs(text[start:end]):
        core = _CORE.search(text, start + first, start + last)
        if core:
            yield Span(*core.span())


def _characters(places: Sequence[_Place], length: int, position: int) -> int:
    """The characters of the original from a word of the context on, over so many words."""
    return places[position + length - 1].end - places[position].start


def _context_words(documents: Sequence[KeptText]) -> tuple[list[str], list[_Place]]:
    """The words of the compressed texts, folded, and where each stands in its original."""
    words, places = [], []
    for number, document in enumerate(documents):
        text = document.text
        for kept in document.kept:
            for start, end in word_spans(text, *kept):
                words.append(text[start:end].casefold())
                places.append(_Place(number, start, end))
    return words, places


def _common_length(
    folded: list[str],
    tells: list[bool],
    i: int,
    documents: Sequence[KeptText],
    words: list[str],
    places: list[_Place],
    position: int,
) -> int:
    """How many words of the answer from `i` on stand in the context from `position` on, as one phrase; 0 for none."""
    text = documents[places[position].document].text
    length = 0  # of the longest phrase so far
    phrase = 0  # characters of the answer's words so far
    before, since = True, False  # whether a word tells: in each part before the last gap, and since it
    for n in range(min(_LONGEST, len(folded) - i, len(words) - position)):
        place = places[position + n]
        if folded[i + n] != words[position + n] or place.document != places[position].document:
            break
        if n and _CORE.search(text, places[position + n - 1].end, place.start):  # a gap: words were dropped here
            before, since = before and since, False
        phrase += len(folded[i + n]) + 1
        since = since or tells[i + n]
        if before and since and place.end - places[position].start <= _STRETCH * phrase + _SLACK:
            length = n + 1
    return length


def _rewritten(answer: str, phrases: list[RecoveredPhrase]) -> str:
    parts, position = [], 0
    for phrase in phrases:
        same = phrase.phrase.casefold() == phrase.original.casefold()
        parts += [answer[position : phrase.answer.start], phrase.phrase if same else phrase.original]
        position = phrase.answer.end
    return "".join([*parts, answer[position:]])
