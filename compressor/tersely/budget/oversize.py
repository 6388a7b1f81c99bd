"""What no budget of this call can hold: units that are not read by the model, and titles that are shortened."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tersely.documents import Span
from tersely.text.segmentation import SegmentCache, SegmentedDocument, Unit

# A title may take this part of the budget; of a longer one only so many words are left as fit a smaller part.
_TITLE_PART, _SHORT_TITLE_PART = 2, 6
_SHORT_TITLE = 16  # tokens of a title that is never shortened
# A unit of fewer tokens is read though it does not fit, so that the result can say whether it was the best.
_READ_ANYWAY = 512
_LONG = 300  # characters of what is never kept, such as a million carets; less than that takes no time to read


class Oversize(NamedTuple):
    """A unit that is larger than the whole budget.

    Attributes:
        document: in which it stands.
        unit: which one.
        tokens: of the unit, as the target LLM counts them.
    """

    document: SegmentedDocument
    unit: Unit
    tokens: int


def worth_reading(
    documents: Sequence[SegmentedDocument],
    tokens: Sequence[int],
    copies: Collection[int],
    target: int | None,
    count: Callable[[str], int],
) -> tuple[list[SegmentedDocument], list[int], list[Oversize]]:
    """The documents without copies and without what cannot be kept, the tokens of each, and what cannot be kept.

    Args:
        documents, tokens: all of them, and the tokens of each.
        copies: positions of those that are copies.
        target: the budget, if only whole units are kept.
        count: text -> tokens.
    """
    left = [position for position in range(len(documents)) if position not in copies]
    readable = [documents[position] for position in left]
    oversize: list[Oversize] = []
    if target is not None:
        titled = [_with_short_title(document, target, count) for document in readable]
        readable, oversize = _without_oversize(titled, target, count)
    usable = [number for number, document in enumerate(readable) if document.units]
    return [readable[number] for number in usable], [tokens[left[number]] for number in usable], oversize


def _without_oversize(
    documents: Sequence[SegmentedDocument], target: int, count: Callable[[str], int]
) -> tuple[list[SegmentedDocument], list[Oversize]]:
    """The documents without the units that cannot be kept, and these.

    Args:
        documents: to compress.
        target: the budget in tokens.
        count: text -> tokens.

    Returns:
        As many documents; one whose units are all too large has none left.
    """
    limit = max(target, _READ_ANYWAY)
    readable: list[SegmentedDocument] = []
    oversize: list[Oversize] = []
    for segmented in documents:
        words, text = segmented.words, segmented.document.text
        too_large: list[Oversize] = []
        for unit in segmented.units:
            start, end = words[unit.words.start].start, words[unit.words.stop - 1].end
            # A character has at most four bytes, a token at least one.
            if 4 * (end - start) <= limit or len(text[start:end].encode()) <= limit:
                continue
            tokens = count(text[start:end])
            if tokens > limit:
                too_large.append(Oversize(segmented, unit, tokens))
        unread = {entry.unit for entry in too_large}
        units = [unit for unit in segmented.units if unit not in unread] if unread else segmented.units
        spans = _of_no_use(segmented, units)
        if too_large or spans:
            segmented = replace(segmented, units=units, unread=spans, cache=SegmentCache())
        readable.append(segmented)
        oversize += too_large
    return readable, oversize


def _of_no_use(segmented: SegmentedDocument, units: Sequence[Unit]) -> tuple[Span, ...]:
    """The long stretches of a text that none of these units has or needs."""
    words = segmented.words
    useful = np.zeros(len(words), dtype=bool)
    for unit in units:
        for part in (unit.words, *unit.context):
            useful[part.start : part.stop] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[True], useful, [True]]))).tolist()
    spans = (Span(words[first].start, words[stop - 1].end) for first, stop in zip(edges[::2], edges[1::2], strict=True))
    return tuple(span for span in spans if span.end - span.start > _LONG)


def _with_short_title(segmented: SegmentedDocument, target: int, count: Callable[[str], int]) -> SegmentedDocument:
    """The document with a title that leaves room for its text: the first words of a long one and an ellipsis.

    What a caller has laid out in several lines, such as the metadata that a framework shows, is not shortened.
    """
    title = segmented.title or ""
    limit = max(target // _TITLE_PART, _SHORT_TITLE)
    if "\n" in title or len(title.encode()) <= limit or count(title) <= limit:
        return segmented
    words = title.split()
    room = max(target // _SHORT_TITLE_PART, 1)
    number = bisect_right(range(1, len(words) + 1), room, key=lambda number: count(_first_words(words, number)))
    return replace(segmented, short_title=_first_words(words, number) if number else "", cache=SegmentCache())


def _first_words(words: Sequence[str], number: int) -> str:
    return f"{' '.join(words[:number])} …"
