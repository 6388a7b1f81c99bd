"""A caller's documents as `Document`s: what can be repaired is repaired, what cannot be used is left out, both said."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from tersely.documents import Document, Span
from tersely.errors import InvalidInputError, complaint
from tersely.outcomes import NO_TEXT, RepairedDocument, SkippedDocument

logger = logging.getLogger("tersely")

_NO_TEXT_CHARACTER = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_LISTED = 5  # documents that a warning names


class ReadDocuments(NamedTuple):
    """A caller's documents, read.

    Attributes:
        usable: with their positions in the caller's list.
        skipped: those that have no text, and those that cannot be used.
        repaired: those of the usable ones in which characters were replaced.
    """

    usable: list[tuple[int, Document]]
    skipped: list[SkippedDocument]
    repaired: list[RepairedDocument]


def read_documents(documents: Any, strict: bool = False) -> ReadDocuments:
    """A caller's documents as `Document`s with their positions; the caller's own objects are never changed.

    Where something was repaired or could not be used, a warning says so.

    Args:
        documents: a sequence of strings, `Document`s, or mappings with the keys of `Document`.
        strict: raise for a document that would be repaired, or left out though it is not empty.

    Raises:
        InvalidInputError: it is no sequence, it is empty, or no entry can be used; with `strict`, or one cannot.
    """
    if isinstance(documents, (str, bytes, Mapping, Document)) or not isinstance(documents, Iterable):
        raise InvalidInputError(f"documents must be a list of documents, got {shortened(documents)}; put it in a list")
    usable: list[tuple[int, Document]] = []
    skipped: list[SkippedDocument] = []
    repaired: list[RepairedDocument] = []
    unusable: list[SkippedDocument] = []
    for index, entry in enumerate(documents):
        try:
            document = _read_document(entry)
        except InvalidInputError as error:
            if strict:
                raise InvalidInputError(f"documents[{index}] {error}") from None
            # The reason may quote a key, which need not be text either.
            unusable.append(SkippedDocument(index=index, id=_id_of(entry), reason=repaired_text(str(error))))
            skipped.append(unusable[-1])
            continue
        if strict:
            _check_document(document, f"documents[{index}]")
        else:
            document, reason = _repaired_document(document)
            if reason:
                repaired.append(RepairedDocument(index=index, id=document.id, reason=reason))
        if document.text.strip():
            usable.append((index, document))
        else:
            skipped.append(SkippedDocument(index=index, id=document.id, reason=NO_TEXT))
    if not usable and not skipped:
        raise InvalidInputError("documents is empty: there is nothing to compress; give at least one document")
    if unusable and not usable:
        raise InvalidInputError(f"documents[{unusable[0].index}] {unusable[0].reason}")
    _warn(unusable, repaired)
    return ReadDocuments(usable, skipped, repaired)


def check_text(text: Any, name: str) -> None:
    """Refuse what no tokenizer can read.

    Raises:
        InvalidInputError: `text` is no string, or has a NUL byte or a lone surrogate; the message says where.
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"{name} must be a string, got {shortened(text)}")
    nul = text.find("\0")
    if nul >= 0:
        raise InvalidInputError(f"{name} has a NUL byte at character {nul}; remove it, or decode the file as text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{name} has a lone surrogate {text[error.start]!a} at character {error.start}, which is not valid text; "
            f"decode it with errors='replace', or replace the character"
        ) from None


def repaired_text(text: str) -> str:
    """The text with U+FFFD for every character that no tokenizer can read; all others stay where they are."""
    return _NO_TEXT_CHARACTER.sub(_REPLACEMENT, text)


def shortened(value: Any) -> str:
    """A value for an error message: its type and the beginning of how it is written."""
    shown = repr(value)
    return f"{type(value).__name__} {shown if len(shown) <= 60 else shown[:57] + '...'}"


def _read_document(entry: Any) -> Document:
    """The entry as it stands. An error says what is wrong with it, and leaves its place to be put before."""
    if isinstance(entry, str):
        return Document(text=entry)
    if isinstance(entry, Document):
        return entry
    if not isinstance(entry, Mapping):
        raise InvalidInputError(
            f"must be a string, a Document or a mapping with the key 'text', got {shortened(entry)}"
        )
    keys = f"its keys may be {', '.join(Document.model_fields)}"
    if "text" not in entry:
        raise InvalidInputError(f'has no "text" but {", ".join(map(str, entry)) or "nothing"}; {keys}')
    try:
        return Document.model_validate(dict(entry))
    except ValidationError as error:
        raise InvalidInputError(f"cannot be read ({complaint(error)}); {keys}") from None


def _check_document(document: Document, name: str) -> None:
    check_text(document.text, name)
    check_text(document.title or "", f"the title of {name}")
    check_text(document.id or "", f"the id of {name}")


def _repaired_document(document: Document) -> tuple[Document, str]:
    """The document, its passages still in its text, and what was replaced in it; nothing for nearly all."""
    reasons = [
        _reason(name, text)
        for name, text in (("text", document.text), ("title", document.title), ("id", document.id))
        if text and _NO_TEXT_CHARACTER.search(text)
    ]
    if not reasons:
        return document, ""
    passages = tuple(
        passage if isinstance(passage, Span) else repaired_text(passage) for passage in document.keep_passages
    )
    changes = {
        "text": repaired_text(document.text),
        "title": document.title and repaired_text(document.title),
        "id": document.id and repaired_text(document.id),
        "keep_passages": passages,
    }
    return document.model_copy(update=changes), "; ".join(reasons)


def _reason(name: str, text: str) -> str:
    places = [(match[0], match.start()) for match in _NO_TEXT_CHARACTER.finditer(text)]
    character, start = places[0]
    what = "NUL byte" if character == "\0" else f"lone surrogate {character!a}"
    if len(places) == 1:
        return f"a {what} at character {start} of the {name} became U+FFFD"
    return f"{len(places):,} characters of the {name} that are no text became U+FFFD, first a {what} at {start}"


def _warn(unusable: Sequence[SkippedDocument], repaired: Sequence[RepairedDocument]) -> None:
    """One warning for the call, where there is something to say."""
    named = [
        f"documents[{document.index}]{f' ({document.id})' if document.id else ''} {said}{document.reason}"
        for said, documents in (("is left out: it ", unusable), ("is repaired: ", repaired))
        for document in documents
    ]
    if named:
        more = f"; and {len(named) - _LISTED:,} more" if len(named) > _LISTED else ""
        logger.warning("%s%s", "; ".join(named[:_LISTED]), more)


def _id_of(entry: Any) -> str | None:
    """The name of an entry that cannot be used, where it has one."""
    identifier = entry.get("id") if isinstance(entry, Mapping) else None
    return repaired_text(str(identifier)) if isinstance(identifier, (str, int, float)) else None
