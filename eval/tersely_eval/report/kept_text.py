"""An example -> for each method, its documents in pieces: kept, dropped, the answer. No HTML is made here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import regex

from tersely import Span
from tersely_eval.data import normalise
from tersely_eval.measure import Example

KEPT, DROPPED, ANSWER = "kept", "dropped", "answer"

# What was dropped is shown up to so many characters; of more, so many at each end.
_LONGEST_DROPPED = 140
_SHOWN_AT_ENDS = 45
_BETWEEN_WORDS = r"[\W_]+(?:(?:an?|the)[\W_]+)*"


class Piece(NamedTuple):
    """Neighbouring characters with the same fate.

    Attributes:
        fate: KEPT, DROPPED, or ANSWER: kept, and what was asked for.
        text: as it stands in the document; of a long dropped piece only its beginning.
        left_out: how many characters of it are not shown.
        end: the end of a piece of which something is not shown.
    """

    fate: str
    text: str
    left_out: int = 0
    end: str = ""


class ShownDocument(NamedTuple):
    """A document and what became of it; no pieces where it was dropped whole."""

    title: str
    pieces: list[Piece]


class ShownMethod(NamedTuple):
    """What a method kept of the documents that any method kept something of; None where the method failed."""

    method: str
    documents: list[ShownDocument] | None


class ShownExample(NamedTuple):
    """An example as it is shown.

    Attributes:
        example: of what.
        methods: side by side; the documents of each are the same, in the same order.
        dropped: titles of the documents of which no method kept anything.
        originals: all documents in full, with the answer.
    """

    example: Example
    methods: list[ShownMethod]
    dropped: list[str]
    originals: list[ShownDocument]


def show(example: Example) -> ShownExample:
    """All that is shown of an example."""
    answer = _answer_pattern(example.answers)
    titles = [title or f"Document {number}" for number, (title, _) in enumerate(example.documents, start=1)]
    texts = [text for _, text in example.documents]
    complete = {method: kept for method, kept in example.kept.items() if len(kept) == len(texts)}
    in_any = [any(kept[position] for kept in complete.values()) for position in range(len(texts))]

    def documents(kept: Sequence[Sequence[Span]]) -> list[ShownDocument]:
        return [
            ShownDocument(title, list(pieces(text, spans, answer)) if spans else [])
            for title, text, spans, any_kept in zip(titles, texts, kept, in_any, strict=True)
            if any_kept
        ]

    return ShownExample(
        example,
        [ShownMethod(method, documents(kept) if method in complete else None) for method, kept in example.kept.items()],
        [title for title, any_kept in zip(titles, in_any, strict=True) if not any_kept],
        [
            ShownDocument(title, list(pieces(text, [Span(0, len(text))], answer)))
            for title, text in zip(titles, texts, strict=True)
        ],
    )


def pieces(text: str, kept: Sequence[Span], answer: regex.Pattern[str] | None) -> Iterator[Piece]:
    """A document's text in order. White space counts as kept where it stands between kept words."""
    fates = [DROPPED] * len(text)
    for start, end in kept:
        fates[start:end] = [KEPT] * len(text[start:end])
    for gap in regex.finditer(r"(?<=\S)\s+(?=\S)", text):
        if fates[gap.start() - 1] == fates[gap.end()] == KEPT:
            fates[gap.start() : gap.end()] = [KEPT] * len(gap[0])
    for match in answer.finditer(text) if answer else ():
        if DROPPED not in fates[match.start() : match.end()]:
            fates[match.start() : match.end()] = [ANSWER] * len(match[0])
    start = 0
    for fate, characters in groupby(fates):
        end = start + len(list(characters))
        yield _shortened(text[start:end]) if fate == DROPPED else Piece(fate, text[start:end])
        start = end


def _shortened(dropped: str) -> Piece:
    if len(dropped) <= _LONGEST_DROPPED:
        return Piece(DROPPED, dropped)
    # Whole words, but for one that is longer than what is shown.
    beginning = regex.sub(r"(?<=\s)\S+$", "", dropped[:_SHOWN_AT_ENDS])
    end = regex.sub(r"^\S+(?=\s)", "", dropped[-_SHOWN_AT_ENDS:])
    return Piece(DROPPED, beginning.rstrip(), len(dropped) - len(beginning.rstrip()) - len(end.lstrip()), end.lstrip())


def _answer_pattern(answers: Sequence[str]) -> regex.Pattern[str] | None:
    """Finds what counts as the answer, compared as it is measured; None for yes and no, which stand everywhere."""
    normalised = {normalise(answer) for answer in answers} - {""}
    if not normalised or normalised & {"yes", "no"}:
        return None
    longest_first = sorted(normalised, key=lambda answer: (-len(answer), answer))
    alternatives = "|".join(_BETWEEN_WORDS.join(map(regex.escape, answer.split())) for answer in longest_first)
    return regex.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])", regex.IGNORECASE)
