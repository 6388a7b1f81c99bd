"""A line in the log, counters and an id for every request. The text of a request is never logged.

An unforeseen error is answered here with the request's id alone. The log gets the places in the code, without the
message, because that may quote the request.
"""

from __future__ import annotations

import logging
import time
import traceback
import uuid

from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tersely_server.errors import BrokenOffError, as_service_error, error_body, shape_for
from tersely_server.metrics import Metrics

_CLIENT_GONE = 499  # for log and counters only: the client disconnected before it got an answer
_POLLED_ROUTES = ("/healthz", "/readyz", "/metrics")

_logger = logging.getLogger("tersely_server")


class Observation:
    """ASGI middleware, the outermost.

    Args:
        app: what is served.
        metrics: counts every answer.
        log_text: log the messages of unforeseen errors, too.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, log_text: bool) -> None:
        self.app = app
        self.metrics = metrics
        self.log_text = log_text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, request_id = time.perf_counter(), uuid.uuid4().hex
        status = _CLIENT_GONE

        async def watched_send(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                # An upstream's answer keeps the id that the upstream gave it.
                request_id = MutableHeaders(scope=message).setdefault("X-Request-ID", request_id)
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except ClientDisconnect:
            scope["tersely_error"] = "client_gone"
        except BrokenOffError as error:
            scope["tersely_error"] = error.code
        except Exception as error:
            service_error = as_service_error(error)
            scope["tersely_error"] = service_error.code
            if service_error is not error:
                self._log_error(error, request_id)
            if status == _CLIENT_GONE:  # no answer has begun
                body = error_body(service_error, shape=shape_for(scope))
                response = JSONResponse(body, service_error.status_code, service_error.headers)
                await response(scope, receive, watched_send)
        finally:
            seconds = time.perf_counter() - started
            # The route's template, because a path or a query may hold text of the caller.
            route, code = getattr(scope.get("route"), "path", "none"), scope.get("tersely_error")
            self.metrics.answered(route, status, code, seconds)
            level = logging.DEBUG if route in _POLLED_ROUTES else logging.INFO
            _logger.log(
                level,
                "%s %s %d %s%.3f s %s",
                scope["method"],
                route,
                status,
                f"{code} " if code else "",
                seconds,
                request_id,
            )

    def _log_error(self, error: Exception, request_id: str) -> None:
        if self.log_text:
            _logger.error("unforeseen error in request %s", request_id, exc_info=error)
            return
        places = "".join(traceback.format_tb(error.__traceback__))
        _logger.error("unforeseen error in request %s: %s\n%s", request_id, type(error).__name__, places.rstrip())
