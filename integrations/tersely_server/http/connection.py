"""Limits on how large a body is and how long it takes, and what happens when the client disconnects.

It works for any ASGI application and knows nothing of compression.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tersely_server.errors import BrokenOffError, ServiceError, shutting_down

_CLOSE = {"Connection": "close"}  # the rest of the body must not be taken for the next request


class OpenRequests:
    """The requests that are being answered, so that the server can stop all of them."""

    def __init__(self) -> None:
        self.stopped = False
        self._work: set[anyio.CancelScope] = set()

    @contextmanager
    def work(self) -> Iterator[anyio.CancelScope]:
        """The scope in which one request is answered. `stop` cancels it."""
        with anyio.CancelScope() as work:
            self._work.add(work)
            if self.stopped:
                work.cancel()
            try:
                yield work
            finally:
                self._work.discard(work)

    def stop(self) -> None:
        """Cancel all requests that are being answered, and all that come later."""
        self.stopped = True
        for work in self._work:
            work.cancel()


class ClientConnection:
    """ASGI middleware: bounds the size of a body and the time it takes; stops work when the client disconnects.

    Errors of the body are raised where the application receives it, so that its error handlers answer them.

    Args:
        app: what is served.
        max_body_bytes: the largest body.
        body_seconds: the longest time from its first byte to its last.
        requests: the register of open requests, which can stop all of them; by default one of its own.
    """

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, body_seconds: float, requests: OpenRequests | None = None
    ) -> None:
        self.app = app
        self.requests = requests or OpenRequests()
        self.max_body_bytes = max_body_bytes
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive, self.max_body_bytes, self.body_seconds)
        started = answered = False

        async def watched_send(message: Message) -> None:
            nonlocal started, answered
            started = True
            await send(message)
            answered = message["type"] == "http.response.body" and not message.get("more_body", False)

        async def cancel_on_disconnect() -> None:
            await body.complete.wait()
            while (await receive())["type"] != "http.disconnect":
                pass
            body.disconnected.set()
            if not answered:
                scope["tersely_error"] = "client_gone"
                work.cancel()

        with self.requests.work() as work:
            watcher = asyncio.ensure_future(cancel_on_disconnect())
            try:
                await self.app(scope, body.receive, watched_send)
            finally:
                watcher.cancel()
                with suppress(asyncio.CancelledError):
                    await watcher
        if self.requests.stopped and work.cancelled_caught and not body.disconnected.is_set():
            raise BrokenOffError("shutting_down") if started else shutting_down()


class _Body:
    """The body of one request as it arrives, refused when it is too large or too slow."""

    def __init__(self, scope: Scope, receive: Receive, max_bytes: int, seconds: float) -> None:
        self.complete = anyio.Event()
        self.disconnected = anyio.Event()
        self._receive = receive
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._deadline: float | None = None
        self._received = 0
        self._declared = next(
            (int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()), 0
        )

    async def receive(self) -> Message:
        """The next ASGI message.

        Raises:
            ServiceError: 413 where the body is too large, 408 where it takes too long.
        """
        if self.complete.is_set():
            await self.disconnected.wait()
            return {"type": "http.disconnect"}
        if self._declared > self._max_bytes:  # refuse before a client that waits for `100 Continue` sends it
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
        self._received += len(message.get("body", b""))
        if self._received > self._max_bytes:
            raise self._too_large()
        if message["type"] == "http.disconnect":
            self.disconnected.set()
        if not message.get("more_body", False):
            self.complete.set()
        return message

    def _too_large(self) -> ServiceError:
        return ServiceError(
            413,
            "body_too_large",
            f"the body has more than the {self._max_bytes} bytes that are allowed; send fewer documents in a request",
            headers=_CLOSE,
            limit=self._max_bytes,
        )
