"""What goes in: documents as the caller gives them. Plain, typed, serialisable values."""

from __future__ import annotations

import json
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_core import to_jsonable_python


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
