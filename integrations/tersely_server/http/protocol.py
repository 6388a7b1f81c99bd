"""HTTP on a socket: uvicorn's protocol, with a limit on the number of connections and on the time for headers.

Limits on the body of a request are in `connection`.
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
        max_connections: the most at once; further ones are refused.
        header_seconds: the longest time until the headers of a request have arrived.
    """

    max_connections: int
    header_seconds: float
    _timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, or refuse the connection if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.write(_refusal(self.max_connections))
            transport.close()
        else:
            self._start_timeout()

    def data_received(self, data: bytes) -> None:
        """Stop the timeout once a request has begun; start it again after the answer."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._start_timeout()
        else:
            self._stop_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        self._stop_timeout()
        super().connection_lost(exc)

    def _start_timeout(self) -> None:
        if self._timeout is None:
            self._timeout = self.loop.call_later(self.header_seconds, self.transport.close)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


def bounded_protocol(max_connections: int, header_seconds: float) -> type[BoundedProtocol]:
    """The protocol with these limits.

    Args:
        max_connections: the most at once. They never take more than half of the files that the process may open: the
            other half is for connections to an upstream and everything else.
        header_seconds: see `BoundedProtocol`.
    """
    limit = min(max_connections, _open_files_limit() // 2)
    if limit < max_connections:
        _logger.warning("at most %d connections at once: a process may open no more files (ulimit -n)", limit)
    return type("Protocol", (BoundedProtocol,), {"max_connections": limit, "header_seconds": header_seconds})


def _open_files_limit() -> int:
    """How many files the process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else -1
    return soft if soft >= 0 else 2**31  # RLIM_INFINITY is negative


def _refusal(limit: int) -> bytes:
    error = ServiceError(
        429,
        "overloaded",
        f"the service has all {limit} connections that it allows; try again in a second",
        retry_after=1,
    )
    body = json.dumps(error_body(error)).encode()
    head = (
        "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
