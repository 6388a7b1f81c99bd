"""Stands in for the APIs behind a gateway: OpenAI's chat completions and Anthropic's messages on one address."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class GatewayUpstream(Starlette):
    """Records the bodies that it gets. Answers in words, or first asks for a tool.

    Attributes:
        bodies: of the requests, in their order.
        tool_calls: names and arguments of the tools that its next answers ask for; else it answers in words.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.tool_calls: list[tuple[str, dict[str, Any]]] = []
        super().__init__(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/messages", self._messages, methods=["POST"]),
            ]
        )

    async def _chat(self, request: Request) -> JSONResponse:
        self.bodies.append(await request.json())
        message: dict[str, Any] = {"role": "assistant", "content": "In 1712."}
        if self.tool_calls:
            name, arguments = self.tool_calls.pop(0)
            function = {"name": name, "arguments": json.dumps(arguments)}
            message = {**message, "tool_calls": [{"id": "asked", "type": "function", "function": function}]}
        return JSONResponse(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "a-model",
                "choices": [
                    {"index": 0, "message": message, "finish_reason": "tool_calls" if len(message) > 2 else "stop"}
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        )

    async def _messages(self, request: Request) -> JSONResponse:
        self.bodies.append(await request.json())
        content: list[dict[str, Any]] = [{"type": "text", "text": "In 1712."}]
        if self.tool_calls:
            name, arguments = self.tool_calls.pop(0)
            content = [*content, {"type": "tool_use", "id": "asked", "name": name, "input": arguments}]
        return JSONResponse(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "a-model",
                "content": content,
                "stop_reason": "tool_use" if len(content) > 1 else "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            }
        )
