"""Input files, folders of them and standard input -> documents. Nothing is compressed or printed here.

A file is one document, except `.jsonl`, where each line is one. Files are read as UTF-8 and never changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from tersely import Document, InvalidInputError
from tersely.errors import complaint

STANDARD_INPUT = "-"
# What is taken from a folder. A file that is named itself is read whatever its suffix.
_TEXT_SUFFIXES = {".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".org", ".tex", ".jsonl"}
# Names under which RAG frameworks write a document's text and id.
_SYNONYMS = {"page_content": "text", "content": "text", "id_": "id", "doc_id": "id"}
_LISTED = 3  # skipped files or lines that a note names


def read_sources(
    sources: Iterable[str], standard_input: BinaryIO, note: Callable[[str], None], strict: bool = False
) -> list[Document]:
    """The documents of files, folders and standard input, in the order given.

    What is no text in them is left as it is: compression repairs it, or refuses it.

    Args:
        sources: paths; `-` is standard input; a folder stands for its text files, sorted by path.
        standard_input: read once, if `-` is among the sources.
        note: receives a line about what was left out of a folder, and about lines that are no documents.
        strict: raise for a line that is no document, though others are.

    Raises:
        InvalidInputError: something cannot be read; the message names the file, and the line in a `.jsonl` file.
    """
    entries: list[Document | InvalidInputError] = []
    for source in sources:
        path = Path(source)
        if source == STANDARD_INPUT:
            entries += _standard_input(standard_input)
        elif path.is_dir():
            for file in _text_files(path, note):
                entries += _file(file)
        else:
            entries += _file(path)
    documents = [entry for entry in entries if isinstance(entry, Document)]
    errors = [entry for entry in entries if isinstance(entry, InvalidInputError)]
    if errors and (strict or not documents):
        raise errors[0]
    for error in errors[:_LISTED]:
        note(f"left out {error}")
    if len(errors) > _LISTED:
        note(f"left out {len(errors) - _LISTED:,} more lines")
    return documents


def _file(path: Path) -> Sequence[Document | InvalidInputError]:
    name = os.fsencode(path).decode(errors="replace")  # a name need not be valid text, a document's id must be
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InvalidInputError(f"{name}: no such file or folder") from None
    except OSError as error:
        raise InvalidInputError(f"{name}: cannot be read ({error.strerror})") from None
    text = _decoded(data, name)
    if path.suffix == ".jsonl":
        return [_line_document(line, f"{name}:{number}") for number, line in _lines(text)]
    return [Document(text=text, id=name)]


def _standard_input(stream: BinaryIO) -> Sequence[Document | InvalidInputError]:
    """Standard input as JSONL where every line is an object with a text, else as one plain document."""
    name = "standard input"
    text = _decoded(stream.read(), name)
    lines = list(_lines(text))
    if lines and all(_has_text(line) for _, line in lines):
        return [_line_document(line, f"{name}:{number}") for number, line in lines]
    return [Document(text=text, id=STANDARD_INPUT)]


def _text_files(folder: Path, note: Callable[[str], None]) -> list[Path]:
    """The text files beneath a folder; hidden ones, binary ones and those of other suffixes are noted and left out."""
    files: list[Path] = []
    skipped: list[Path] = []
    for parent, folders, names in os.walk(folder):
        hidden = [name for name in folders if name.startswith(".")]
        folders[:] = [name for name in folders if name not in hidden]
        skipped += [Path(parent, name) for name in hidden]
        for path in (Path(parent, name) for name in names):
            usable = not path.name.startswith(".") and path.suffix.lower() in _TEXT_SUFFIXES
            usable = usable and path.is_file() and not _is_binary(path)  # not a pipe, which would never end
            (files if usable else skipped).append(path)
    if skipped:
        first = ", ".join(str(path.relative_to(folder)) for path in sorted(skipped)[:_LISTED])
        more = f" and {len(skipped) - _LISTED} more" if len(skipped) > _LISTED else ""
        note(f"{folder}: skipped what is hidden or no text file: {first}{more}")
    if not files:
        raise InvalidInputError(f"{folder}: no text files in this folder ({', '.join(sorted(_TEXT_SUFFIXES))})")
    return sorted(files)


def _is_binary(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"\0" in file.read(8192)
    except OSError:
        return False  # reading it will say what is wrong


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{name}: not UTF-8 text (byte 0x{data[error.start]:02x} at {error.start}); convert it first, "
            f"for example with iconv"
        ) from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1. Only a line feed ends one: JSON may hold other breaks."""
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def _has_text(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "text" in _renamed(value)


def _line_document(line: str, name: str) -> Document | InvalidInputError:
    """The document of a line, or what is wrong with it."""
    try:
        return read_document(json.loads(line), name)
    except InvalidInputError as error:
        return error
    except (ValueError, RecursionError) as error:
        return InvalidInputError(f"{name}: not JSON ({error})")


def read_document(value: Any, name: str) -> Document:
    """A document from an object with a text, whatever the framework that wrote it; what else it holds is metadata.

    Args:
        value: with the keys of `Document`, or those that RAG frameworks write for them.
        name: what an error calls it.

    Raises:
        InvalidInputError: it is no object, has no text, or a field cannot be used.
    """
    if not isinstance(value, dict):
        raise InvalidInputError(f'{name}: must be a JSON object with a "text", not {repr(value)[:40]}')
    value = _renamed(value)
    if "text" not in value:
        raise InvalidInputError(f'{name}: has no "text"; its keys are {", ".join(value) or "none"}')
    metadata = value.pop("metadata", None) or {}
    if not isinstance(metadata, dict):
        raise InvalidInputError(f'{name}: "metadata" must be an object')
    known = {key: value.pop(key) for key in list(value) if key in Document.model_fields}
    try:
        return Document.model_validate({**known, "metadata": {**value, **metadata}})
    except ValidationError as error:
        raise InvalidInputError(f"{name}: {complaint(error)}") from None


def _renamed(value: dict[str, Any]) -> dict[str, Any]:
    """The object with frameworks' names for text and id replaced by ours, where ours are not there."""
    renamed = dict(value)
    for theirs, ours in _SYNONYMS.items():
        if theirs in renamed and ours not in renamed:
            renamed[ours] = renamed.pop(theirs)
    return renamed
