"""Text -> units -> words, and what must never be cut. Nothing is scored or dropped here.

A word is the smallest piece that is kept or dropped: a run of characters between white space, joined with its
neighbours where they only mean something together (a date, an amount, a code span), and split only where a script
writes no spaces or a run is a long chain of separators. A unit is the smallest piece that reads on its own.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import regex

from tersely.documents import Document, Span
from tersely.errors import InvalidInputError
from tersely.memory import Memory
from tersely.text.patterns import compiled
from tersely.text.structure import Block, split_blocks

# All patterns of one call together; a pattern that backtracks without end must not hang a server.
_PATTERN_SECONDS = 2.0
# About the bytes that a segmented text takes in memory between calls, its `DocumentCache` included.
_BYTES_A_WORD, _BYTES_A_CHARACTER = 250, 25
# A run without white space that is longer than this (minified JSON, a table row) is split after its separators.
_LONG_RUN = 40

_MONTHS = "Jan|Feb|Mar|Mär|Apr|May|Mai|Jun|Jul|Aug|Sep|Oct|Okt|Nov|Dec|Dez"
_YEAR = r"(?:1\d|20)\d\d(?![\d年])"
_UNITS = (
    r"%|‰|percent|per\ cent|pct|€|\$|£|¥|₹|USD|EUR|GBP|JPY|CHF|CNY|INR|dollars?|euros?|pounds?|yen|rupees?|francs?|"
    r"hundred|thousand|million|billion|trillion|bn|mn|Mio\.?|Mrd\.?|Millionen|Milliarden|"
    r"(?:[kMGTµmcn]?(?:m|g|s|W|Wh|Hz|V|A|B|L|l))[²³]?|kg|lbs?|oz|ft|mi|mph|km/h|°\s?[CF]|[KMGT]i?B|mins?|hrs?|h|"
    r"seconds?|minutes?|hours?|days?|weeks?|months?|years?|miles?|feet|inch(?:es)?|met(?:er|re)s?|kilomet(?:er|re)s?|tons?|tonnes?"
)
_SUM = r"\s?\d[\d.,\u00a0\u202f']{0,25}(?:\s(?:hundred|thousand|million|billion|trillion|bn|mn|Mio\.?|Mrd\.?)\b)?"
# What loses its meaning when a part of it goes, though white space or a separator stands inside. All repetitions are
# bounded, so that the search is linear in the text. Grouped by how they begin: most words of a text begin like none.
_INDIVISIBLE = regex.compile(
    rf"""
      ``[^\n]{{1,500}}?`` | `[^`\n]{{1,500}}`                                          # a code span
    | \b(?:
          (?:https?|ftp|file)://[^\s<>"]+ | www\.[^\s<>"]+                             # a URL
        | (?=\p{{L}}{{3,12}}\.?,?\s\d)(?:
              \p{{L}}{{3,12}}\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s{_YEAR}                  # October 12, 2009
            | \p{{L}}{{3,12}}\.?,?\s{_YEAR}                                            # October 2009
            | (?:{_MONTHS})\p{{L}}{{0,7}}\.?\s\d{{1,2}}(?:st|nd|rd|th)?\b              # Oct. 12
          )
        | (?=\d)(?:
              \d{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s|de\s)?\p{{L}}{{3,12}}\.?,?\s(?:de\s)?{_YEAR}   # 12 October 2009
            | \d{{1,2}}(?:st|nd|rd|th|\.)?\s(?:{_MONTHS})\p{{L}}{{0,7}}\b              # 12th October
            | \d{{1,2}}[:.]\d\d(?:[:.]\d\d)?\s?[ap]\.?m\b\.?                          # 10:30 pm
            | \d{{1,3}}(?:[ \u00a0\u202f]\d{{3}}){{1,6}}\b(?:\s(?:{_UNITS})(?!\w))?      # 1 820 000 km
          )
        | (?:USD|EUR|GBP|JPY|CHF|CNY|INR|Rs\.?){_SUM}                                 # EUR 1,820.50
      )
    | [$€£¥₹]{_SUM}                                                                   # $ 1,820.50 million
    | (?=\d)(?:
          \d{{1,4}}年(?:\d{{1,2}}月(?:\d{{1,2}}日)?)? | \d{{1,2}}月\d{{1,2}}日            # 2009年10月12日
        | (?<![\d.,])\d[\d.,]{{0,25}}\s(?:{_UNITS})(?!\w)(?:\s(?:{_UNITS})(?!\w))?     # 5 million dollars
      )
    | \+\d[\d\ ().-]{{5,20}}\d | \(\d{{2,5}}\)\s?\d[\d\ -]{{4,14}}\d                    # a telephone number
    | \p{{Han}}[A-Z][·-]?[A-Z0-9]{{4,7}}\b                                            # a Chinese number plate
    """,
    regex.VERBOSE,
)
_RUN = regex.compile(r"\S+")
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー々〆"
_HAS_UNSPACED = regex.compile(rf"[{_UNSPACED}]")
# In a script without spaces: a katakana word, a kanji stem with its ending, else a character (Unicode annex 29).
_UNSPACED_PIECE = regex.compile(
    rf"[\p{{Ps}}\p{{Pi}}]*(?:[\p{{Katakana}}ー]+|[\p{{Han}}々〆]{{1,6}}\p{{Hiragana}}+|\p{{Hiragana}}+|[\p{{Han}}々〆]"
    rf"|[^{_UNSPACED}\p{{Ps}}\p{{Pi}}]+|[\p{{Ps}}\p{{Pi}}])(?:(?![\p{{Ps}}\p{{Pi}}])[^\w{_UNSPACED}]|[\p{{M}}\u200d])*"
)
_AFTER_SEPARATOR = regex.compile(r"(?<=[,;|(){}\[\]<>\"=&])(?<!\d,(?=\d))(?=[^,;|(){}\[\]<>\"=&])", regex.V1)
_AFTER_DASH = regex.compile(r"(?<=\w[—―])(?=\w)", regex.V1)


class Word(NamedTuple):
    """The smallest piece that is kept or dropped: characters `start` to `end` of the document's text."""

    start: int
    end: int
    protected: bool  # must survive


class Unit(NamedTuple):
    """What is chosen as one: a sentence, a list item, a table row, a record, a block of code.

    Attributes:
        words: positions of its words; never none.
        context: positions of the words without which it says something else or nothing, in the order of the text: the
            headings over it, the header of its table, the line that introduces it, the brackets around it.
        divisible: it is prose, of which a fragment can be of use where fragments are asked for.
    """

    words: range
    context: tuple[range, ...]
    divisible: bool


class Separator(NamedTuple):
    """What only stands between two neighbours, such as a comma between records.

    Attributes:
        words: positions of its words.
        earlier, following: positions of the words before it with the same parent, and of its next neighbour's; it is
            kept where a word of both is.
    """

    words: range
    earlier: range
    following: range


@dataclass(slots=True)
class DocumentCache:
    """What was computed from one segmented document, so that the next question over it need not compute it again.

    A value may depend on the title, the text, the words and the units of the document, and on nothing else of it.

    Attributes:
        token_counts: the tokens of the title and the text, by the tokenizer that counted them.
        encodings: token ids of the title and the text with their characters, by the fingerprint of the scorer.
        content_words: those of the title, and those of each unit with its context.
    """

    token_counts: dict[Hashable, int] = field(default_factory=dict)
    encodings: dict[str, tuple[list[int], list[tuple[int, int]]]] = field(default_factory=dict)
    content_words: tuple[list[str], list[list[str]]] | None = None


@dataclass(frozen=True, slots=True)
class SegmentedDocument:
    """A document cut into words, and its words grouped into units.

    Attributes:
        index: the document's position in the caller's list.
        document: the original.
        words: in order, none overlapping, at least one.
        units: in order, none overlapping, at least one. A word that is in none is in the `context` of some, or is never
            kept unless all are.
        separators: in order.
        cache: what was computed from it for earlier questions.
        unread: characters of what is larger than any budget of this call, and not read; it is in no unit.
        short_title: stands in place of a title that is too long for the budget.
    """

    index: int
    document: Document
    words: list[Word]
    units: list[Unit]
    separators: list[Separator] = field(default_factory=list)
    cache: DocumentCache = field(default_factory=DocumentCache, compare=False, repr=False)
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


def with_separators(segmented: SegmentedDocument, kept: np.ndarray) -> np.ndarray:
    """The words that stay (bool, one a word), with those that stand between neighbours of which both stay."""
    for words, earlier, following in segmented.separators:
        if kept[earlier.start : earlier.stop].any() and kept[following.start : following.stop].any():
            kept[words.start : words.stop] = True
    return kept


# Words, units and separators of a text, and what is computed from them.
Segments = tuple[list[Word], list[Unit], list[Separator], DocumentCache]


def segment_documents(
    documents: Iterable[tuple[int, Document]], protect: Sequence[str] = (), kept: Memory[Segments] | None = None
) -> list[SegmentedDocument]:
    """Cut documents into words and units.

    Args:
        documents: each with its position in the caller's list; none empty.
        protect: patterns of the `regex` package whose matches must survive.
        kept: of earlier calls, by what they depend on; it receives those of this one.

    Raises:
        InvalidInputError: the patterns took too long; the message names the one.
    """
    patterns = [compiled(pattern) for pattern in protect]
    stopwatch = _Stopwatch(_PATTERN_SECONDS)
    kept = kept or Memory(0)
    segmented = []
    for index, document in documents:
        kept_spans = document.kept_spans
        key = document.title, document.text, tuple(kept_spans), tuple(protect)
        segments = kept.get(key)
        if segments is None:
            protected = kept_spans + list(_matches(patterns, document.text, stopwatch))
            blocks = split_blocks(document.text)
            words = split_words(document.text, protected, [block.start for block in blocks if block.apart])
            segments = words, *_units(words, blocks), DocumentCache()
            size = len(words) * _BYTES_A_WORD + len(document.text) * _BYTES_A_CHARACTER
            kept.put(key, segments, size)
        segmented.append(SegmentedDocument(index, document, *segments))
    return segmented


def split_words(text: str, protected: Iterable[Span] = (), borders: Sequence[int] = ()) -> list[Word]:
    """The words of a text, in order.

    Args:
        text: any.
        protected: each becomes, with the words it touches, one protected word.
        borders: characters, ascending, at which something new begins: what stands before and after is never one word,
            unless it is protected. "10" at the end of a row and "A-7" at the beginning of the next are no amperes.
    """
    runs = ((start, end, False) for start, end in _cut(split_runs(text), borders))
    indivisible = (
        (match.start(), match.end(), False)
        for match in _INDIVISIBLE.finditer(text)
        if bisect_right(borders, match.start()) == bisect_left(borders, match.end())
    )
    must_stay = ((start, end, True) for start, end in protected)
    pieces = sorted([*runs, *indivisible, *must_stay])
    words: list[Word] = []
    for start, end, protected_here in pieces:
        if words and start < words[-1].end:  # they overlap: one word
            last = words[-1]
            words[-1] = Word(last.start, max(last.end, end), last.protected or protected_here)
        else:
            words.append(Word(start, end, protected_here))
    return words


def _cut(runs: Iterable[tuple[int, int]], borders: Sequence[int]) -> Iterator[tuple[int, int]]:
    for start, end in runs:
        for border in borders[bisect_right(borders, start) : bisect_left(borders, end)]:
            yield start, border
            start = border
        yield start, end


def split_runs(text: str) -> Iterator[tuple[int, int]]:
    """Runs between white space, split where a script writes no spaces and inside long chains of separators."""
    unspaced, dashes = _HAS_UNSPACED.search(text), _AFTER_DASH.search(text)  # most texts have neither
    for run in _RUN.finditer(text):
        start, end = run.span()
        is_long = end - start > _LONG_RUN
        if unspaced and _HAS_UNSPACED.search(text, start, end):
            yield from _unspaced_pieces(text, start, end)
            continue
        if is_long or dashes:
            for match in (_AFTER_SEPARATOR if is_long else _AFTER_DASH).finditer(text, start, end):
                if match.start() > start:
                    yield start, match.start()
                    start = match.start()
        yield start, end


def _unspaced_pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Pieces of a run of Chinese or Japanese; a foreign word or number in it takes the piece after it along.

    Without that, dropping what stands between two of them would join them to a word that never was.
    """
    held: int | None = None  # where a foreign piece begins that waits for the next
    for piece in _UNSPACED_PIECE.finditer(text, start, end):
        foreign = not _HAS_UNSPACED.search(text, piece.start(), piece.end())
        if foreign and held is None:
            held = piece.start()
        elif not foreign:
            yield (piece.start() if held is None else held), piece.end()
            held = None
    if held is not None:
        yield held, end


@dataclass(slots=True)
class _Stopwatch:
    """The seconds that patterns may still take; what else goes on meanwhile does not count."""

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
    """The blocks of a text in words. A word belongs to the block in which it starts."""
    starts = [word.start for word in words]
    edges = [0, *(bisect_left(starts, block.start) for block in blocks[1:]), len(words)]
    ranges = [range(first, last) for first, last in pairwise(edges)]
    needs = _all_needs(blocks)
    units: list[Unit] = []
    separators: list[Separator] = []
    for position, block in enumerate(blocks):
        if not ranges[position]:
            continue
        if block.joins:
            earlier, following = (range(edges[part.start], edges[part.stop]) for part in block.joins)
            separators.append(Separator(ranges[position], earlier, following))
        elif block.stands:
            context = tuple(ranges[other] for other in needs[position] if ranges[other])
            units.append(Unit(ranges[position], context, block.divisible))
    if not units:  # a word that must survive reaches over all that could stand for itself
        units = [Unit(its_words, (), False) for its_words in ranges if its_words]
    return units, separators


def _all_needs(blocks: list[Block]) -> list[tuple[int, ...]]:
    """For each block the positions of all that it needs, and of what those need, in order, itself left out."""
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
