"""OpenAI's chat completions: `messages`, whose content is a string or a list of parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tersely_server.proxy.conversation import Conversation, plain_message


def read_chat(body: Mapping[str, Any]) -> Conversation:
    """What a request says. What has not the shape of one is left to the upstream to judge."""
    conversation = Conversation()
    messages = body.get("messages")
    role_before = None
    for number, value in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(value, Mapping):
            role_before = conversation.message(None).role
            continue
        path = ("messages", number)
        conversation.holders[path] = value
        message = conversation.message(value.get("role"))
        if text := plain_message(value, path, role_before):
            message.texts.append(text)
        else:
            conversation.content(message, value, path, holders=(path,))
        role_before = message.role
    return conversation
