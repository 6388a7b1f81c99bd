"""Conversations -> blocks: each message with its speaker and time, whole if it is short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import regex

from tersely.text.outline import Outline, Region
from tersely.text.prose import add_sentences

_TIME = r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[APap]\.?[Mm]\.?)?"
_DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
_STAMP = rf"(?:\[?(?:{_DATE}[,T ]?\s*)?{_TIME}(?:[.,]\d+)?Z?\]?|\[{_DATE}\])"
_NAME = r"(?P<name>[\p{Lu}\p{Lo}][\p{L}\p{M}\p{N}'’._-]*(?:[ \u00a0][\p{L}\p{M}\p{N}'’._()-]+){0,4})"
# How a message begins, up to its text. All messages of a conversation have the same form.
_FORMS = tuple(
    regex.compile(form)
    for form in (
        rf"{_STAMP}\s*(?:[-–—]\s*)?<(?P<name>[^>\n]{{1,40}})>\s?",  # [10:02] <anna> text
        r"<(?P<name>[\w^|\[\]`-]{1,30})>\s",  # <anna> text
        rf"{_STAMP}\s*(?:[-–—|]\s*)?{_NAME}\s?[:：](?!\S*/)[ \t]?",  # 12/03/24, 10:02 - Anna: text
        rf"(?:\*\*|__){_NAME}\s?(?:\((?:[^)\n]{{1,40}})\))?\s?[:：]?(?:\*\*|__)[ \t]?[:：]?",  # **Anna:** text
        rf"{_NAME}\s?[(\[][^)\]\n]{{0,30}}{_TIME}[^)\]\n]{{0,15}}[)\]]\s?[:：]?[ \t]?",  # Anna (10:02): text
        rf"{_NAME}[ \t]{{1,4}}(?:[—–|-]\s*)?(?:\w+ at )?(?:{_DATE},?\s)?{_TIME}[ \t]*(?=\n)",  # Anna  10:02 AM
        rf"{_NAME}\s?[:：](?!\S*/)(?=[ \t]|\n|$|[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}])[ \t]?",  # Anna: text
    )
)
_NO_SPEAKERS = frozenset(
    {"Author", "Date", "Merge", "Commit", "AuthorDate", "CommitDate", "Committer", "Note", "Warning"}
)
_QUESTION_AND_ANSWER = frozenset(
    {"Q", "A", "Question", "Answer", "F", "Frage", "Antwort", "P", "R", "س", "ج", "问", "答"}
)
_REPLY = regex.compile(
    r"(?:Yes|No|Yeah|Nope|Then|That|It|Sure|Ok|Okay|Ja|Nein|Doch|Oui|Non|Si|Sí)\b|[是不对没好]|(?:نعم|لا)\b",
    regex.IGNORECASE,
)
_LINE = regex.compile(r"[^\n]*\n|[^\n]+$")
_QUICK = regex.compile(rf"^(?:[^\n]{{1,70}}[:：]|<[^>\n]{{1,30}}>|\*\*\p{{Lu}}|[^\n]{{0,50}}{_TIME})", regex.M)
_FEWEST = 3  # messages of a conversation
_MOST_LINES = 12  # lines of a message, on average
_LONGEST_WHOLE = 500  # characters of a message that is one block; each sentence of a longer one needs the speaker
_LONGEST_REPLY = 40  # characters of the first line of a message that means nothing without the question before it


class _Message(NamedTuple):
    start: int
    text: int  # where the text after name and time begins
    name: str


def find(text: str, start: int, end: int) -> list[Region]:
    """The conversations between two characters: from their first message to the end of their last."""
    if not _QUICK.search(text, start, end):
        return []
    lines = [match.span() for match in _LINE.finditer(text, start, end)]
    for form in _FORMS:
        messages = [
            _Message(first, match.end(), " ".join(match["name"].split()))
            for first, last in lines
            if (match := form.match(text, first, last))
        ]
        if messages and _is_conversation(messages, text.count("\n", messages[0].start, end)):
            return [Region(messages[0].start, end, _Conversation(messages).read)]
    return []


def _is_conversation(messages: Sequence[_Message], lines: int) -> bool:
    """Whether the names are of people who speak in turn, and no keys of a list."""
    if len(messages) < _FEWEST or lines > _MOST_LINES * len(messages):
        return False
    names = Counter(message.name for message in messages)
    if names.keys() <= _QUESTION_AND_ANSWER or names.keys() & _NO_SPEAKERS:
        return False
    return len(names) > 1 and len(names) <= max(2, 0.6 * len(messages)) and names.most_common(1)[0][1] > 1


def _replies(content: str) -> bool:
    """Whether a message means nothing without the question before it."""
    first_line = content.split("\n", 1)[0]
    return _REPLY.match(content) is not None or (
        len(first_line) <= _LONGEST_REPLY and not content.endswith(("?", "？", "؟"))
    )


class _Conversation:
    def __init__(self, messages: Sequence[_Message]) -> None:
        self._messages = messages

    def read(self, outline: Outline, start: int, end: int) -> None:
        text = outline.text
        edges = [*(message.start for message in self._messages[1:]), end]
        question: int | None = None  # the position of the message before, if it is a question
        for message, stop in zip(self._messages, edges, strict=True):
            content = text[message.text : stop].strip()
            needs = (question,) if question is not None and _replies(content) else ()
            if stop - message.start <= _LONGEST_WHOLE:
                last = outline.add(message.start, stop, standalone=any(map(str.isalnum, content)), needs=needs)
            else:
                speaker = outline.add(message.start, message.text, standalone=False)
                with outline.under(speaker):
                    add_sentences(outline, message.text, stop)
                last = len(outline.blocks) - 1
            question = last if content.endswith(("?", "？", "؟")) else None
