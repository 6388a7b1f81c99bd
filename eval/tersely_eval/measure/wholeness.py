"""Which units stand whole in a context, which in part, and of which something that they need is missing.

A unit is what Tersely's own segmentation takes for one: a sentence, a list item, a table row. Approaches that cut the
text another way are judged by it as well.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from tersely import Span
from tersely.input import read_documents
from tersely.text.segmentation import SegmentedDocument, segment_documents
from tersely_eval.data import Question
from tersely_eval.measure.alignment import Source, spoken_words
from tersely_eval.peers import Selection

# Fewer words of a unit in a row may stand in a text by chance.
_RECOGNISED = 3


class Wholeness(NamedTuple):
    """The units of which something stands in a context.

    Attributes:
        whole: how many are there entire.
        cut: how many in part only.
        without_context: how many of the whole ones need something that is not there.
    """

    whole: int
    cut: int
    without_context: int

    @property
    def units_whole(self) -> float | None:
        """The share of the units that are whole; None where there are none."""
        return self.whole / (self.whole + self.cut) if self.whole + self.cut else None

    @property
    def context_missing(self) -> float | None:
        """The share of the whole units that need something that is not there; None where none is whole."""
        return self.without_context / self.whole if self.whole else None


def wholeness(question: Question, selection: Selection) -> Wholeness:
    """What became of the units of a question's documents.

    Where it is known which characters were kept, a unit is whole if all its words are, and cut if only something of it
    is. Where only the context is known, its words are aligned with those of the documents, as letters and digits: a
    unit is whole if it stands there in one piece, and cut if at least three of its words stand there in a row, one
    after the other but for what was left out.
    """
    usable = read_documents(question.documents).usable
    segmented = segment_documents(usable)
    if selection.kept is None:
        fates = list(_fates_in_text(segmented, selection.context))
    else:
        fates = list(chain.from_iterable(_fates_in_spans(document, selection.kept) for document in segmented))
    return Wholeness(
        whole=sum(fate.whole for fate in fates),
        cut=sum(fate.recognised and not fate.whole for fate in fates),
        without_context=sum(fate.whole and not fate.has_context for fate in fates),
    )


class _Fate(NamedTuple):
    """What became of a unit: whether it is entire, whether anything of it is there, and all that it needs."""

    whole: bool
    recognised: bool
    has_context: bool


def _fates_in_spans(segmented: SegmentedDocument, kept: Mapping[int, Sequence[Span]]) -> Iterator[_Fate]:
    characters = np.zeros(len(segmented.document.text), dtype=bool)
    for start, end in kept.get(segmented.index, ()):
        characters[start:end] = True
    words = [characters[word.start : word.end] for word in segmented.words]
    whole = np.array([word.all() for word in words])
    touched = np.array([word.any() for word in words])
    for unit in segmented.units:
        of_unit = slice(unit.words.start, unit.words.stop)
        has_context = all(whole[part.start : part.stop].all() for part in unit.context)
        yield _Fate(bool(whole[of_unit].all()), bool(touched[of_unit].any()), has_context)


class _Documents(NamedTuple):
    """All documents as words to align with.

    Attributes:
        words: of one document after the other, its title before its text.
        units: for each word the number of its unit among all units; -1 for titles, headings and the like.
        unit_places: for each unit the places of its words.
        context_places: for each unit the places of what it needs.
    """

    words: list[str]
    units: np.ndarray
    unit_places: list[range]
    context_places: list[list[range]]


def _fates_in_text(segmented: Sequence[SegmentedDocument], context: str) -> Iterator[_Fate]:
    """The fates of the units with a letter or a digit; what became of others cannot be told."""
    documents = _documents(segmented)
    aligned = Source(documents.words, documents.units).align([spoken.word for spoken in spoken_words(context)])
    standing = np.zeros(len(documents.words), dtype=bool)
    standing[aligned[aligned >= 0]] = True
    ends = _ends_of_pieces(aligned, len(documents.words))
    rows = _longest_rows(aligned, documents.units)
    for number, places in enumerate(documents.unit_places):
        if places:
            whole = bool(ends[places.start] >= places.stop)
            has_context = all(standing[part.start : part.stop].all() for part in documents.context_places[number])
            yield _Fate(whole, whole or rows.get(number, 0) >= _RECOGNISED, has_context)


def _documents(segmented: Sequence[SegmentedDocument]) -> _Documents:
    words: list[str] = []
    unit_places: list[range] = []
    context_places: list[list[range]] = []
    for document in segmented:
        words += [spoken.word for spoken in spoken_words(document.document.title or "")]
        spoken_here = spoken_words(document.document.text)
        starts = [spoken.start for spoken in spoken_here]
        edges = [len(words) + bisect_left(starts, word.start) for word in document.words] + [len(words) + len(starts)]
        words += [spoken.word for spoken in spoken_here]
        for unit in document.units:
            unit_places.append(_places(edges, unit.words))
            context_places.append([_places(edges, part) for part in unit.context])
    units = np.full(len(words), -1)
    for number, places in enumerate(unit_places):
        units[places.start : places.stop] = number
    return _Documents(words, units, unit_places, context_places)


def _places(edges: Sequence[int], words: range) -> range:
    return range(edges[words.start], edges[words.stop])


def _ends_of_pieces(aligned: np.ndarray, length: int) -> np.ndarray:
    """For each place of the source: up to which one the text has all from it on in one piece; 0 where nothing."""
    ends = np.zeros(length, dtype=int)
    following, end = -1, 0
    for place in reversed(aligned.tolist()):
        if place >= 0:
            end = end if following == place + 1 else place + 1
            ends[place] = max(ends[place], end)
        following = place
    return ends


def _longest_rows(aligned: np.ndarray, units: np.ndarray) -> dict[int, int]:
    """For each unit how many of its words stand in the text one after the other, in their order, with none between."""
    longest: dict[int, int] = {}
    previous, length = -1, 0
    for place in aligned[aligned >= 0].tolist():
        number = int(units[place])
        continues = previous >= 0 and place > previous and units[previous] == number
        length = length + 1 if continues else 1
        previous = place
        longest[number] = max(longest.get(number, 0), length)
    return longest
