"""Anthropic's messages: `system`, and `messages` of blocks, where a tool's result is a block of the user's message.

Each tool's result is a message of its own here, whose role is `tool`. Text of documents and search results can be
marked too, unless it is cited: citations count the characters of the text as it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tersely_server.proxy.conversation import Conversation, Message, Text, entries, plain_message
from tersely_server.proxy.json_source import Path


def read_messages(body: Mapping[str, Any]) -> Conversation:
    """What a request says. What has not the shape of one is left to the upstream to judge."""
    conversation = Conversation()
    conversation.content(conversation.message("system"), body, (), key="system", holders=())
    role_before = None
    for number, value in entries(body.get("messages")):
        path = ("messages", number)
        conversation.holders[path] = value
        role = value.get("role")
        message = conversation.message(role)
        if text := plain_message(value, path, role_before):
            message.texts.append(text)
        for index, block in entries(value.get("content")):
            block_path = (*path, "content", index)
            if block.get("type") == "tool_result":
                conversation.holders[block_path] = block
                _tool_result(conversation, block, block_path, (path, block_path))
                message = conversation.message(role)
            else:
                last = index == len(value["content"]) - 1
                _block(conversation, message, block, block_path, (path,), last=last)
        role_before = role
    return conversation


def _tool_result(conversation: Conversation, block: Mapping[str, Any], path: Path, holders: tuple[Path, ...]) -> None:
    message = conversation.message("tool")
    content: Any = block.get("content")
    if isinstance(content, str):
        conversation.content(message, block, path, holders=holders)
    for index, part in entries(content):
        last = index == len(content) - 1
        _block(conversation, message, part, (*path, "content", index), holders, last=last)


def _block(
    conversation: Conversation,
    message: Message,
    block: Mapping[str, Any],
    path: Path,
    holders: tuple[Path, ...],
    *,
    last: bool,
) -> None:
    """Add a block, and the texts in it."""
    conversation.part(message, block, path, holders=holders, last=last)
    citations, source = block.get("citations"), block.get("source")
    if isinstance(citations, Mapping) and citations.get("enabled"):
        return
    if block.get("type") == "search_result":
        for index, part in entries(block.get("content")):
            _quote(message, part, "text", (*path, "content", index), (*holders, path))
    elif block.get("type") == "document" and isinstance(source, Mapping) and source.get("type") == "text":
        _quote(message, source, "data", (*path, "source"), (*holders, path))


def _quote(message: Message, value: Mapping[str, Any], key: str, path: Path, holders: tuple[Path, ...]) -> None:
    if isinstance(text := value.get(key), str):
        message.texts.append(Text((*path, key), text, holders, quoted=True))
