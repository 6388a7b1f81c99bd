"""What a client may do to the service: send so much, take so long, go away. Knows nothing of what is served."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tersely_server.errors import ServiceError

_CLOSE = {"Connection": "close"}  # what is left of the body must not be taken for the next request


class ClientConnection:
    """ASGI middleware: bodies of bounded size in bounded time; work ends when its client is gone.

    The errors are raised where the body is read, below the handlers that answer them.

    Args:
        app: what is served.
        max_body_bytes: the largest body.
        body_seconds: the longest time from its first byte to its last.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, body_seconds: float) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive, self.max_body_bytes, self.body_seconds)
        answered = False

        async def watched_send(message: Message) -> None:
            nonlocal answered
            await send(message)
            answered = message["type"] == "http.response.body" and not message.get("more_body", False)

        async def cancel_when_gone() -> None:
            await body.complete.wait()
            while (await receive())["type"] != "http.disconnect":
                pass
            body.gone.set()
            if not answered:
                scope["tersely_error"] = "client_gone"
                work.cancel()

        with anyio.CancelScope() as work:
            watcher = asyncio.ensure_future(cancel_when_gone())
            try:
                await self.app(scope, body.receive, watched_send)
            finally:
                watcher.cancel()
                with suppress(asyncio.CancelledError):
                    await watcher


class _Body:
    """The messages of one request, until they are too many or too late."""

    def __init__(self, scope: Scope, receive: Receive, most_bytes: int, seconds: float) -> None:
        self.complete = anyio.Event()
        self.gone = anyio.Event()
        self._receive = receive
        self._most = most_bytes
        self._seconds = seconds
        self._deadline: float | None = None
        self._read = 0
        self._announced = next(
            (int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()), 0
        )

    async def receive(self) -> Message:
        """The next message.

        Raises:
            ServiceError: 413 where the body is too large, 408 where it takes too long.
        """
        if self.complete.is_set():
            await self.gone.wait()
            return {"type": "http.disconnect"}
        if self._announced > self._most:  # before a client that waits for `100 Continue` sends any of it
            raise self._too_large()
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
        try:
            message = await asyncio.wait_for(self._receive(), max(self._deadline - time.monotonic(), 0))
        except asyncio.TimeoutError:
            raise ServiceError(
                408,
                "body_timeout",
                f"the body had not arrived after {self._seconds:g} seconds; send it faster, or in smaller requests",
                headers=_CLOSE,
                limit=self._seconds,
            ) from None
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            raise self._too_large()
        if message["type"] == "http.disconnect":
            self.gone.set()
        if not message.get("more_body", False):
            self.complete.set()
        return message

    def _too_large(self) -> ServiceError:
        return ServiceError(
            413,
            "body_too_large",
            f"the body has more than the {self._most} bytes that are allowed; send fewer documents in a request",
            headers=_CLOSE,
            limit=self._most,
        )
