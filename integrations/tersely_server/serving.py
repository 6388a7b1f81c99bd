"""Runs the application on uvicorn; at shutdown it finishes the requests that it has. Knows nothing of routes."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import socket
import threading
import time
from types import FrameType

import uvicorn

from tersely import InvalidInputError
from tersely_server.app import create_app
from tersely_server.compression import Service
from tersely_server.http import OpenRequests, bounded_protocol
from tersely_server.settings import ServerSettings

_SECONDS_TO_REFUSE = 2  # for telling clients that their requests were stopped

_logger = logging.getLogger("tersely_server")


def serve(settings: ServerSettings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        InvalidInputError: the address cannot be listened on.
        ModelError, TokenizerError: the model or the tokenizer cannot be loaded.
        KeyboardInterrupt: it was Ctrl-C.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _logger.setLevel(logging.INFO)
    listener = listen(settings.host, settings.port)
    app = create_app(settings)
    server = _Server(
        uvicorn.Config(
            app,
            http=bounded_protocol(settings.max_connections, settings.header_seconds),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
        ),
        app.state.service,
        app.state.requests,
    )
    host, port = listener.getsockname()[:2]
    _logger.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    server.run(sockets=[listener])
    if server.service.failure is not None:
        raise server.service.failure
    if threading.active_count() > 1:
        # A forward pass cannot be interrupted, and the interpreter would wait for its thread though nobody needs it.
        logging.shutdown()
        os._exit(130 if server.stopped_by == signal.SIGINT else 0)
    if server.stopped_by == signal.SIGINT:
        raise KeyboardInterrupt


class _Server(uvicorn.Server):
    """Listens until its requests are done after a signal, so that `/readyz` sends a load balancer elsewhere."""

    def __init__(self, config: uvicorn.Config, service: Service, requests: OpenRequests) -> None:
        super().__init__(config)
        self.service = service
        self.requests = requests
        self.stopped_by: int | None = None
        self._deadline = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no new work at the first signal; end at once at the second."""
        if self.stopped_by is not None:
            self.should_exit = self.force_exit = True
            return
        self.stopped_by = sig
        self._deadline = time.monotonic() + self.service.settings.shutdown_seconds
        self.service.admission.close()

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop listening: called by uvicorn ten times a second."""
        if self.stopped_by is not None:
            seconds_left = max(self._deadline - time.monotonic(), 0)
            if self.service.admission.idle or not seconds_left:
                # Answers that have begun may go on until the deadline. Then they are stopped, and clients are told so.
                asyncio.get_running_loop().call_later(seconds_left, self.requests.stop)
                self.config.timeout_graceful_shutdown = math.ceil(seconds_left) + _SECONDS_TO_REFUSE
                self.should_exit = True
        if self.service.failure is not None:
            self.should_exit = True
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address. Bind it before anything slow begins, so that a bad address is refused at once.

    Raises:
        InvalidInputError: the address cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise InvalidInputError(
            f"cannot listen on {host}, port {port}: {error.strerror}; name another --host or --port"
        ) from None
    return listener
