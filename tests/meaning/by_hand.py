"""Contexts that a person wrote: what the checks must find right, and what they must find wrong."""

from __future__ import annotations

from dataclasses import dataclass

from meaning.checks import text_of
from meaning.inputs import INPUTS


@dataclass(frozen=True)
class ByHand:
    name: str  # of the input
    what: str
    context: str
    is_right: bool


def right(name: str, what: str, *lines: str) -> ByHand:
    return ByHand(name, what, "\n".join(lines), is_right=True)


def wrong(name: str, what: str, *lines: str) -> ByHand:
    return ByHand(name, what, "\n".join(lines), is_right=False)


def document_of(name: str) -> str:
    (document,) = next(entry.documents for entry in INPUTS if entry.name == name)
    return text_of(document)


def between(text: str, start: str, end: str) -> str:
    """A part of a text, from where it begins to where the next one does."""
    return text[text.index(start) : text.index(end)]
