"""Kept words -> text: deletion inside a document, a mark for it where one is wanted, separators between documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import regex

from tersely.documents import Span
from tersely.text.segmentation import SegmentedDocument
from tersely.text.words import Word

DOCUMENT_SEPARATOR = "\n\n"
TITLE_SEPARATOR = "\n"


class Marks(NamedTuple):
    """What stands where something of a document was left out; None for nothing.

    Attributes:
        gap: wherever words were dropped.
        cut: where a unit was cut, if there is no `gap`.
    """

    gap: str | None = None
    cut: str | None = None


NO_MARKS = Marks()

_WHITE_SPACE = regex.compile(r"\s+")
# So much white space (characters) says nothing, and of a million line feeds a tokenizer makes a hundred thousand.
_MOST_WHITE_SPACE = 100
LONG_WHITE_SPACE = regex.compile(rf"\s{{{_MOST_WHITE_SPACE},}}")


def kept_spans(segmented: SegmentedDocument, mask: np.ndarray) -> list[Span]:
    """The characters of a document's text that stay when the words in `mask` (bool, one a word) are kept.

    White space stays with its neighbours. Where words are dropped, one run of the white space around them stays: a line
    break if there was one, so that the lines of a table or a list stay lines.
    """
    spans: list[Span] = []
    for joint, run in _kept_runs(segmented, mask):
        for part in (joint, run):
            if spans and part.start == spans[-1].end:
                spans[-1] = Span(spans[-1].start, part.end)
            elif part.start < part.end:
                spans.append(part)
    return spans


def document_text(segmented: SegmentedDocument, mask: np.ndarray, marks: Marks = NO_MARKS) -> str:
    """The kept characters of a document's text, joined.

    Args:
        segmented: the document.
        mask: which words are kept (bool, one a word).
        marks: what stands where words were dropped: between kept ones, before the first and after the last. A mark has
            a line of its own where a line ends, for there a list, a table or a block of code may end. Its own white
            space is left out where the text has some, so that none is doubled.
    """
    text, words = segmented.document.text, segmented.words
    runs = _kept_runs(segmented, mask)
    if not (marks.gap or marks.cut) or mask.all():
        return "".join(text[start:end] for joint_and_run in runs for start, end in joint_and_run)
    starts = np.array([word.start for word in words])
    within = _within_units(segmented)
    parts: list[str] = []
    position = 0  # of the word up to which all has been looked at
    for joint, run in runs:
        first = int(np.searchsorted(starts, run.start))
        mark = _mark(marks, within, position, first)
        white = text[joint.start : joint.end]
        if mark and not parts:
            line_ends = "\n" in text[words[first - 1].end : run.start]
            parts.append(f"{mark.strip()}\n" if line_ends else mark.lstrip())
        elif mark:
            parts.append(f"{white}{mark.strip()}\n" if "\n" in white else _beside(mark, white))
        else:
            parts.append(white)
        parts.append(text[run.start : run.end])
        position = int(np.searchsorted(starts, run.end))
    mark = _mark(marks, within, position, len(words))
    if parts and mark:
        line_ends = "\n" in text[words[position - 1].end : words[position].start]
        parts.append(f"\n{mark.strip()}" if line_ends else mark.rstrip())
    return "".join(parts)


def _within_units(segmented: SegmentedDocument) -> np.ndarray:
    """For each word whether it and the word before it are of the same unit."""
    within = np.zeros(len(segmented.words) + 1, dtype=bool)
    for unit in segmented.units:
        within[unit.words.start + 1 : unit.words.stop] = True
    return within


def _mark(marks: Marks, within: np.ndarray, first: int, last: int) -> str | None:
    """What stands for the words from `first` up to but not including `last`, which were dropped; none without any."""
    if first == last:
        return None
    return marks.gap or (marks.cut if within[first] or within[last] else None)


def _beside(gap_marker: str, white: str) -> str:
    return gap_marker.rstrip() + white if white else gap_marker


def _kept_runs(segmented: SegmentedDocument, mask: np.ndarray) -> list[tuple[Span, Span]]:
    """Each run of words without one dropped between them, and the white space that stays before it (often none)."""
    text, words = segmented.document.text, segmented.words
    spread = LONG_WHITE_SPACE.search(text) is not None
    if mask.all() and not spread:
        return [(Span(0, 0), Span(0, len(text)))]
    runs: list[tuple[Span, Span]] = []
    edges = (np.flatnonzero(mask[1:] != mask[:-1]) + 1).tolist()
    edges = [0] * bool(mask[0]) + edges + [len(words)] * bool(mask[-1])
    stretches = list(zip(edges[::2], edges[1::2], strict=True))
    if spread:
        stretches = [part for stretch in stretches for part in _close_together(words, *stretch)]
    for first, stop in stretches:
        start, end = words[first].start, words[stop - 1].end
        joint = _joint(text, runs[-1][1].end, start) if runs else Span(start, start)
        line_start = text.rfind("\n", joint.start, start) + 1
        if joint.end < line_start and text[line_start:start].isspace():  # its own indentation says what it belongs to
            joint, start = Span(joint.start, text.rfind("\n", *joint) + 1), line_start
        runs.append((Span(joint.start, min(joint.end, joint.start + _MOST_WHITE_SPACE)), Span(start, end)))
    return runs


def _close_together(words: Sequence[Word], first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Words `first` up to but not including `stop`, parted where too much white space stands between two."""
    far = (
        position
        for position in range(first + 1, stop)
        if words[position].start - words[position - 1].end > _MOST_WHITE_SPACE
    )
    edges = [first, *far, stop]
    yield from pairwise(edges)


