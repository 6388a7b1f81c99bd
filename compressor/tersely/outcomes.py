"""What became of each document: plain, typed, serialisable values."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tersely.documents import Document, Span
from tersely.recovery import KeptText

# The reason for which a document is skipped that has no text at all.
NO_TEXT = "empty or only white space"


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
    def kept_text(self) -> KeptText:
        """What is needed of it to trace an answer to the original."""
        return KeptText(self.index, self.document.id, self.document.text, self.kept)

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
