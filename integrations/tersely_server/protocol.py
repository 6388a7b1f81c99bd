"""HTTP on a socket: uvicorn's, with a bound on how many connections there are and on how long one may say nothing.

What a client may do once its request has begun is bounded in `connection`.
"""

from __future__ import annotations

import asyncio
import json
import logging

from uvicorn.protocols.http.h11_impl import H11Protocol

from tersely_server.errors import ServiceError, error_body

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

_logger = logging.getLogger("tersely_server")


class BoundedProtocol(H11Protocol):
    """One connection.

    Attributes:
        most_connections: how many there may be; what comes beyond them is refused.
        header_seconds: the longest time until a request's headers are there.
    """

    most_connections: int
    header_seconds: float
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, or refuse it where there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.write(_refusal(self.most_connections))
            transport.close()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait no longer where a request has begun, and from its answer on wait for the next one."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._wait_no_longer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.header_seconds, self.transport.close)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def bounded_protocol(most_connections: int, header_seconds: float) -> type[BoundedProtocol]:
    """The protocol with these bounds.

    Args:
        most_connections: fewer, where the process may not open that many files: half of them are kept for connections
            to an upstream, and for all else.
        header_seconds: see `BoundedProtocol`.
    """
    most = min(most_connections, _open_files() // 2)
    if most < most_connections:
        _logger.warning("at most %d connections at once: a process may open no more files (ulimit -n)", most)
    return type("Protocol", (BoundedProtocol,), {"most_connections": most, "header_seconds": header_seconds})


def _open_files() -> int:
    """How many files the process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else -1
    return soft if soft >= 0 else 2**31  # RLIM_INFINITY is negative


def _refusal(most: int) -> bytes:
    error = ServiceError(
        429,
        "overloaded",
        f"the service has all {most} connections that it allows; try again in a second",
        retry_after=1,
    )
    body = json.dumps(error_body(error)).encode()
    head = (
        "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
