"""Footnotes: a block with the mark of a note needs the note, and the note is kept only as context."""

from __future__ import annotations

from collections import defaultdict

import regex

from tersely.text.outline import Outline

_SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹"
# The mark at the beginning of a note.
NOTE = regex.compile(
    rf"[ \t]*(?:\[\^(?P<name>[^\]\s]{{1,40}})\]:|(?P<sign>[{_SUPERSCRIPT}]{{1,3}}|[†‡§¶]|\\\*)(?!\w)[ \t]?(?=\S))"
)
_LINE_NOTE = regex.compile(rf"^{NOTE.pattern}", regex.M)
# The mark in a text that refers to a note: right after a word, a number or a closing sign.
_REFERENCE = regex.compile(
    rf"\[\^(?P<name>[^\]\s]{{1,40}})\](?!:)|(?<=[\w.,;%)\]\"”])(?P<sign>[{_SUPERSCRIPT}]{{1,3}}|[†‡¶]|\\?\*(?![*\w]))"
)
_POWERS = frozenset("²³")  # after `m` these mean square and cubic metres


def tie_notes(outline: Outline) -> None:
    """Let each block need the notes that it refers to, and keep these notes only as context."""
    if not _LINE_NOTE.search(outline.text):
        return
    notes: dict[str, int] = {}
    for position, block in enumerate(outline.blocks):
        match = NOTE.match(outline.text, block.start, block.end)
        if match:
            notes.setdefault(_mark(match), position)
    references: defaultdict[int, set[int]] = defaultdict(set)
    for position, block in enumerate(outline.blocks):
        if position in notes.values():
            continue
        for match in _REFERENCE.finditer(outline.text, block.start, block.end):
            note = notes.get(_mark(match))
            if note is not None and not (match["sign"] in _POWERS and outline.text[match.start() - 1] == "m"):
                references[note].add(position)
    for note, positions in references.items():
        outline.only_as_context(note)
        for position in positions:
            outline.add_needs(position, note)


def _mark(match: regex.Match[str]) -> str:
    name, sign = match.group("name", "sign")
    return str(name or sign.lstrip("\\"))
