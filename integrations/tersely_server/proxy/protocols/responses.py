"""OpenAI's responses: `instructions`, and `input`, which is a string or a list of items.

An item with a role is a message. Outputs of tools have the role `tool` here; all other items are the model's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tersely_server.proxy.conversation import Conversation, entries, plain_message

_TYPES = ("input_text", "output_text", "text")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


def read_responses(body: Mapping[str, Any]) -> Conversation:
    """What a request says. What has not the shape of one is left to the upstream to judge."""
    conversation = Conversation()
    conversation.content(conversation.message("system"), body, (), key="instructions", holders=())
    if isinstance(body.get("input"), str):
        conversation.content(conversation.message("user"), body, (), key="input", holders=())
    role_before = None
    for number, item in entries(body.get("input")):
        path = ("input", number)
        conversation.holders[path] = item
        message = conversation.message(_role(item))
        if item.get("type") in _OUTPUTS:
            conversation.content(message, item, path, key="output", holders=(path,), types=_TYPES)
        elif item.get("type", "message") == "message":
            if text := plain_message(item, path, role_before):
                message.texts.append(text)
            else:
                conversation.content(message, item, path, holders=(path,), types=_TYPES)
        role_before = message.role
    return conversation


def _role(item: Mapping[str, Any]) -> Any:
    if "role" in item:
        return item["role"]
    return "tool" if str(item.get("type")).endswith("_output") else "assistant"
