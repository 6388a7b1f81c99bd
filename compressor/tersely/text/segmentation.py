"""Text -> units -> words, and what must never be cut. Nothing is scored or dropped here.

A word is the smallest piece that is kept or dropped (see `words.py`). A unit is the smallest piece that reads on its
own: a sentence, a row, a record, a block of code.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import regex

from tersely.documents import Document, Span
from tersely.errors import InvalidInputError
from tersely.memory import Memory
from tersely.text.outline import Block
from tersely.text.patterns import compiled
from tersely.text.structure import split_blocks
from tersely.text.words import Word, split_words

# For all patterns of one call together: a pattern that backtracks without end must not hang a server.
_PATTERN_SECONDS = 2.0
# About the bytes that a segmented text takes in memory between calls, its `SegmentCache` included.
_BYTES_A_WORD, _BYTES_A_CHARACTER = 250, 25


class Unit(NamedTuple):
    """What is kept or left out as a whole: a sentence, a list item, a table row, a record, a block of code.

    Attributes:
        words: positions of its words; never none.
        context: positions of the words without which it says something else or nothing, in the order of the text: the
            headings over it, the header of its table, its lead-in, the brackets around it.
        divisible: it is prose; where fragments are allowed, a part of it may be kept.
    """

    words: range
    context: tuple[range, ...]
    divisible: bool


class Separator(NamedTuple):
    """A sign between two records, such as a comma.

    Attributes:
        words: positions of its words.
        earlier, following: positions of the words of all records before it with the same parent, and of the next
            record. It is kept if a word of each is kept.
    """

    words: range
    earlier: range
    following: range


class DocumentWords(NamedTuple):
    """Content words of a document (see `text/lexical.py`).

    Attributes:
        title: of its title.
        units: of each unit with its context.
        own: of each unit alone.
        parts: the parts of the words of each unit with its context and the title.
    """

    title: list[str]
    units: list[list[str]]
    own: list[list[str]]
    parts: list[list[str]]


@dataclass(slots=True)
class SegmentCache:
    """What was computed from one segmented document, so that the next question over it need not compute it again.

    A value may depend on the title, the text, the words and the units of the document, and on nothing else of it.

    Attributes:
        token_counts: the tokens of the title and the text, by the tokenizer that counted them.
        encodings: token ids of the title and the text with their characters, by the fingerprint of the scorer.
        content_words: what `text/lexical.py` looks at.
    """

    token_counts: dict[Hashable, int] = field(default_factory=dict)
    encodings: dict[str, tuple[list[int], list[tuple[int, int]]]] = field(default_factory=dict)
    content_words: DocumentWords | None = None


@dataclass(frozen=True, slots=True)
class SegmentedDocument:
    """A document cut into words, and its words grouped into units.

    Attributes:
        index: the document's position in the caller's list.
        document: the original.
        words: in order, none overlapping, at least one.
        units: in order, none overlapping, at least one. A word in no unit is in the `context` of one, or it is kept
            only if all words are.
        separators: in order.
        cache: what was computed from it for earlier questions.
        unread: characters in no unit that the model does not read, since no budget of this call can hold them.
        short_title: replaces a title that is too long for the budget.
    """

    index: int
    document: Document
    words: list[Word]
    units: list[Unit]
    separators: list[Separator] = field(default_factory=list)
    cache: SegmentCache = field(default_factory=SegmentCache, compare=False, repr=False)
    unread: tuple[Span, ...] = ()
    short_title: str | None = None

    @property
    def title(self) -> str | None:
        """The title as it stands in the context."""
        return self.document.title if self.short_title is None else self.short_title


def unit_text(segmented: SegmentedDocument, unit: Unit) -> str:
    """A unit's text after that of its context."""
    text, words = segmented.document.text, segmented.words
    return " ".join(text[words[part.start].start : words[part.stop - 1].end] for part in (*unit.context, unit.words))


def own_span(segmented: SegmentedDocument, unit: Unit) -> Span:
    """Where a unit stands in its document's text, without its context."""
    words = segmented.words
    return Span(words[unit.words.start].start, words[unit.words.stop - 1].end)


def own_text(segmented: SegmentedDocument, unit: Unit) -> str:
    """A unit's text without its context."""
    start, end = own_span(segmented, unit)
    return segmented.document.text[start:end]


