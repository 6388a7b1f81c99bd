"""Conversations of an agent, for the tests of what gateways call."""

from __future__ import annotations

from typing import Any

PAGES = "\n\n".join(
    f"Mill number {number} stands on the river and was built in {1700 + number} by the miller's family."
    for number in range(80)
)
SHORT = "Mill number 7 was sold."
ROWS = "[" + ", ".join(f'{{"mill": {number}, "built": {1700 + number}, "open": true}}' for number in range(80)) + "]"


def call(id: str, name: str = "search") -> dict[str, Any]:
    function = {"name": name, "arguments": '{"query": "mills"}'}
    return {"role": "assistant", "content": None, "tool_calls": [{"id": id, "type": "function", "function": function}]}


def result(id: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def anthropic_call(id: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "search", "input": {}}]}


def anthropic_result(id: str, content: Any, **more: Any) -> dict[str, Any]:
    return user([{"type": "tool_result", "tool_use_id": id, "content": content, **more}])


AGENT = [
    {"role": "system", "content": PAGES},
    user("When was mill number 12 built?"),
    call("call_1"),
    result("call_1", PAGES),
    call("call_2"),
    result("call_2", SHORT),
    {"role": "assistant", "content": "In 1712. " + PAGES},
    user("And mill number 70? " + PAGES),
    call("call_3"),
    result("call_3", [{"type": "text", "text": PAGES}, {"type": "text", "text": SHORT}]),
]
