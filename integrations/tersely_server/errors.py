"""Every error that the service answers with, in one shape: `{"error": {"code": ..., "message": ...}}`.

On the paths of OpenAI's and Anthropic's APIs it has the shape that their clients read.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from tersely import InvalidInputError, ProtectedTextError, TerselyError

# Whose clients read an error: this service's own, OpenAI's, Anthropic's.
Shape = Literal["own", "openai", "anthropic"]

_LONGEST_MESSAGE = 1_000  # characters: a message may quote a value as long as the body
# What Anthropic calls errors of these statuses.
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}

_logger = logging.getLogger("tersely_server")


class ErrorDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(extra="allow")

    code: str = Field(description="For programs: it stays the same where the message changes.")
    message: str = Field(description="For people: what was wrong, which value, what to do.")


class ErrorResponse(BaseModel):
    """The body of every answer that is no success. Some codes come with numbers beside the message."""

    error: ErrorDetail


class ServiceError(HTTPException):
    """An error that the service answers with.

    Attributes:
        code: for programs.
        message: for people.
        details: further fields of the answer, mostly numbers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **details: int | float | str | None,
    ) -> None:
        super().__init__(status, message, dict(headers) if headers else None)
        self.code = code
        self.message = message
        self.details = details


def shutting_down() -> ServiceError:
    """The answer of a service that is shutting down, to new requests and to those that it has no time left for."""
    return ServiceError(
        503,
        "shutting_down",
        "the service is shutting down and takes no new work; ask another one, or try again",
        headers={"Retry-After": "5", "Connection": "close"},
    )


class UpstreamRoute(APIRoute):
    """A route of OpenAI's or Anthropic's API, whose errors have the shape that their clients read."""


class BrokenOffError(Exception):
    """An answer that had begun could not be finished.

    Attributes:
        code: for programs.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def as_service_error(error: Exception) -> ServiceError:
    """The answer to an error."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, ProtectedTextError):
        return ServiceError(422, "protected_text", str(error), needed=error.needed, target=error.target)
    if isinstance(error, InvalidInputError):
        return ServiceError(422, "invalid_input", str(error))
    if isinstance(error, TerselyError):
        return ServiceError(500, "compression_failed", str(error))
    if isinstance(error, RequestValidationError):
        reasons = (f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors())
        return ServiceError(422, "invalid_input", "; ".join(reasons))
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        message = str(error.detail)
        if message == status.phrase:  # the framework's own message, for an address or a method that no route has
            message = f"{message[:1]}{message[1:].lower()}: /openapi.json lists the addresses and their methods"
        return ServiceError(status, status.name.lower(), message, headers=error.headers)
    return ServiceError(500, "internal_error", "an error of the service; its log has more under this X-Request-ID")


def error_body(error: ServiceError, *, shape: Shape = "own") -> dict[str, Any]:
    """The JSON of an error's answer.

    Args:
        error: the error.
        shape: whose clients read it.
    """
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}..."
    body: dict[str, Any] = {"code": error.code, "message": message}
    if shape == "openai":
        kind = "api_error" if error.status_code >= 500 or error.status_code == 429 else "invalid_request_error"
        body |= {"type": kind, "param": None}
    if shape == "anthropic":
        kind = "api_error" if error.status_code >= 500 else "invalid_request_error"
        body |= {"type": _ANTHROPIC_TYPES.get(error.status_code, kind)}
        return {"type": "error", "error": {**body, **error.details}}
    return {"error": {**body, **error.details}}


def shape_for(scope: Scope) -> Shape:
    """The shape that the client of a request reads."""
    if not isinstance(scope.get("route"), UpstreamRoute):
        return "own"
    names = {name for name, _ in scope["headers"]}
    return "anthropic" if b"anthropic-version" in names or scope["path"].startswith("/v1/messages") else "openai"


def add_error_handlers(app: FastAPI, *, log_text: bool) -> None:
    """Answer every error that a route raises, in the one shape."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        service_error = as_service_error(error)
        request.scope["tersely_error"] = service_error.code
        if log_text:
            _logger.info("%s: %s", service_error.code, json.dumps(service_error.message))
        body = error_body(service_error, shape=shape_for(request.scope))
        return JSONResponse(body, service_error.status_code, service_error.headers)

    for kind in (HTTPException, TerselyError, RequestValidationError):
        app.add_exception_handler(kind, answer)
