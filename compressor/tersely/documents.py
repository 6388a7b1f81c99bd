"""What goes in and what comes out: plain, typed, serialisable values. No logic but their own arithmetic."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, computed_field, model_validator
from pydantic_core import to_jsonable_python

# The reason for which a document is skipped that has no text at all.
NO_TEXT = "empty or only white space"


class Span(NamedTuple):
    """Characters `start` up to but not including `end` of a document's text."""

    start: int
    end: int


def _jsonable(value: Any) -> Any:
    try:
        plain = to_jsonable_python(value, fallback=str, inf_nan_mode="strings")
        json.dumps(plain, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):  # bytes that are no text, a cycle, a lone surrogate
        return ascii(value)
    return plain


Metadata = Annotated[
    dict[Any, Any],
    # In JSON, what has no JSON form is written as its text.
    PlainSerializer(lambda metadata: {str(key): _jsonable(value) for key, value in metadata.items()}, when_used="json"),
]


class Document(BaseModel):
    """A retrieved document.

    Attributes:
        text: what may be compressed.
        title: a heading that is kept, whole, with whatever is kept of the text, and counts toward the budget.
        id: the caller's name for it, passed through.
        metadata: the caller's own, passed through untouched and never read.
        keep: the whole text must survive.
        keep_passages: parts of the text that must survive, each as its exact words or as a `Span`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    title: str | None = None
    id: str | None = Field(default=None, coerce_numbers_to_str=True)
    metadata: Metadata = Field(default_factory=dict)
    keep: bool = False
    keep_passages: tuple[str | Span, ...] = ()

    @model_validator(mode="after")
    def _passages_stand_in_the_text(self) -> Document:
        for passage in self.keep_passages:
            if isinstance(passage, str) and (not passage or passage not in self.text):
                raise ValueError(f"keep_passages: {passage!r} does not stand in the text")
            if isinstance(passage, Span) and not 0 <= passage.start < passage.end <= len(self.text):
                raise ValueError(f"keep_passages: {passage} lies outside the text of {len(self.text)} characters")
        return self

    @property
    def kept_spans(self) -> list[Span]:
        """Where the text that must survive stands: all of it, and every occurrence of every passage."""
        if self.keep:
            return [Span(0, len(self.text))]
        spans = []
        for passage in self.keep_passages:
            if isinstance(passage, Span):
                spans.append(passage)
                continue
            start = self.text.find(passage)
            while start >= 0:
                spans.append(Span(start, start + len(passage)))
                start = self.text.find(passage, start + len(passage))
        return spans


class SkippedDocument(BaseModel):
    """A document that could not be used and was left out of the context.

    Attributes:
        index: its position in the caller's list, from 0.
        id: the caller's name for it.
        reason: why, in words.
    """

    index: int
    id: str | None = None
    reason: str

    @property
    def has_no_text(self) -> bool:
        """Whether there is nothing in it to compress, and so nothing wrong with it either."""
        return self.reason == NO_TEXT


class RepairedDocument(BaseModel):
    """A document with characters that are no text, each of which became U+FFFD.

    Attributes:
        index: its position in the caller's list, from 0.
        id: the caller's name for it, repaired as well.
        reason: how many they were, and where, in words.
    """

    index: int
    id: str | None = None
    reason: str


class LeftOut(BaseModel):
    """A unit, such as a sentence or a row, that was worth keeping and did not fit.

    Attributes:
        index: its document's position in the caller's list, from 0.
        id: the caller's name for that document.
        span: where it stands in the document's text.
        tokens: about what it would have added to the context.
        budget: the smallest that holds it, next to what must be kept.
        relevance: on the scale of the documents' relevance; None where it was not read, for it is larger than the whole
            budget.
    """

    index: int
    id: str | None = None
    span: Span
    tokens: int
    budget: int
    relevance: float | None = None


class CompressedDocument(BaseModel):
    """What became of one document.

    Attributes:
        index: its position in the caller's list, from 0.
        document: the original.
        kept: the characters of `document.text` that were kept, in order; joined, they are `text` but for gap markers.
        text: what was kept, with the gap marker, if one is set, where something is missing; empty where the document
            was dropped.
        relevance: the coarse stage's value, higher is kept first: for `evidence` the logarithm of the odds, but for a
            constant, that its best unit is evidence, for `salience` the log of what its best unit is worth, for
            `longllmlingua` how likely the document makes the question, for `llmlingua` the log of its perplexity; None
            where nothing had to be ranked.
        original_tokens: tokens of title and text before.
        compressed_tokens: tokens of title and kept text after; 0 where the document was dropped.
        short_title: stands in the context in place of a title that is too long for the budget.
        instead: the characters that were kept though a better unit, anywhere, had not fit.
        copy_of: position of the document that says all that this one says, which was therefore dropped.
    """

    index: int
    document: Document
    kept: list[Span]
    text: str
    relevance: float | None = None
    original_tokens: int
    compressed_tokens: int
    short_title: str | None = None
    instead: list[Span] = Field(default_factory=list)
    copy_of: int | None = None

    @property
    def dropped(self) -> list[Span]:
        """The characters of `document.text` that were dropped, in order."""
        edges = [0, *(edge for span in self.kept for edge in span), len(self.document.text)]
        return [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]

    @property
    def account(self) -> dict[str, Any]:
        """What was kept and what it cost, as plain values for a framework's metadata."""
        account: dict[str, Any] = {
            "kept": [list(span) for span in self.kept],
            "original_tokens": self.original_tokens,
            "compressed_tokens": self.compressed_tokens,
            "relevance": self.relevance,
        }
        if self.instead:
            account["instead"] = [list(span) for span in self.instead]
        if self.copy_of is not None:
            account["copy_of"] = self.copy_of
        return account


