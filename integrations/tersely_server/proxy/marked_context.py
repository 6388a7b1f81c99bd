"""Finds the text that a request marks as context, whatever its protocol. Changes nothing; no HTTP, no model.

Text is marked by

- `"tersely": {...}` on a part or a message: all text in it;
- the role of its message, where one is configured, from so many tokens on;
- a tag around it, such as `<context>` ... `</context>`, where one is configured, in any message but the assistant's:
  what a model said is not the caller's mark. Inside text that is marked as a whole, a tag is text.

`"tersely": {...}` at the top of the request marks nothing: it holds options for all of its marks. White space at the
edges of a marked text is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tersely import CompressionSettings, InvalidInputError
from tersely.tool_results import is_json
from tersely_server.conversations import Said, Tagged, find_tagged, questions_of_turns
from tersely_server.proxy.conversation import MARK, Conversation, Message, Text
from tersely_server.proxy.json_source import Path
from tersely_server.proxy.protocols import Reader, read_chat

OPTIONS = ("question", "rate", "target_tokens", "method")
# Stands for the text of a message or part that has to stay though nothing of its text did: some APIs refuse empty ones.
OMITTED = "[...]"
_GAP = f" {OMITTED} "  # in text that nobody marked: whoever reads it must see that it is not whole


class Options(NamedTuple):
    """How to compress a marked text. Texts of one message with equal options are compressed within one budget.

    Attributes:
        settings: the budget and, if one is asked for, the method.
        question: decides what is kept; None where neither a mark nor the user asks anything.
        min_tokens: they stay as they are if they have fewer; None where the caller marked them, however short they are.
    """

    settings: CompressionSettings
    question: str | None = None
    min_tokens: int | None = None


class MarkedText(NamedTuple):
    """One document: a text that is marked, and how it is to be compressed.

    Attributes:
        message: the position of its message in the conversation.
        source: the text in which it stands.
        start, end: where it begins and ends there.
        options: how to compress it.
    """

    message: int
    source: Text
    start: int
    end: int
    options: Options

    @property
    def text(self) -> str:
        """The marked text alone."""
        return self.source.text[self.start : self.end]


@dataclass(frozen=True)
class MarkedRequest:
    """A request, its marks read.

    Attributes:
        body: the request as it came.
        conversation: what it says.
        texts: the marked texts, in the order of the request.
        marks: where the objects stand that are Tersely's own.
    """

    body: Mapping[str, Any]
    conversation: Conversation
    texts: list[MarkedText]
    marks: list[Path]

    def groups(self) -> list[tuple[Options, list[int]]]:
        """What to compress together: options, and the positions in `texts` of one message that share them.

        Nothing that comes later in a conversation is part of it: each message is compressed the same way every time,
        and the upstream finds it in its prompt cache.
        """
        groups: dict[tuple[int, Options], list[int]] = {}
        for position, text in enumerate(self.texts):
            groups.setdefault((text.message, text.options), []).append(position)
        return [(options, positions) for (_, options), positions in groups.items()]


def read_marks(
    body: Mapping[str, Any],
    defaults: CompressionSettings,
    *,
    role: str | None = None,
    tag: str | None = None,
    min_tokens: int = 0,
    reader: Reader = read_chat,
) -> MarkedRequest:
    """Find what a request marks as context.

    What has not the shape of a request is left to the upstream to judge.

    Args:
        body: the request; it is not changed.
        defaults: the budget and method of marks that do not say their own.
        role: of messages that are context as a whole.
        tag: the name of the tag around text that is context.
        min_tokens: messages of that role stay as they are if they have fewer.
        reader: of the request's protocol.

    Raises:
        InvalidInputError: a mark is no object, or one of its options cannot be used, or it stands on a part that has
            no text; the message says where.
    """
    for_all = options_over(Options(defaults), body.get(MARK), MARK)
    conversation = reader(body)
    marks: list[Path] = [(MARK,)] if MARK in body else []
    marks += [(*path, MARK) for path, value in conversation.holders.items() if MARK in value]
    _check_marks(conversation)
    readings = [_Reading(number, role, tag, min_tokens) for number in range(len(conversation.messages))]
    for reading, message in zip(readings, conversation.messages, strict=True):
        reading.read(message, for_all, conversation.holders)
    questions = questions_of_turns([reading.said for reading in readings])
    texts = [
        text if text.options.question else text._replace(options=text.options._replace(question=question))
        for reading, question in zip(readings, questions, strict=True)
        for text in reading.texts
    ]
    return MarkedRequest(body, conversation, texts, marks)


def _check_marks(conversation: Conversation) -> None:
    """Refuse what is wrong with a mark, in the order of the request.

    Raises:
        InvalidInputError: where and what.
    """
    with_text = {holder for message in conversation.messages for text in message.texts for holder in text.holders}
    for path, value in conversation.holders.items():
        mark = value.get(MARK)
        options_over(Options(CompressionSettings()), mark, _mark_at(path))
        is_part = len(path) > 2
        if mark is not None and is_part and path not in with_text:
            raise InvalidInputError(
                f"{_mark_at(path)}: only text can be compressed, and this part of type {value.get('type')!a} has none; "
                f"mark the text parts"
            )


def _mark_at(path: Path) -> str:
    """A mark's place as people write it: `messages[0].content[1].tersely`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in (*path, MARK))[1:]


