"""One row of a corpus in, one row out. No file is read or written here, and no row is ever lost.

A row that cannot be compressed comes out as a `BadRow`: what was wrong, and the original as it stood.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tersely import (
    Compressor,
    InvalidInputError,
    ModelError,
    RepairedDocument,
    SkippedDocument,
    Span,
    TerselyError,
)
from tersely.documents import Metadata
from tersely.input import check_text
from tersely.outcomes import LeftOut
from tersely_batch.input_files import read_document

# What a row of documents may set for itself, as in `Compressor.compress`. In a row that is a plain document these
# names are the corpus' own and mean nothing here.
_ARGUMENTS = ("question", "rate", "target_tokens", "method", "order", "protect", "instruction")


class SourceRow(NamedTuple):
    """A row as it stands in a file, not looked at yet.

    Attributes:
        file: the file's name.
        number: the row's place in it, from 1; in a JSONL file the line's.
        read: gives its value; may raise what it likes.
        original: gives it as it stood: as text, or as bytes where it is none.
    """

    file: str
    number: int
    read: Callable[[], Any]
    original: Callable[[], str | bytes]


class _OutputRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptDocument(_OutputRow):
    """What became of a document of a row.

    Attributes:
        index: its place in the row's list, from 0.
        id, title: the caller's.
        kept: the characters of its text that were kept, in order.
        original_tokens, compressed_tokens: of title and text; 0 after where it was dropped.
        relevance, short_title, instead, copy_of: as in `tersely.CompressedDocument`.
    """

    index: int
    id: str | None
    title: str | None
    kept: list[Span]
    original_tokens: int
    compressed_tokens: int
    relevance: float | None
    short_title: str | None
    instead: list[Span]
    copy_of: int | None


class CompressedRow(_OutputRow):
    """A row of the output.

    Attributes:
        file, row: where the original stands: the file's name and the row's number in it, from 1.
        id: the caller's.
        context: the compressed documents.
        prompt: instruction, context and question.
        question, method, model, tokenizer, target_tokens, original_tokens, compressed_tokens, left_out,
            smallest_useful_budget, notes, skipped, repaired: as in `tersely.CompressionResult`.
        documents: in the order of the context; those of which nothing was kept come last.
        metadata: what else the row held.
    """

    file: str
    row: int
    id: str | None
    context: str
    prompt: str
    question: str | None
    method: str
    model: str | None
    tokenizer: str
    target_tokens: int
    original_tokens: int
    compressed_tokens: int
    left_out: list[LeftOut]
    smallest_useful_budget: int | None
    notes: list[str]
    documents: list[KeptDocument]
    skipped: list[SkippedDocument]
    repaired: list[RepairedDocument]
    metadata: Metadata = Field(default_factory=dict)


class BadRow(_OutputRow):
    """A row that could not be compressed.

    Attributes:
        file, row, id: as in `CompressedRow`.
        error: what was wrong.
        original: the row as it stood, one line of JSON where it was JSON.
        original_base64: instead of it, where the row is no text: a line's bytes, or a Parquet row as an Arrow stream.
    """

    file: str
    row: int
    id: str | None
    error: str
    original: str | None = None
    original_base64: str | None = None


def compress_row(
    compressor: Compressor, source: SourceRow, question: str | None, instruction: str | None
) -> CompressedRow | BadRow:
    """Compress one row.

    Args:
        compressor: with the settings for rows that have none of their own.
        source: `{"documents": [...]}` is compressed as one prompt, `{"text": ...}` as one document.
        question, instruction: for rows that have none of their own.

    Raises:
        ModelError, OSError, MemoryError: the fault is not the row's, and others would fail as well.
    """
    value: Any = None
    try:
        value = source.read()
        request = _read_request(value)
        for key in request.metadata:
            check_text(str(key), "a key of the row")
        arguments = {"question": question, "instruction": instruction, **request.arguments}
        result = compressor.compress(request.documents, **arguments)
        return CompressedRow(
            file=source.file,
            row=source.number,
            id=request.id,
            context=result.context,
            prompt=result.prompt,
            question=result.question,
            method=result.method,
            model=result.model,
            tokenizer=result.tokenizer,
            target_tokens=result.target_tokens,
            original_tokens=result.original_tokens,
            compressed_tokens=result.compressed_tokens,
            left_out=result.left_out,
            smallest_useful_budget=result.smallest_useful_budget,
            notes=result.notes,
            documents=[
                KeptDocument(
                    index=document.index,
                    id=document.document.id,
                    title=document.document.title,
                    kept=document.kept,
                    original_tokens=document.original_tokens,
                    compressed_tokens=document.compressed_tokens,
                    relevance=document.relevance,
                    short_title=document.short_title,
                    instead=document.instead,
                    copy_of=document.copy_of,
                )
                for document in result.documents
            ],
            skipped=result.skipped,
            repaired=result.repaired,
            metadata=request.metadata,
        )
    except (ModelError, OSError, MemoryError):
        raise
    except Exception as error:  # whatever a row can bring about must not stop the others
        message = str(error) if isinstance(error, TerselyError) else f"{type(error).__name__}: {error}"
        return _bad_row(source, _own_id(value), message)


class _Request(NamedTuple):
    id: str | None
    documents: list[Any]
    arguments: dict[str, Any]
    metadata: dict[Any, Any]


def _read_request(value: Any) -> _Request:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f'a row must be an object with "text" or "documents", not {repr(value)[:40]}')
    row = {key: entry for key, entry in value.items() if entry is not None}  # a column that has no value here
    if "documents" not in row:
        document = read_document(_without_nulls(row), "the row")
        return _Request(document.id and _writable(document.id), [document], {}, document.metadata)
    if "text" in row:
        raise InvalidInputError('a row holds either "documents" or "text", not both')
    documents = row.pop("documents")
    if not isinstance(documents, list):
        raise InvalidInputError(f'"documents" must be a list, got {repr(documents)[:60]}')
    identifier = row.pop("id", None)
    if identifier is not None and _own_id(value) is None:
        raise InvalidInputError(f'"id" must be a string or a number, got {repr(identifier)[:60]}')
    arguments = {name: row.pop(name) for name in _ARGUMENTS if name in row}
    metadata = row.pop("metadata", None) or {}
    if not isinstance(metadata, Mapping):
        raise InvalidInputError(f'"metadata" must be an object, got {repr(metadata)[:60]}')
    return _Request(
        _own_id(value),
        [_read_entry(entry, f"documents[{index}]") for index, entry in enumerate(documents)],
        arguments,
        {**row, **metadata},
    )


def _read_entry(entry: Any, name: str) -> Any:
    """A document of a row; what is none as it stands, for the compressor to say so and to go on with the others."""
    try:
        return read_document(_without_nulls(entry), name)
    except InvalidInputError:
        return entry


def _without_nulls(value: Any) -> Any:
    """A table has a null wherever a row does not have what others have."""
    return {key: entry for key, entry in value.items() if entry is not None} if isinstance(value, Mapping) else value


def _own_id(value: Any) -> str | None:
    """A row's id, where it has a usable one."""
    identifier = value.get("id") if isinstance(value, Mapping) else None
    if isinstance(identifier, bool) or not isinstance(identifier, (str, int, float)):
        return None
    return _writable(str(identifier))


def _writable(text: str) -> str:
    """A lone surrogate, which JSON can name and no file can hold, by its name."""
    return text.encode(errors="backslashreplace").decode()


def _bad_row(source: SourceRow, identifier: str | None, message: str) -> BadRow:
    original = source.original()
    return BadRow(
        file=source.file,
        row=source.number,
        id=identifier,
        error=_writable(message),
        original=original if isinstance(original, str) else None,
        original_base64=None if isinstance(original, str) else base64.b64encode(original).decode(),
    )
