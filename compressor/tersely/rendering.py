"""Kept words -> text: nothing but deletion inside a document, and separators between documents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import regex

from tersely.documents import Span
from tersely.segmentation import SegmentedDocument

DOCUMENT_SEPARATOR = "\n\n"
TITLE_SEPARATOR = "\n"

_WHITE_SPACE = regex.compile(r"\s+")


def kept_spans(segmented: SegmentedDocument, kept: np.ndarray) -> list[Span]:
    """The characters of a document's text that stay when the words marked in `kept` (bool, one a word) stay.

    White space stays with its neighbours. Where words are dropped, one run of the white space around them stays: a line
    break if there was one, so that the lines of a table or a list stay lines.
    """
    text, words = segmented.document.text, segmented.words
    if kept.all():
        return [Span(0, len(text))]
    spans: list[Span] = []
    previous = -1
    for position in np.flatnonzero(kept).tolist():
        word = words[position]
        if previous < 0:
            spans.append(Span(word.start, word.end))
        elif position == previous + 1:
            spans[-1] = Span(spans[-1].start, word.end)
        else:
            runs = [run.span() for run in _WHITE_SPACE.finditer(text, words[previous].end, word.start)]
            # The run with most line breaks; of equal ones the last, which stands right before the word if any does.
            run = max(reversed(runs), key=lambda run: text.count("\n", *run), default=None)
            if run is not None and run[0] == spans[-1].end:
                spans[-1] = Span(spans[-1].start, run[1])
            elif run is not None and run[1] != word.start:
                spans.append(Span(*run))
            start = run[0] if run is not None and run[1] == word.start else word.start
            spans.append(Span(start, word.end))
        previous = position
    return spans


def document_text(segmented: SegmentedDocument, spans: Sequence[Span]) -> str:
    """The kept characters of a document's text, joined."""
    return "".join(segmented.document.text[start:end] for start, end in spans)


def with_title(title: str | None, text: str) -> str:
    """A document as it stands in the context: its title, if any, on a line of its own, and its text."""
    return f"{title}{TITLE_SEPARATOR}{text}" if title else text


def render_context(documents: Sequence[SegmentedDocument], kept: Sequence[np.ndarray], order: Sequence[int]) -> str:
    """The documents' part of the prompt. A document of which nothing is kept does not appear.

    Args:
        documents: all of them.
        kept: for each of them which words stay (bool, one a word).
        order: the order in which they stand in the context, as positions in `documents`.
    """
    texts = []
    for position in order:
        segmented, mask = documents[position], kept[position]
        if mask.any():
            text = document_text(segmented, kept_spans(segmented, mask))
            texts.append(with_title(segmented.document.title, text))
    return DOCUMENT_SEPARATOR.join(texts)


def render_prompt(instruction: str | None, context: str, question: str | None) -> str:
    """Instruction, context and question, those that there are."""
    return "\n\n".join(part for part in (instruction, context, question) if part)
