"""The pipeline, top to bottom: documents in, the same documents shorter out. Each stage lives in a room of its own.

Segment (`text/`), rank and score (`methods/`), fit and render (`budget/`), and the account of it (`account.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tersely.account import compressed_document, dropped_documents, kept_instead, left_out, notes_of
from tersely.budget.copies import find_copies
from tersely.budget.counting import TokenCounter
from tersely.budget.fit import fit
from tersely.budget.ordering import arrange
from tersely.budget.oversize import Oversize, worth_reading
from tersely.budget.pieces import Choice
from tersely.budget.rendering import Marks, render_context, render_prompt, with_title
from tersely.budget.shares import target_from_rate
from tersely.clock import Clock
from tersely.documents import Document
from tersely.errors import InvalidInputError
from tersely.input import ReadDocuments, check_text, read_documents
from tersely.memory import Memory
from tersely.methods import METHODS, Method, Task
from tersely.result import CompressionResult
from tersely.scoring.scorer import Scorer
from tersely.settings import CompressionSettings, MethodName
from tersely.text.segmentation import SegmentedDocument, Segments, segment_documents

# Stands where a fragment was cut out of a unit, unless the caller marks every gap.
_CUT_MARKER = " [...] "

# A name of its own, so that a program which shows the notes in another way can turn it off.
_notes_logger = logging.getLogger("tersely.notes")


@dataclass(frozen=True, slots=True)
class Call:
    """What the caller of `Compressor.compress` gave, checked by `check_call`."""

    documents: Sequence[str | Document | Mapping[str, Any]]
    question: str | None
    instruction: str | None
    settings: CompressionSettings
    method_name: MethodName

    @property
    def method(self) -> Method:
        """What chooses."""
        return METHODS[self.method_name]


def check_call(settings: CompressionSettings, question: str | None, instruction: str | None) -> None:
    """Refuse what cannot work, before anything slow begins.

    Raises:
        InvalidInputError: there is no budget, or question or instruction cannot be used, or the question is missing.
    """
    settings.check_budget()
    for name, text in (("question", question), ("instruction", instruction)):
        if text is not None:
            check_text(text, name)
    if question is not None and not question.strip():
        raise InvalidInputError(f"question is empty ({question!r}); leave it out or ask something")
    if question is None and settings.method is not None and METHODS[settings.method].needs_question:
        raise InvalidInputError(f"method {settings.method!r} needs a question; give one, or use method='salience'")


def run(
    call: Call,
    scorer: Scorer,
    counter: TokenCounter,
    segments: Memory[Segments],
    progress: Callable[[str, float], None] | None,
) -> CompressionResult:
    """Compress the documents of a call.

    Args:
        call: what to compress, and how.
        scorer: the model.
        counter: counts the budget as the target LLM does.
        segments: those of earlier calls, by text.
        progress: called now and then with a stage's name and the share of it that is done, from 0 to 1.

    Raises:
        InvalidInputError: a document cannot be used.
        ProtectedTextError: what must be kept exceeds the budget.
    """
    clock = Clock(progress)
    with clock.stage("segment"):
        given = _segment(call, counter, segments)
        usable = _usable(given, call.method, counter)
    selection = _select(call, given, usable, scorer, counter, clock)
    return _result(call, given, usable, selection, scorer, counter, clock)


class _Given(NamedTuple):
    """The caller's documents, cut into units.

    Attributes:
        documents: as the caller gave them, with those that were skipped and repaired.
        segmented: those that can be used.
        tokens: of each of these, with its title.
        original_tokens: of the context if all is kept.
        target: the budget.
    """

    documents: ReadDocuments
    segmented: list[SegmentedDocument]
    tokens: list[int]
    original_tokens: int
    target: int

    @property
    def fits(self) -> bool:
        """Whether nothing must be left out."""
        return self.original_tokens <= self.target


class _Usable(NamedTuple):
    """What the method gets to see: the documents without copies and without units that no budget of the call holds.

    Attributes:
        documents: in the caller's order.
        tokens: of each, with its title.
        copies: position of a copy among all segmented documents -> position of the document that says the same.
        oversize: the units that are larger than the whole budget.
    """

    documents: list[SegmentedDocument]
    tokens: list[int]
    copies: dict[int, int]
    oversize: list[Oversize]


class _Selection(NamedTuple):
    """What is kept.

    Attributes:
        relevance: of each usable document; None where nothing had to be ranked.
        order: of the documents in the context, as positions.
        masks: for each document which of its words are kept (bool, one a word).
        choice: how the budget was spent; None where everything fits.
        marks: what stands where words were left out.
    """

    relevance: list[float] | None
    order: list[int]
    masks: list[np.ndarray]
    choice: Choice | None
    marks: Marks


def _segment(call: Call, counter: TokenCounter, segments: Memory[Segments]) -> _Given:
    """Documents -> units and words, and the budget in tokens."""
    settings = call.settings
    documents = read_documents(call.documents, settings.strict)
    segmented = segment_documents(documents.usable, settings.protect, segments)
    tokens = [_count_document(document, counter) for document in segmented]
    original_tokens = counter.count(render_context(segmented, _all_words(segmented), range(len(segmented))))
    target = settings.target_tokens or target_from_rate(settings.rate or 1.0, original_tokens)
    return _Given(documents, segmented, tokens, original_tokens, target)


def _usable(given: _Given, method: Method, counter: TokenCounter) -> _Usable:
    """Where something must go, leave out copies and units that are larger than the budget.

    Not with the papers' methods: they keep words, and their formulas need every document.
    """
    if given.fits:
        return _Usable(given.segmented, given.tokens, {}, [])
    copies: dict[int, int] = {}
    if method.whole_units:
        # A document with protected words must survive, so it is no copy of another.
        texts = {
            position: document.document.text
            for position, document in enumerate(given.segmented)
            if not any(word.protected for word in document.words)
        }
        copies = find_copies(texts)
    largest_unit = given.target if method.whole_units else None
    documents, tokens, oversize = worth_reading(given.segmented, given.tokens, copies, largest_unit, counter.count)
    return _Usable(documents, tokens, copies, oversize)


def _select(
    call: Call, given: _Given, usable: _Usable, scorer: Scorer, counter: TokenCounter, clock: Clock
) -> _Selection:
    """Rank the documents, score their pieces and fit these to the budget: each only where it is needed."""
    method, settings, documents = call.method, call.settings, usable.documents
    masks = _all_words(documents)
    marks = Marks(settings.gap_marker, _CUT_MARKER if method.whole_units and settings.fragments else None)
    order_name = settings.order or method.default_order
    ranking = None
    pruned = method.thresholds and settings.threshold is not None
    with clock.stage("rank"):
        if documents and (not given.fits or order_name != "original" or pruned):
            task = Task(documents, usable.tokens, given.target, call.question, settings, scorer, clock.progress)
            ranking = method.rank(task)
        relevance = ranking.relevance if ranking else None
        order = arrange(relevance or [0.0] * len(documents), order_name)
    # In another order the same documents can take a token more, where a text meets a separator.
    if ranking is None or (not pruned and counter.count(render_context(documents, masks, order)) <= given.target):
        return _Selection(relevance, order, masks, None, marks)
    with clock.stage("score"):
        pieces = ranking.pieces(order)
    with clock.stage("fit"):
        choice = fit(
            documents,
            order,
            pieces,
            given.target,
            counter.count,
            marks=marks,
            separators=method.whole_units,
            margin=method.margin,
        )
    return _Selection(relevance, order, choice.masks, choice, marks)


def _result(
    call: Call,
    given: _Given,
    usable: _Usable,
    selection: _Selection,
    scorer: Scorer,
    counter: TokenCounter,
    clock: Clock,
) -> CompressionResult:
    """The context, and the account of what became of each document."""
    documents, choice, relevance = usable.documents, selection.choice, selection.relevance
    with clock.stage("render"):
        context = render_context(documents, selection.masks, selection.order, selection.marks)
        instead = kept_instead(documents, choice)
        compressed = [
            compressed_document(
                documents[position],
                selection.masks[position],
                None if relevance is None else relevance[position],
                usable.tokens[position],
                counter.count,
                selection.marks,
                instead[position],
            )
            for position in selection.order
        ]
        ranked = {document.index for document in documents}
        compressed += dropped_documents(given.segmented, given.tokens, ranked, usable.copies)
        compressed.sort(key=lambda document: not document.kept)  # dropped documents last
        prompt = render_prompt(call.instruction, context, call.question)
        compressed_tokens = counter.count(context)
    units = left_out(documents, choice, usable.oversize, counter.count)
    notes = notes_of(given.target, compressed_tokens, compressed, choice, units, usable.oversize)
    is_short = (choice is not None and choice.best_is_missed) or not context
    _log(notes, is_short)
    return CompressionResult(
        prompt=prompt,
        context=context,
        documents=compressed,
        skipped=given.documents.skipped,
        repaired=given.documents.repaired,
        question=call.question,
        instruction=call.instruction,
        method=call.method_name,
        model=scorer.name if relevance and call.method.needs_model else None,
        tokenizer=counter.name,
        target_tokens=given.target,
        original_tokens=given.original_tokens,
        compressed_tokens=compressed_tokens,
        left_out=units,
        smallest_useful_budget=units[0].budget if units and is_short else None,
        notes=notes,
        seconds=clock.seconds,
    )


def _log(notes: Sequence[str], is_short: bool) -> None:
    """Log the notes; the first one is a warning if the budget is too small, for it says which budget is needed."""
    for number, note in enumerate(notes):
        _notes_logger.log(logging.WARNING if is_short and not number else logging.INFO, "%s", note)


def _all_words(documents: Sequence[SegmentedDocument]) -> list[np.ndarray]:
    return [np.ones(len(document.words), dtype=bool) for document in documents]


def _count_document(segmented: SegmentedDocument, counter: TokenCounter) -> int:
    """The tokens of a document with its title, counted once."""
    counts = segmented.cache.token_counts
    if counter not in counts:
        counts[counter] = counter.count(with_title(segmented.title, segmented.document.text))
    return counts[counter]
