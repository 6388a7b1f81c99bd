"""What became of the documents, and why, as values and in words. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from tersely.budget.oversize import Oversize
from tersely.budget.pieces import Choice
from tersely.budget.rendering import Marks, document_text, kept_spans, render_document, with_title
from tersely.documents import Span
from tersely.outcomes import CompressedDocument, LeftOut
from tersely.text.segmentation import SegmentedDocument, with_separators

_MOST_OVERSIZE = 3  # of those that were not read so many are named


def compressed_document(
    segmented: SegmentedDocument,
    mask: np.ndarray,
    relevance: float | None,
    original_tokens: int,
    count: Callable[[str], int],
    marks: Marks,
    instead: Sequence[Span] = (),
) -> CompressedDocument:
    """What became of a document.

    Args:
        segmented: the document.
        mask: which of its words are kept (bool, one a word).
        relevance: the coarse stage's value.
        original_tokens: of title and text before.
        count: text -> tokens.
        marks: what stands where something was left out.
        instead: what was kept of it though a better unit had not fit.
    """
    spans = kept_spans(segmented, mask)
    text = document_text(segmented, mask, marks)
    return CompressedDocument(
        index=segmented.index,
        document=segmented.document,
        kept=spans,
        text=text,
        relevance=relevance,
        original_tokens=original_tokens,
        compressed_tokens=count(with_title(segmented.title, text)) if spans else 0,
        short_title=segmented.short_title,
        instead=list(instead),
    )


def dropped_documents(
    documents: Sequence[SegmentedDocument],
    tokens: Sequence[int],
    read: Collection[int],
    copies: Mapping[int, int],
) -> list[CompressedDocument]:
    """The documents that were not read: copies of others, and those of which every unit is larger than the budget.

    Args:
        documents, tokens: all of them, and the tokens of each.
        read: the caller's positions of the others.
        copies: position of a copy -> position of the document that says all that it says.
    """
    return [
        CompressedDocument(
            index=segmented.index,
            document=segmented.document,
            kept=[],
            text="",
            original_tokens=tokens[position],
            compressed_tokens=0,
            copy_of=documents[copies[position]].index if position in copies else None,
        )
        for position, segmented in enumerate(documents)
        if segmented.index not in read
    ]


def kept_instead(documents: Sequence[SegmentedDocument], choice: Choice | None) -> list[list[Span]]:
    """For each document the characters of the pieces that were kept though a better one had not fit."""
    spans: list[list[Span]] = [[] for _ in documents]
    for piece in choice.instead if choice else ():
        spans[piece.document].append(_span(documents[piece.document], range(piece.first, piece.last)))
    return [sorted(of_document) for of_document in spans]


def left_out(
    documents: Sequence[SegmentedDocument],
    choice: Choice | None,
    oversize: Sequence[Oversize],
    count: Callable[[str], int],
) -> list[LeftOut]:
    """The units that did not fit, best first, then the smallest of those that were not read.

    Args:
        documents: those that were read.
        choice: what the budget holds of them.
        oversize: units that are larger than the whole budget.
        count: text -> tokens.
    """
    units = []
    for piece, tokens, budget in choice.missed if choice else ():
        segmented = documents[piece.document]
        units.append(
            LeftOut(
                index=segmented.index,
                id=segmented.document.id,
                span=_span(segmented, range(piece.first, piece.last)),
                tokens=tokens,
                budget=budget,
                relevance=piece.worth,
            )
        )
    for segmented, unit, tokens in sorted(oversize, key=lambda entry: entry.tokens)[:_MOST_OVERSIZE]:
        mask = np.array([word.protected for word in segmented.words])
        for part in (unit.words, *unit.context):
            mask[part.start : part.stop] = True
        units.append(
            LeftOut(
                index=segmented.index,
                id=segmented.document.id,
                span=_span(segmented, unit.words),
                tokens=tokens,
                budget=count(render_document(segmented, with_separators(segmented, mask))),
            )
        )
    return units


def notes_of(
    target: int,
    used: int,
    documents: Sequence[CompressedDocument],
    choice: Choice | None,
    units: Sequence[LeftOut],
    oversize: Sequence[Oversize],
) -> list[str]:
    """Why a part of the budget is unused, and what was too large, shortened or a copy, in words.

    Args:
        target: the budget in tokens.
        used: tokens of the context.
        documents: what became of each.
        choice: what the budget holds; None where everything fits.
        units: the best ones that did not fit.
        oversize: units that are larger than the whole budget and were not read.
    """
    said: list[str] = []
    if choice and choice.best_is_missed and units:
        best = units[0]
        kept = "what is kept is less relevant" if used else "nothing is kept"
        said.append(
            f"the most relevant unit ({_name(best)}) needs a budget of {best.budget} tokens, more than {target}: {kept}"
        )
    if oversize:
        smallest = min(oversize, key=lambda unit: unit.tokens)
        number = "a unit is" if len(oversize) == 1 else f"{len(oversize)} units are"
        said.append(
            f"{number} larger than the whole budget of {target} tokens and not read; the smallest has "
            f"{smallest.tokens} tokens"
        )
    for document in documents:
        if document.short_title is not None:
            said.append(f"the title of document {document.index} is too long for the budget and was shortened")
        if document.copy_of is not None:
            said.append(f"document {document.index} says nothing that document {document.copy_of} does not: dropped")
    if choice and used < target and choice.missed:
        said.append(f"unused: {target - used} of {target} tokens, next unit needs {units[0].tokens} tokens")
    elif (choice or said) and used < target:
        said.append(f"unused: {target - used} of {target} tokens, nothing more of use is left")
    return said


def _span(segmented: SegmentedDocument, words: range) -> Span:
    """The characters of words that follow each other."""
    return Span(segmented.words[words.start].start, segmented.words[words.stop - 1].end)


def _name(unit: LeftOut) -> str:
    return f"document {unit.index}{f' ({unit.id})' if unit.id else ''}, characters {unit.span.start} to {unit.span.end}"