def with_separators(segmented: SegmentedDocument, keep_mask: np.ndarray) -> np.ndarray:
    """Add to a keep mask (bool, one a word) each separator that has kept words on both sides; the mask is changed."""
    for words, earlier, following in segmented.separators:
        if keep_mask[earlier.start : earlier.stop].any() and keep_mask[following.start : following.stop].any():
            keep_mask[words.start : words.stop] = True
    return keep_mask


# Words, units and separators of a text, and what is computed from them.
Segments = tuple[list[Word], list[Unit], list[Separator], SegmentCache]


def segment_documents(
    documents: Iterable[tuple[int, Document]], protect: Sequence[str] = (), cached: Memory[Segments] | None = None
) -> list[SegmentedDocument]:
    """Cut documents into words and units.

    Args:
        documents: each with its position in the caller's list; none empty.
        protect: patterns of the `regex` package whose matches must survive.
        cached: the segments of earlier calls; those of this call are added.

    Raises:
        InvalidInputError: the patterns took too long; the message names the pattern that was running.
    """
    patterns = [compiled(pattern) for pattern in protect]
    stopwatch = _Stopwatch(_PATTERN_SECONDS)
    cached = cached or Memory(0)
    segmented = []
    for index, document in documents:
        kept_spans = document.kept_spans
        key = document.title, document.text, tuple(kept_spans), tuple(protect)
        segments = cached.get(key)
        if segments is None:
            protected = kept_spans + list(_matches(patterns, document.text, stopwatch))
            blocks = split_blocks(document.text)
            words = split_words(document.text, protected, [block.start for block in blocks if block.word_border])
            segments = words, *_units(words, blocks), SegmentCache()
            size = len(words) * _BYTES_A_WORD + len(document.text) * _BYTES_A_CHARACTER
            cached.put(key, segments, size)
        segmented.append(SegmentedDocument(index, document, *segments))
    return segmented


@dataclass(slots=True)
class _Stopwatch:
    """The seconds that patterns may still take; other work in between does not count."""

    left: float


def _matches(patterns: Sequence[regex.Pattern[str]], text: str, stopwatch: _Stopwatch) -> Iterator[Span]:
    for pattern in patterns:
        started = time.monotonic()
        try:
            matches = list(pattern.finditer(text, timeout=max(stopwatch.left, 0.001)))
        except TimeoutError:
            raise InvalidInputError(
                f"protect: pattern {pattern.pattern!r} was still searching after {_PATTERN_SECONDS:.0f} s; "
                f"remove repetitions of alternatives or of repetitions, such as (a|aa)+, from it"
            ) from None
        stopwatch.left -= time.monotonic() - started
        yield from (Span(match.start(), match.end()) for match in matches if match.end() > match.start())


def _units(words: list[Word], blocks: list[Block]) -> tuple[list[Unit], list[Separator]]:
    """Units and separators from blocks. A word belongs to the block in which it starts."""
    starts = [word.start for word in words]
    edges = [0, *(bisect_left(starts, block.start) for block in blocks[1:]), len(words)]
    ranges = [range(first, last) for first, last in pairwise(edges)]
    needs = _all_needs(blocks)
    units: list[Unit] = []
    separators: list[Separator] = []
    for position, block in enumerate(blocks):
        if not ranges[position]:
            continue
        if block.separates:
            earlier, following = (range(edges[part.start], edges[part.stop]) for part in block.separates)
            separators.append(Separator(ranges[position], earlier, following))
        elif block.standalone:
            context = tuple(ranges[other] for other in needs[position] if ranges[other])
            units.append(Unit(ranges[position], context, block.divisible))
    if not units:  # a protected word reaches over all standalone blocks
        units = [Unit(its_words, (), False) for its_words in ranges if its_words]
    return units, separators


def _all_needs(blocks: list[Block]) -> list[tuple[int, ...]]:
    """For each block the positions of all that it needs, directly or through others, in order, without its own."""
    closed: list[tuple[int, ...] | None] = [None] * len(blocks)
    for position in range(len(blocks)):
        waiting = [position]
        while waiting:
            last = waiting[-1]
            unknown = [other for other in blocks[last].needs if closed[other] is None and other not in waiting]
            if unknown:
                waiting.append(unknown[0])
                continue
            waiting.pop()
            if closed[last] is None:
                direct = blocks[last].needs
                reached = {*direct, *(far for other in direct for far in closed[other] or ())}
                closed[last] = tuple(sorted(reached - {last}))
    return [needs or () for needs in closed]