class RecoveredPhrase(BaseModel):
    """A phrase of an answer and the original text that it came from.

    Attributes:
        answer: where the phrase stands in the answer.
        phrase: its words there.
        index: the document's position in the caller's list.
        id: the caller's name for that document.
        span: where the original stands in the document's text.
        original: the original's words, with what compression had dropped between them.
    """

    answer: Span
    phrase: str
    index: int
    id: str | None
    span: Span
    original: str


class RecoveredAnswer(BaseModel):
    """An answer traced to the original documents.

    Attributes:
        text: the answer with each traced phrase in its original words.
        phrases: the phrases that were traced, in the answer's order.
    """

    text: str
    phrases: list[RecoveredPhrase]


class CompressionResult(BaseModel):
    """A compressed prompt and the account of how it came about. `model_dump_json` and `model_validate_json` round-trip.

    Attributes:
        prompt: instruction, context and question, ready for an LLM.
        context: the documents' part of it, the only part that is compressed and counted.
        documents: every usable document in the order of the context; those of which nothing was kept come last.
        skipped: documents that could not be used.
        repaired: documents that could be used once what is no text was replaced.
        question, instruction: as given.
        method, model, tokenizer: names of what did the work. The model is None where it had nothing to score.
        target_tokens: the budget.
        original_tokens: tokens of the context had nothing been dropped.
        compressed_tokens: tokens of `context`; never above `target_tokens`.
        left_out: the best units that did not fit, best first.
        smallest_useful_budget: tokens that would hold the best unit, where the budget does not.
        notes: what a reader of the context should know, in words and with the numbers: why a part of the budget is
            unused, what was too large, shortened, repaired or a copy.
        seconds: stage -> wall-clock seconds.
    """

    prompt: str
    context: str
    documents: list[CompressedDocument]
    skipped: list[SkippedDocument] = []
    repaired: list[RepairedDocument] = []
    question: str | None = None
    instruction: str | None = None
    method: str
    model: str | None = None
    tokenizer: str
    target_tokens: int
    original_tokens: int
    compressed_tokens: int
    left_out: list[LeftOut] = []
    smallest_useful_budget: int | None = None
    notes: list[str] = []
    seconds: dict[str, float]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def unused_tokens(self) -> int:
        """The part of the budget that is not used."""
        return self.target_tokens - self.compressed_tokens

    @computed_field  # type: ignore[prop-decorator]
    @property
    def rate(self) -> float:
        """Compressed / original tokens."""
        return self.compressed_tokens / self.original_tokens if self.original_tokens else 1.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ratio(self) -> float | None:
        """Original / compressed tokens; None where nothing is left."""
        return self.original_tokens / self.compressed_tokens if self.compressed_tokens else None

    def left(
        self, stays: Callable[[CompressedDocument], bool] = lambda document: False
    ) -> list[CompressedDocument | SkippedDocument]:
        """What a pipeline goes on with: documents in the order of the context, without those of which nothing is kept.

        A document without text, which has nothing to compress, stands after as many as are left of those before it.
        One that is skipped for another reason is not left.

        Args:
            stays: whether a document is left though nothing of its text is, since it has more than text.
        """
        left: list[CompressedDocument | SkippedDocument] = [one for one in self.documents if one.kept or stays(one)]
        compressed = [one.index for one in left]
        for number, skipped in enumerate(skipped for skipped in self.skipped if skipped.has_no_text):
            left.insert(number + sum(index < skipped.index for index in compressed), skipped)
        return left

    def account_of(self, document: CompressedDocument) -> dict[str, Any]:
        """The account of one of `documents` for a framework's metadata, with what was repaired in it."""
        reasons = [repaired.reason for repaired in self.repaired if repaired.index == document.index]
        return {**document.account, **({"repaired": reasons[0]} if reasons else {})}

    def recover(self, answer: str) -> RecoveredAnswer:
        """Trace an answer's phrases to the original documents (LongLLMLingua, section 4.4)."""
        from tersely.recovery import recover

        return recover(self.documents, answer)

    def _repr_html_(self) -> str:
        from tersely.report import html_fragment

        return html_fragment(self)