def _joint(text: str, start: int, end: int) -> Span:
    """The run of white space that stays of the characters between two kept words."""
    white = [Span(*match.span()) for match in _WHITE_SPACE.finditer(text, start, end)]
    # The one with most line breaks; of equal ones the last, which stands right before the word if any does.
    most = max(reversed(white), key=lambda span: text.count("\n", *span), default=Span(end, end))
    if not white or white[-1].end == end or "\n" in text[most.start : most.end]:
        return most
    if white[0].start == start:
        return white[0]
    # Neither has white space beside it, as in minified data: only two words are kept from growing together.
    grows = text[start - 1].isalnum() and text[end].isalnum() and not text[start].isalnum()
    return most if grows else Span(end, end)


def with_title(title: str | None, text: str) -> str:
    """A document as it stands in the context: its title, if any, on a line of its own, and its text."""
    return f"{title}{TITLE_SEPARATOR}{text}" if title else text


def render_document(segmented: SegmentedDocument, mask: np.ndarray, marks: Marks = NO_MARKS) -> str:
    """A document's part of the context; empty if no word of it is kept."""
    if not mask.any():
        return ""
    return with_title(segmented.title, document_text(segmented, mask, marks))


def render_context(
    documents: Sequence[SegmentedDocument],
    masks: Sequence[np.ndarray],
    order: Sequence[int],
    marks: Marks = NO_MARKS,
) -> str:
    """The documents' part of the prompt. A document of which nothing is kept does not appear.

    Args:
        documents: all of them.
        masks: for each of them which words are kept (bool, one a word).
        order: the order in which they stand in the context, as positions in `documents`.
        marks: what stands where words of a document were dropped.
    """
    return join_documents(render_document(documents[position], masks[position], marks) for position in order)


def join_documents(texts: Iterable[str]) -> str:
    """The parts of the context, one after the other, without the empty ones."""
    return DOCUMENT_SEPARATOR.join(text for text in texts if text)


def render_prompt(instruction: str | None, context: str, question: str | None) -> str:
    """Instruction, context and question, those that there are."""
    return "\n\n".join(part for part in (instruction, context, question) if part)
