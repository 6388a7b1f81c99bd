"""What the tests of the proxy share: an API of three protocols that records what it gets and answers as told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from protocol_answers import ANSWERS, RESPONSE
from starlette.types import Receive, Scope, Send

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "a-model",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "In 1820."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
EVENTS = [
    b"data: "
    + json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "a-model",
            "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}],
        }
    ).encode()
    + b"\n\n"
    for word in ("In", " 1820", ".")
] + [b": a comment\r\n\r\n", b"data: [DONE]\n\n"]

Behaviour = Callable[["Call"], Awaitable[None]]


class Recorded(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class Call(NamedTuple):
    """A request being answered."""

    request: Recorded
    receive: Receive
    send: Send

    async def start(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})

    async def part(self, content: bytes, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": content, "more_body": more})

    async def answer(self, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        headers = {"content-length": str(len(content)), "content-type": "application/json", **(headers or {})}
        await self.start(status, headers)
        await self.part(content, more=False)

    async def stream(self, events: list[bytes]) -> None:
        await self.start(200, {"content-type": "text/event-stream"})
        for event in events:
            await self.part(event)
        await self.part(b"", more=False)

    async def client_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


class UpstreamDouble:
    """The API. `behaviour` answers; `go` lets it go on where it waits, `gone` says that its client has left."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.behaviour: Behaviour = self.usual
        self.reached, self.go, self.gone = threading.Event(), threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        content, more = b"", True
        while more:
            message = await receive()
            content, more = content + message.get("body", b""), message.get("more_body", False)
        headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
        path = scope["raw_path"].decode()
        self.requests.append(Recorded(scope["method"], path, scope["query_string"].decode(), headers, content))
        self.reached.set()
        await self.behaviour(Call(self.requests[-1], receive, send))

    @property
    def body(self) -> Any:
        """Of the last request."""
        return self.requests[-1].body

    async def usual(self, call: Call) -> None:
        """An answer, or a stream of events."""
        below = call.request.path.removeprefix("/v1")
        if below in ANSWERS:
            answer, events = ANSWERS[below]
            if call.request.body.get("stream"):
                await call.stream(events)
            else:
                await call.answer(json.dumps(answer).encode(), headers={"request-id": "req-1"})
        elif below.startswith("/responses/"):
            await call.answer(json.dumps(RESPONSE).encode())
        elif call.request.path.endswith("/models"):
            await call.answer(b'{"object": "list", "data": [{"id": "a-model", "object": "model"}]}')
        elif call.request.path.endswith("/embeddings"):
            await call.answer(b'{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}')
        elif call.request.body.get("stream"):
            await call.stream(EVENTS)
        else:
            await call.answer(json.dumps(ANSWER).encode(), headers={"x-request-id": "req-1"})

    async def one_by_one(self, call: Call) -> None:
        """A stream that goes on when it is told to."""
        await call.start(200, {"content-type": "text/event-stream"})
        await call.part(EVENTS[0])
        await asyncio.to_thread(self.go.wait, 30)
        for event in EVENTS[1:]:
            await call.part(event)
        await call.part(b"", more=False)

    async def never_ending(self, call: Call) -> None:
        """A stream whose second event never comes."""
        await call.start(200, {"content-type": "text/event-stream"})
        await call.part(EVENTS[0])
        await call.client_gone()
        self.gone.set()

    async def silent(self, call: Call) -> None:
        """No answer at all."""
        await call.client_gone()
        self.gone.set()

    async def cut(self, call: Call) -> None:
        """A stream that breaks off."""
        await call.start(200, {"content-type": "text/event-stream"})
        await call.part(EVENTS[0])


def answering(status: int, content: bytes, headers: dict[str, str] | None = None) -> Behaviour:
    """A behaviour: one answer, whatever is asked."""

    async def behaviour(call: Call) -> None:
        await call.answer(content, status, headers)

    return behaviour
