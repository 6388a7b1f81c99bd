"""Finds the text that a chat request marks as context, and puts other text in its place. No HTTP, no model.

What is not marked never changes. Text is marked by

- `"tersely": {...}` on a content part of type `text`, or on a message: all of its text;
- the role of its message, where one is configured;
- a tag around it, such as `<context>` ... `</context>`, where one is configured, in any message but the assistant's:
  what a model said is not the caller's mark. Inside text that is marked as a whole, a tag is text.

`"tersely": {...}` at the top of the request marks nothing: it holds options for all of its marks. White space at the
edges of a marked text is not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tersely import CompressionSettings, InvalidInputError

MARK = "tersely"
OPTIONS = ("question", "rate", "target_tokens", "method")
# Stands for the text of a message or part that has to stay though nothing of its text did: some APIs refuse empty ones.
OMITTED = "[...]"


class Options(NamedTuple):
    """How to compress a marked text. Texts with equal options are compressed together, within one budget.

    Attributes:
        settings: the budget and, if one is asked for, the method.
        question: None where the request gives none for this text; then the request's own counts.
    """

    settings: CompressionSettings
    question: str | None = None


class Place(NamedTuple):
    """Characters `start` up to but not including `end` of a message's content, or of one of its parts' text."""

    message: int
    part: int | None
    start: int
    end: int


class MarkedText(NamedTuple):
    """One document: a text that the caller marked, where it stands, and how it is to be compressed."""

    place: Place
    text: str
    options: Options


@dataclass(frozen=True)
class MarkedRequest:
    """A chat request, its marks read.

    Attributes:
        body: the request without the marks that are Tersely's own keys; all else as it was.
        texts: the marked texts, in the order of the request.
        question: what the last user message with text that is not marked says; None where there is none.
    """

    body: dict[str, Any]
    texts: list[MarkedText]
    question: str | None

    def groups(self) -> dict[Options, list[int]]:
        """What to compress together: options, with their question, and the positions in `texts` that share them."""
        groups: dict[Options, list[int]] = {}
        for position, text in enumerate(self.texts):
            options = text.options._replace(question=text.options.question or self.question)
            groups.setdefault(options, []).append(position)
        return groups

    def with_texts(self, texts: Sequence[str]) -> dict[str, Any]:
        """The request with other texts in the places of the marked ones.

        A part of which nothing is left is taken out, and so is a message, where it carries nothing else and its
        neighbour has its role, so that roles go on taking turns. Otherwise `OMITTED` stands in its place.

        Args:
            texts: one for each of `self.texts`.
        """
        edits: dict[int, dict[int | None, list[tuple[Place, str]]]] = {}
        for marked, text in zip(self.texts, texts, strict=True):
            place = marked.place
            edits.setdefault(place.message, {}).setdefault(place.part, []).append((place, text))
        if not edits:
            return self.body
        messages = list(self.body["messages"])
        empty = set()
        for number, parts in edits.items():
            messages[number], left = _edited(messages[number], parts)
            if not left:
                empty.add(number)
        return {**self.body, "messages": _without_empty(messages, empty)}


def read_marks(
    body: Mapping[str, Any], defaults: CompressionSettings, *, role: str | None = None, tag: str | None = None
) -> MarkedRequest:
    """Find what a chat request marks as context.

    What has not the shape of a chat request is left to the upstream to judge.

    Args:
        body: the request; it is not changed.
        defaults: the budget and method of marks that do not say their own.
        role: of messages that are context as a whole.
        tag: the name of the tag around text that is context.

    Raises:
        InvalidInputError: a mark is no object, or one of its options cannot be used, or it stands on a part that is no
            text; the message says where.
    """
    plain = dict(body)
    for_all = _options(Options(defaults), plain.pop(MARK, None), MARK)
    messages = plain.get("messages")
    texts: list[MarkedText] = []
    question = None
    if isinstance(messages, list):
        plain["messages"] = unmarked = []
        for number, message in enumerate(messages):
            reading = _Reading(number, role, tag)
            unmarked.append(reading.message(message, for_all))
            texts.extend(reading.texts)
            said = "\n".join(text.strip() for text in reading.unmarked if text.strip())
            if said and isinstance(message, Mapping) and message.get("role") == "user":
                question = said
    return MarkedRequest(plain, texts, question)


class _Reading:
    """One message being read: what is marked in it, and what is not."""

    def __init__(self, number: int, role: str | None, tag: str | None) -> None:
        self.number, self.role, self.tag = number, role, tag
        self.texts: list[MarkedText] = []
        self.unmarked: list[str] = []

    def message(self, message: Any, for_all: Options) -> Any:
        """The message without its marks."""
        if not isinstance(message, Mapping):
            return message
        plain = dict(message)
        mark = plain.pop(MARK, None)
        options = _options(for_all, mark, f"messages[{self.number}].{MARK}")
        whole = mark is not None or (self.role is not None and plain.get("role") == self.role)
        tag = None if plain.get("role") == "assistant" else self.tag
        content = plain.get("content")
        if isinstance(content, str):
            self._text(content, None, options, whole, tag)
        elif isinstance(content, list):
            plain["content"] = [
                self._part(part, index, options, whole, tag) if isinstance(part, Mapping) else part
                for index, part in enumerate(content)
            ]
        return plain

    def _part(self, part: Mapping[str, Any], index: int, options: Options, whole: bool, tag: str | None) -> Any:
        plain = dict(part)
        mark = plain.pop(MARK, None)
        where = f"messages[{self.number}].content[{index}].{MARK}"
        options = _options(options, mark, where)
        text = plain.get("text")
        if plain.get("type") == "text" and isinstance(text, str):
            self._text(text, index, options, whole or mark is not None, tag)
        elif mark is not None:
            raise InvalidInputError(
                f"{where}: only a part of type 'text' can be compressed, and this one is of type "
                f"{plain.get('type')!a}; mark the text parts"
            )
        return plain

    def _text(self, text: str, part: int | None, options: Options, whole: bool, tag: str | None) -> None:
        elements = [_Element(0, 0, len(text), len(text))] if whole else list(_tagged(text, tag)) if tag else []
        end_of_last = 0
        for element in elements:
            self.unmarked.append(text[end_of_last : element.start])
            end_of_last = element.end
            inside = text[element.text_start : element.text_end]
            stripped = inside.strip()
            if stripped:
                start = element.text_start + inside.index(stripped)
                place = Place(self.number, part, start, start + len(stripped))
                self.texts.append(MarkedText(place, stripped, options))
        self.unmarked.append(text[end_of_last:])


class _Element(NamedTuple):
    """Where a text stands, and where its tags around it begin and end."""

    start: int
    text_start: int
    text_end: int
    end: int


def _tagged(text: str, tag: str) -> Iterator[_Element]:
    """Text between an opening tag and the next closing one. A tag that is never closed marks nothing."""
    opening, closing = re.compile(rf"<{re.escape(tag)}(\s[^<>]*)?(?<!/)>"), f"</{tag}>"
    found = opening.search(text)
    while found:
        end = text.find(closing, found.end())
        if end < 0:
            return
        yield _Element(found.start(), found.end(), end, end + len(closing))
        found = opening.search(text, end + len(closing))


def _options(outer: Options, mark: Any, where: str) -> Options:
    """The options of a mark over those of what it stands in."""
    if mark is None:
        return outer
    if not isinstance(mark, Mapping):
        raise InvalidInputError(f'{where}: must be an object, such as {{}} or {{"rate": 0.25}}, got {mark!a:.60}')
    unknown = [name for name in mark if name not in OPTIONS]
    if unknown:
        raise InvalidInputError(f"{where}: there is no option {unknown[0]!a:.60}; there are {', '.join(OPTIONS)}")
    question = mark.get("question")
    if question is not None and not (isinstance(question, str) and question.strip()):
        raise InvalidInputError(f"{where}: question: must be a text that is not empty, got {question!a:.60}")
    try:
        settings = outer.settings.overridden(**{name: mark.get(name) for name in OPTIONS if name != "question"})
    except InvalidInputError as error:
        raise InvalidInputError(f"{where}: {error}") from None
    return Options(settings, question or outer.question)


def _edited(
    message: dict[str, Any], edits: Mapping[int | None, list[tuple[Place, str]]]
) -> tuple[dict[str, Any], bool]:
    """The message with its new texts, and whether anything is left of its content."""
    content = message["content"]
    if isinstance(content, str):
        text = _spliced(content, edits[None])
        return {**message, "content": text or OMITTED}, bool(text)
    parts = []
    for index, part in enumerate(content):
        if index in edits:
            text = _spliced(part["text"], edits[index])
            if not text and part.keys() <= {"type", "text"}:
                continue
            part = {**part, "text": text or OMITTED}
        parts.append(part)
    return {**message, "content": parts or [{"type": "text", "text": OMITTED}]}, bool(parts)


def _spliced(text: str, edits: list[tuple[Place, str]]) -> str:
    """The text with its edits made; empty where only white space is left."""
    pieces, end_of_last = [], 0
    for place, new in edits:
        pieces += [text[end_of_last : place.start], new]
        end_of_last = place.end
    spliced = "".join([*pieces, text[end_of_last:]])
    return spliced if spliced.strip() else ""


def _without_empty(messages: list[Any], empty: set[int]) -> list[Any]:
    left: list[Any] = []
    for number, message in enumerate(messages):
        if number in empty and message.keys() <= {"role", "content"}:
            neighbours = left[-1:] + messages[number + 1 : number + 2]
            if any(isinstance(one, Mapping) and one.get("role") == message.get("role") for one in neighbours):
                continue
        left.append(message)
    return left
