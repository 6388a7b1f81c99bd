"""Which texts of a conversation may be compressed, and by which question. Counts nothing, compresses nothing.

A tool's result may be, in OpenAI's shape (`role` tool or function) and in Anthropic's (`tool_result`, a string or a
list of blocks). A system message never is, nor what the model said, nor the last message of the user in a turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tersely_server.conversations import Said, find_tagged, questions_of_turns
from tersely_server.gateway.settings import GatewaySettings

Path = tuple[str | int, ...]

# A text that was asked for again must come through whole, or the model asks for it for ever.
_GIVES_BACK = re.compile(r"(tersely|headroom)_+retrieve$")


class Candidate(NamedTuple):
    """A text that may be compressed.

    Attributes:
        path: where it stands in the list of messages.
        start, end: its characters in the string at that place.
        text: those characters.
        question: of its turn; None where it cannot be known.
    """

    path: Path
    start: int
    end: int
    text: str
    question: str | None


class _Part(NamedTuple):
    """A text of a message: who said it, where it stands, and whether it answers a call that is in the conversation."""

    role: str
    path: Path
    text: str
    call_is_known: bool = True
    gives_back: bool = False


def candidates(messages: Sequence[Any], settings: GatewaySettings) -> list[Candidate]:
    """The texts that may be compressed, in the order of the conversation.

    The question of a text is what the user asked in its own turn, so a later turn does not change it. Some gateways
    hold back messages, the user's last one and all of the assistant's among them. Then the turn of a tool's result
    cannot be known, now or later, and it has no question.
    """
    parts = list(_parts(messages))
    questions = questions_of_turns([_said(part, settings) for part in parts])
    last_of_turn = _last_of_turns(parts)
    found: list[Candidate] = []
    for position, (part, question) in enumerate(zip(parts, questions, strict=True)):
        if part.role == "tool":
            if not part.gives_back:
                known = question if part.call_is_known else None
                found.append(Candidate(part.path, 0, len(part.text), part.text, known))
        elif part.role == "user":
            tagged = _tagged(part.text, settings.context_tag)
            found += [Candidate(part.path, start, end, part.text[start:end], question) for start, end in tagged]
            if settings.user_messages and not tagged and position not in last_of_turn:
                found.append(Candidate(part.path, 0, len(part.text), part.text, question))
    return found


def texts(messages: Sequence[Any]) -> Iterator[str]:
    """All texts of the messages, for counting their tokens."""
    return (part.text for part in _parts(messages))


def _said(part: _Part, settings: GatewaySettings) -> Said:
    if part.role != "user":
        return Said(part.role, "")
    text, end_of_last = "", 0
    for start, end in _tagged(part.text, settings.context_tag):
        text += part.text[end_of_last:start]
        end_of_last = end
    text += part.text[end_of_last:]
    if settings.context_tag:
        text = re.sub(rf"</?{re.escape(settings.context_tag)}(\s[^<>]*)?>", "", text)
    return Said("user", text.strip())


def _tagged(text: str, tag: str | None) -> list[tuple[int, int]]:
    """Where each tagged text begins and ends, without its tags; a blank one is none."""
    places = [(tagged.text_start, tagged.text_end) for tagged in find_tagged(text, tag)]
    return [(start, end) for start, end in places if start < end]


def _last_of_turns(parts: Sequence[_Part]) -> set[int]:
    """Positions of the texts of the user's last message in each turn: what is sent between two answers is one turn."""
    last: set[int] = set()
    message = None
    for position in reversed(range(len(parts))):
        part = parts[position]
        if part.role == "assistant":
            message = None
        elif part.role == "user":
            message = part.path[0] if message is None else message
            if part.path[0] == message:
                last.add(position)
    return last


def _parts(messages: Sequence[Any]) -> Iterator[_Part]:
    calls: dict[str, str] = {}  # id -> name of the tool
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping):
            continue
        role, content = message.get("role"), message.get("content")
        path: Path = (number, "content")
        if role == "assistant":
            calls.update(_calls(message))
            yield _Part("assistant", path, content if isinstance(content, str) else "")
        elif role in ("tool", "function"):
            yield from _results(content, path, message.get("tool_call_id", message.get("name")), calls)
        elif isinstance(content, str):
            yield _Part(str(role), path, content)
        elif isinstance(content, list):
            yield from _blocks(content, path, str(role), calls)


def _blocks(content: Sequence[Any], path: Path, role: str, calls: Mapping[str, str]) -> Iterator[_Part]:
    for index, block in enumerate(content):
        if not isinstance(block, Mapping):
            continue
        if block.get("type") == "tool_result":
            yield from _results(block.get("content"), (*path, index, "content"), block.get("tool_use_id"), calls)
        elif block.get("type") == "text" and isinstance(block.get("text"), str):
            yield _Part(role, (*path, index, "text"), block["text"])


def _results(content: Any, path: Path, call: Any, calls: Mapping[str, str]) -> Iterator[_Part]:
    """The texts of a tool's result, also those inside search results and text documents."""
    known = isinstance(call, str) and call in calls
    gives_back = known and _GIVES_BACK.search(calls[call]) is not None
    if isinstance(content, str):
        yield _Part("tool", path, content, known, gives_back)
    for index, block in enumerate(content if isinstance(content, list) else ()):
        if not isinstance(block, Mapping):
            continue
        source = block.get("source")
        if isinstance(block.get("text"), str):
            yield _Part("tool", (*path, index, "text"), block["text"], known, gives_back)
        elif block.get("type") == "search_result":
            yield from _results(block.get("content"), (*path, index, "content"), call, calls)
        elif isinstance(source, Mapping) and source.get("type") == "text" and isinstance(source.get("data"), str):
            yield _Part("tool", (*path, index, "source", "data"), source["data"], known, gives_back)


def _calls(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Ids and tools' names of the calls in a message of the assistant."""
    for call in message.get("tool_calls") or ():
        if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping):
            yield str(call.get("id")), str(call["function"].get("name"))
    content = message.get("content")
    for block in content if isinstance(content, list) else ():
        if isinstance(block, Mapping) and block.get("type") == "tool_use":
            yield str(block.get("id")), str(block.get("name"))
    if isinstance(call := message.get("function_call"), Mapping):  # the result has the function's name instead of an id
        yield str(call.get("name")), str(call.get("name"))
