"""Text -> words, the smallest pieces that are kept or dropped. Units of several words are made in `segmentation.py`.

A word is a run of characters between white space. It is joined with its neighbours where they only mean something
together (a date, an amount, a code span), and split only where a script writes no spaces or a run is a long chain of
separators.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import regex

from tersely.documents import Span

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
# What means nothing in parts, though white space or a separator is inside. All repetitions are bounded, so that the
# search is linear in the text. Alternatives with the same beginning are grouped, since most words match no beginning.
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


def split_words(text: str, protected: Iterable[Span] = (), borders: Sequence[int] = ()) -> list[Word]:
    """The words of a text, in order.

    Args:
        text: any.
        protected: each becomes, with the words it touches, one protected word.
        borders: characters, ascending, that no word crosses, unless it is protected: "10" at the end of a row and
            "A-7" at the beginning of the next are no amperes.
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
    """Pieces of a run of Chinese or Japanese; a foreign word or number in it is one piece with what follows.

    Otherwise two foreign words would become one wherever the text between them is dropped.
    """
    waiting_start: int | None = None  # where a foreign piece begins that is not yielded yet
    for piece in _UNSPACED_PIECE.finditer(text, start, end):
        foreign = not _HAS_UNSPACED.search(text, piece.start(), piece.end())
        if foreign and waiting_start is None:
            waiting_start = piece.start()
        elif not foreign:
            yield (piece.start() if waiting_start is None else waiting_start), piece.end()
            waiting_start = None
    if waiting_start is not None:
        yield waiting_start, end
