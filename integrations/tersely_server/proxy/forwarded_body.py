"""The body that goes upstream: the client's own, character by character, but for marks and marked text.

What becomes of a message depends on it and on those before it alone, so that it is the same whatever follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from tersely_server.proxy.conversation import Text
from tersely_server.proxy.json_source import Change, Path, Splice, changed
from tersely_server.proxy.marked_context import OMITTED, MarkedRequest


def without_marks(source: str, marked: MarkedRequest) -> str:
    """The request without the objects that are Tersely's own.

    Args:
        source: its JSON.
        marked: the request, its marks read.
    """
    return changed(source, dict.fromkeys(marked.marks))


def with_texts(source: str, marked: MarkedRequest, texts: Sequence[str]) -> str:
    """The request without Tersely's own objects, and with other texts in the places of the marked ones.

    Where nothing is left of a text, its part or message goes, or `OMITTED` stands in its place: see `Text.cut`.

    Args:
        source: its JSON.
        marked: the request, its marks read.
        texts: one for each of `marked.texts`.
    """
    splices: dict[Text, list[Splice]] = {}
    for old, text in zip(marked.texts, texts, strict=True):
        if text != old.text:
            splices.setdefault(old.source, []).append(Splice(old.start, old.end, text))
    changes: dict[Path, Change] = dict.fromkeys(marked.marks)
    for old_text, replacements in splices.items():
        if _left(old_text.text, replacements):
            changes[old_text.path] = replacements
        elif old_text.cut is not None:
            changes[old_text.cut] = None
        else:
            changes[old_text.path] = [Splice(0, len(old_text.text), OMITTED)]
    return changed(source, changes)


def _left(text: str, splices: Sequence[Splice]) -> bool:
    """Whether more than white space is left of a text."""
    if any(splice.text.strip() for splice in splices):
        return True
    kept, end_of_last = "", 0
    for splice in splices:
        kept += text[end_of_last : splice.start]
        end_of_last = splice.end
    return bool((kept + text[end_of_last:]).strip())
