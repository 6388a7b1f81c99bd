"""Every error that the service answers with, in one shape: `{"error": {"code": ..., "message": ...}}`.

On the paths of OpenAI's API an error also has `type` and `param`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from tersely import InvalidInputError, ProtectedTextError, TerselyError

_LONGEST_MESSAGE = 1_000  # characters: a message may quote a value as long as the body

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


class OpenAIRoute(APIRoute):
    """A route whose errors also have the fields that OpenAI's clients expect."""


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


def error_body(error: ServiceError, *, for_openai: bool = False) -> dict[str, Any]:
    """The JSON of an error's answer.

    Args:
        error: the error.
        for_openai: add the fields that OpenAI's clients expect.
    """
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}..."
    body: dict[str, Any] = {"code": error.code, "message": message}
    if for_openai:
        kind = "api_error" if error.status_code >= 500 or error.status_code == 429 else "invalid_request_error"
        body |= {"type": kind, "param": None}
    return {"error": {**body, **error.details}}


def is_for_openai(scope: Scope) -> bool:
    """Whether the request is on a path of OpenAI's API."""
    return isinstance(scope.get("route"), OpenAIRoute)


def add_error_handlers(app: FastAPI, *, log_text: bool) -> None:
    """Answer every error that a route raises, in the one shape."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        service_error = as_service_error(error)
        request.scope["tersely_error"] = service_error.code
        if log_text:
            _logger.info("%s: %s", service_error.code, json.dumps(service_error.message))
        body = error_body(service_error, for_openai=is_for_openai(request.scope))
        return JSONResponse(body, service_error.status_code, service_error.headers)

    for kind in (HTTPException, TerselyError, RequestValidationError):
        app.add_exception_handler(kind, answer)
