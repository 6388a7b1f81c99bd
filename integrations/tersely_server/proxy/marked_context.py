"""Finds the text that a chat request marks as context. Changes nothing; no HTTP, no model.

Text is marked by

- `"tersely": {...}` on a content part of type `text`, or on a message: all of its text;
- the role of its message, where one is configured;
- a tag around it, such as `<context>` ... `</context>`, where one is configured, in any message but the assistant's:
  what a model said is not the caller's mark. Inside text that is marked as a whole, a tag is text.

`"tersely": {...}` at the top of the request marks nothing: it holds options for all of its marks. White space at the
edges of a marked text is not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tersely import CompressionSettings, InvalidInputError
from tersely_server.proxy.json_source import Path
from tersely_server.proxy.turns import Said, questions_of_turns

MARK = "tersely"
OPTIONS = ("question", "rate", "target_tokens", "method")


class Options(NamedTuple):
    """How to compress a marked text. Texts of one message with equal options are compressed within one budget.

    Attributes:
        settings: the budget and, if one is asked for, the method.
        question: decides what is kept; None where neither a mark nor the user asks anything.
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
        body: the request as it came.
        texts: the marked texts, in the order of the request.
        marks: where the objects stand that are Tersely's own.
    """

    body: Mapping[str, Any]
    texts: list[MarkedText]
    marks: list[Path]

    def groups(self) -> list[tuple[Options, list[int]]]:
        """What to compress together: options, and the positions in `texts` of one message that share them.

        Nothing that comes later in a conversation is part of it: each message is compressed the same way every time,
        and the upstream finds it in its prompt cache.
        """
        groups: dict[tuple[int, Options], list[int]] = {}
        for position, text in enumerate(self.texts):
            groups.setdefault((text.place.message, text.options), []).append(position)
        return [(options, positions) for (_, options), positions in groups.items()]


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
    for_all = _options(Options(defaults), body.get(MARK), MARK)
    marks: list[Path] = [(MARK,)] if MARK in body else []
    messages = body.get("messages")
    readings = [_Reading(number, role, tag) for number in range(len(messages) if isinstance(messages, list) else 0)]
    for reading in readings:
        reading.read(body["messages"][reading.number], for_all)
        marks.extend(reading.marks)
    questions = questions_of_turns([reading.said for reading in readings])
    texts = [
        text if text.options.question else text._replace(options=text.options._replace(question=question))
        for reading, question in zip(readings, questions, strict=True)
        for text in reading.texts
    ]
    return MarkedRequest(body, texts, marks)


class _Reading:
    """One message being read: what is marked in it, by what, and what is not."""

    def __init__(self, number: int, role: str | None, tag: str | None) -> None:
        self.number, self.role, self.tag = number, role, tag
        self.said = Said(None, "")
        self.texts: list[MarkedText] = []
        self.marks: list[Path] = []
        self._unmarked: list[str] = []

    def read(self, message: Any, for_all: Options) -> None:
        """Take in the message."""
        if not isinstance(message, Mapping):
            return
        role, content = message.get("role"), message.get("content")
        options = self._marked(message, for_all, f"messages[{self.number}]", ("messages", self.number))
        whole = message.get(MARK) is not None or (self.role is not None and role == self.role)
        tag = None if role == "assistant" else self.tag
        if isinstance(content, str):
            self._text(content, None, options, whole, tag)
        elif isinstance(content, list):
            for index, part in enumerate(content):
                if isinstance(part, Mapping):
                    self._part(part, index, options, whole, tag)
        self.said = Said(role, "\n".join(text.strip() for text in self._unmarked if text.strip()))

    def _part(self, part: Mapping[str, Any], index: int, options: Options, whole: bool, tag: str | None) -> None:
        where = f"messages[{self.number}].content[{index}]"
        options = self._marked(part, options, where, ("messages", self.number, "content", index))
        text, marked = part.get("text"), part.get(MARK) is not None
        if part.get("type") == "text" and isinstance(text, str):
            self._text(text, index, options, whole or marked, tag)
        elif marked:
            raise InvalidInputError(
                f"{where}.{MARK}: only a part of type 'text' can be compressed, and this one is of type "
                f"{part.get('type')!a}; mark the text parts"
            )

    def _marked(self, marked: Mapping[str, Any], outer: Options, where: str, path: Path) -> Options:
        """The options of what may hold a mark, whose place is noted."""
        if MARK in marked:
            self.marks.append((*path, MARK))
        return _options(outer, marked.get(MARK), f"{where}.{MARK}")

    def _text(self, text: str, part: int | None, options: Options, whole: bool, tag: str | None) -> None:
        elements = [_Element(0, 0, len(text), len(text))] if whole else list(_tagged(text, tag)) if tag else []
        end_of_last = 0
        for element in elements:
            self._unmarked.append(text[end_of_last : element.start])
            end_of_last = element.end
            inside = text[element.text_start : element.text_end]
            stripped = inside.strip()
            if stripped:
                start = element.text_start + inside.index(stripped)
                place = Place(self.number, part, start, start + len(stripped))
                self.texts.append(MarkedText(place, stripped, options))
        self._unmarked.append(text[end_of_last:])


class _Element(NamedTuple):
    """Where a text stands, and where its tags around it begin and end."""

    start: int
    text_start: int
    text_end: int
    end: int


def _tagged(text: str, tag: str) -> Iterator[_Element]:
    """Text between a start tag and its end tag. A tag that is never closed marks nothing.

    Of several end tags before the next start tag the last one counts: a document may well speak of an end tag, and what
    it says after it is still the document's.
    """
    start_tag, end_tag = re.compile(rf"<{re.escape(tag)}(\s[^<>]*)?(?<!/)>"), f"</{tag}>"
    start = start_tag.search(text)
    while start:
        first_end = text.find(end_tag, start.end())
        if first_end < 0:
            return
        following = start_tag.search(text, first_end)
        end = text.rfind(end_tag, first_end, following.start() if following else len(text))
        yield _Element(start.start(), start.end(), end, end + len(end_tag))
        start = following


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
