"""Every error that the service answers with, in one shape: `{"error": {"code": ..., "message": ...}}`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from tersely import InvalidInputError, ProtectedTextError, TerselyError

_LONGEST_MESSAGE = 1_000  # characters: a message may quote a value, and a value may be as long as the body

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
    """An answer that is no success.

    Attributes:
        code: for programs.
        message: for people.
        details: numbers beside them.
    """

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, **details: int | float
    ) -> None:
        super().__init__(status, message, dict(headers) if headers else None)
        self.code = code
        self.message = message
        self.details = details


def as_service_error(error: Exception) -> ServiceError:
    """How an error is answered."""
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
        if message == status.phrase:  # the framework's own, of an address or a method that no route has
            message = f"{message[:1]}{message[1:].lower()}: /openapi.json lists the addresses and their methods"
        return ServiceError(status, status.name.lower(), message, headers=error.headers)
    return ServiceError(500, "internal_error", "an error of the service; its log has more under this X-Request-ID")


def error_body(error: ServiceError) -> dict[str, Any]:
    """The answer's JSON."""
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}..."
    return {"error": {"code": error.code, "message": message, **error.details}}


def add_error_handlers(app: FastAPI, *, log_text: bool) -> None:
    """Answer every error that is raised below the routes in the one shape."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        known = as_service_error(error)
        request.scope["tersely_error"] = known.code
        if log_text:
            _logger.info("%s: %s", known.code, json.dumps(known.message))
        return JSONResponse(error_body(known), known.status_code, known.headers)

    for kind in (HTTPException, TerselyError, RequestValidationError):
        app.add_exception_handler(kind, answer)