class _Reading:
    """One message being read: what is marked in it, by what, and what is not."""

    def __init__(self, number: int, role: str | None, tag: str | None, min_tokens: int) -> None:
        self.number, self.role, self.tag, self.min_tokens = number, role, tag, min_tokens
        self.said = Said(None, "")
        self.texts: list[MarkedText] = []
        self._unmarked: list[str] = []

    def read(self, message: Message, for_all: Options, holders: Mapping[Path, Mapping[str, Any]]) -> None:
        """Take in the message."""
        for text in message.texts:
            options, marked = for_all, False
            for path in text.holders:
                mark = holders[path].get(MARK)
                options = options_over(options, mark, _mark_at(path))
                marked = marked or mark is not None
            by_role = not marked and self.role is not None and message.role == self.role
            if by_role:
                options = self._by_role(options, text.text)
            tag = None if message.role == "assistant" or text.quoted else self.tag
            self._text(text, options, marked or by_role, tag)
        self.said = Said(message.role, "\n".join(text.strip() for text in self._unmarked if text.strip()))

    def _by_role(self, options: Options, text: str) -> Options:
        """The options of a text that nobody marked. In JSON no gap is marked: it would not be JSON any more."""
        settings = options.settings if is_json(text) else options.settings.overridden(gap_marker=_GAP)
        return options._replace(settings=settings, min_tokens=self.min_tokens)

    def _text(self, source: Text, options: Options, whole: bool, tag: str | None) -> None:
        text = source.text
        elements = [_whole(text)] if whole else list(find_tagged(text, tag))
        unmarked, end_of_last = [], 0
        for element in elements:
            unmarked.append(text[end_of_last : element.start])
            end_of_last = element.end
            if element.text_start < element.text_end:
                self.texts.append(MarkedText(self.number, source, element.text_start, element.text_end, options))
        unmarked.append(text[end_of_last:])
        self._unmarked += [] if source.quoted else unmarked


def _whole(text: str) -> Tagged:
    """A text that is marked as a whole, as if tags of no characters stood around it."""
    start = len(text) - len(text.lstrip())
    return Tagged(0, start, start + len(text.strip()), len(text))


def options_over(outer: Options, mark: Any, where: str) -> Options:
    """The options of a mark over those of what it stands in.

    Raises:
        InvalidInputError: it is no object, or an option cannot be used; the message says `where` it stands.
    """
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
