"""The body that goes upstream: the client's own, character by character, but for marks and marked text.

What becomes of a message depends on it and on those before it alone, so that it is the same whatever follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tersely_server.proxy.json_source import Change, Path, Splice, changed
from tersely_server.proxy.marked_context import MARK, MarkedRequest

# Stands for the text of a message or part that has to stay though nothing of its text did: some APIs refuse empty ones.
OMITTED = "[...]"


def without_marks(source: str, marked: MarkedRequest) -> str:
    """The request without the objects that are Tersely's own.

    Args:
        source: the JSON of `marked.body`.
        marked: the request, its marks read.
    """
    return changed(source, dict.fromkeys(marked.marks))


def with_texts(source: str, marked: MarkedRequest, texts: Sequence[str]) -> str:
    """The request without Tersely's own objects, and with other texts in the places of the marked ones.

    A part of which nothing is left is taken out, and so is a message, where it carries nothing else and follows one of
    its role, so that roles go on taking turns. Otherwise `OMITTED` stands in its place.

    Args:
        source: the JSON of `marked.body`.
        marked: the request, its marks read.
        texts: one for each of `marked.texts`.
    """
    splices: dict[int, dict[int | None, list[Splice]]] = {}
    for old, text in zip(marked.texts, texts, strict=True):
        if text != old.text:
            splice = Splice(old.place.start, old.place.end, text)
            splices.setdefault(old.place.message, {}).setdefault(old.place.part, []).append(splice)
    changes: dict[Path, Change] = dict.fromkeys(marked.marks)
    role_before = None
    for number, message in enumerate(marked.body["messages"] if splices else ()):
        within = _changes(message, splices[number]) if number in splices else {}
        if within is None:
            if message.keys() <= {"role", "content", MARK} and message.get("role") == role_before is not None:
                changes["messages", number] = None
                continue
            within = _omitted(message)
        changes |= {("messages", number, "content", *path): change for path, change in within.items()}
        role_before = message.get("role") if isinstance(message, Mapping) else None
    return changed(source, changes)


def _changes(message: Mapping[str, Any], splices: Mapping[int | None, list[Splice]]) -> dict[Path, Change] | None:
    """The changes of a message's content; None where nothing of it is left."""
    content = message["content"]
    if isinstance(content, str):
        return {(): splices[None]} if _left(content, splices[None]) else None
    changes: dict[Path, Change] = {}
    for index, part in enumerate(content):
        if index not in splices:
            continue
        if _left(part["text"], splices[index]):
            changes[index, "text"] = splices[index]
        elif part.keys() <= {"type", "text", MARK}:
            changes[(index,)] = None
        else:
            changes[index, "text"] = [_omission(part["text"])]
    cut = sum(change is None for change in changes.values())
    return changes if cut < len(content) else None


def _omitted(message: Mapping[str, Any]) -> dict[Path, Change]:
    """The changes of a content of which nothing is left."""
    content = message["content"]
    if isinstance(content, str):
        return {(): [_omission(content)]}
    others: dict[Path, Change] = {(index,): None for index in range(1, len(content))}
    return {(0, "text"): [_omission(content[0]["text"])], **others}


def _omission(text: str) -> Splice:
    return Splice(0, len(text), OMITTED)


def _left(text: str, splices: Sequence[Splice]) -> bool:
    """Whether more than white space is left of a text."""
    if any(splice.text.strip() for splice in splices):
        return True
    kept, end_of_last = "", 0
    for splice in splices:
        kept += text[end_of_last : splice.start]
        end_of_last = splice.end
    return bool((kept + text[end_of_last:]).strip())
