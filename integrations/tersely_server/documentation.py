"""Bodies, answers and errors of the routes for the OpenAPI document, with examples. Decides nothing."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic.json_schema import models_json_schema

from tersely import CompressionResult
from tersely_server.compression import BatchRequest, BatchResult, CompressRequest
from tersely_server.error_codes import ERRORS, PROXY_ERRORS
from tersely_server.errors import ErrorResponse, ServiceError, Shape, error_body
from tersely_server.examples import CONVERSATION, DOCUMENT, MILL, QUESTION, RESULT, RETRIEVED, SHORTER
from tersely_server.gateway.answer import MessagesRequest, MessagesResult
from tersely_server.gateway.settings import GatewaySettings, option_headers

_REFERENCE = "#/components/schemas/{model}"


def _json(model: type, *others: type, **examples: Any) -> dict[str, Any]:
    schemas = [{"$ref": _REFERENCE.format(model=schema.__name__)} for schema in (model, *others)]
    schema = {"anyOf": schemas} if others else schemas[0]
    return {"application/json": {"schema": schema, "examples": {name: {"value": examples[name]} for name in examples}}}


def _errors(*codes: str, shape: Shape = "own") -> dict[int | str, dict[str, Any]]:
    """The answers with these codes, by status."""
    known = {**ERRORS, **PROXY_ERRORS}
    answers: dict[int | str, dict[str, Any]] = {}
    for status in sorted({known[code][0] for code in codes}):
        examples, meanings = {}, []
        for code in codes:
            of_code, meaning, message, numbers = known[code]
            if of_code == status:
                error = ServiceError(status, code, message, **numbers)
                examples[code] = error_body(error, shape=shape)
                meanings.append(meaning)
        answers[status] = {"description": " ".join(meanings), "content": _json(ErrorResponse, **examples)}
        if status in (429, 503):
            answers[status]["headers"] = {
                "Retry-After": {"description": "Seconds until another try.", "schema": {"type": "integer"}}
            }
    return answers


def _body(model: type, *others: type, **examples: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": _json(model, *others, **examples)}}


def _option_headers() -> list[dict[str, Any]]:
    """The headers that set an option of a gateway's request."""
    fields = GatewaySettings.model_json_schema()["properties"]
    return [
        {
            "name": header,
            "in": "header",
            "required": False,
            "description": fields[name].pop("description"),
            "schema": fields[name],
        }
        for name, header in option_headers().items()
    ]


def _answer(description: str, content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": content}}


_OF_ALL = ("unauthorized", "foreign_origin", "foreign_host", "internal_error")
_OF_BODIES = ("body_timeout", "body_too_large")
_OF_UPSTREAMS = ("upstream_unreachable", "upstream_timeout")
# Of marked text: it has no passages to keep.
_OF_COMPRESSION = (
    *("time_limit", "too_many_documents", "too_many_tokens", "invalid_input", "protected_text", "overloaded"),
    *("compression_failed", "loading", "model_failed", "shutting_down"),
)
_OF_CALLS = tuple(code for code in ERRORS if code != "not_kept")
# For each route what its decorator takes.
COMPRESS: dict[str, Any] = {
    "response_model": None,
    "openapi_extra": {"parameters": _option_headers()}
    | _body(
        CompressRequest,
        MessagesRequest,
        messages={"model": "gpt-4o", "messages": CONVERSATION},
        question={"documents": [DOCUMENT], "question": QUESTION, "rate": 0.75},
        texts={"documents": [MILL, "Windmills turn when the wind blows."], "target_tokens": 30},
        everything={
            "documents": [{"title": "The old mill", **DOCUMENT, "metadata": {"page": 3}}],
            "question": QUESTION,
            "target_tokens": 40,
            "method": "evidence",
            "order": "original",
            "protect": [r"\d{4}"],
            "instruction": "Answer in one sentence.",
            "settings": {"gap_marker": " [...] ", "fragments": True},
        },
    ),
    "responses": {
        **_answer(
            "The compressed prompt and the account of it; for `messages` these, texts in them shorter.",
            _json(CompressionResult, MessagesResult, question=RESULT, messages=SHORTER),
        ),
        **_errors(*_OF_CALLS),
    },
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "The marker's."}
RETRIEVE: dict[str, Any] = {
    "response_model": None,
    "openapi_extra": {"parameters": [_ID]},
    "responses": {
        **_answer(
            "The text as it came.",
            {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"id": {"type": "string"}, "original_content": {"type": "string"}},
                        "required": ["id", "original_content"],
                    },
                    "example": {"id": RETRIEVED, "original_content": MILL},
                }
            },
        ),
        **_errors(*_OF_ALL, "not_kept"),
    },
}
BATCH: dict[str, Any] = {
    "response_model": None,
    "openapi_extra": _body(
        BatchRequest,
        prompts={
            "requests": [
                {"documents": [DOCUMENT], "question": QUESTION},
                {"documents": [DOCUMENT], "question": "Who built the mill?", "rate": 0.3},
            ],
            "rate": 0.75,
            "return_errors": True,
        },
    ),
    "responses": {
        **_answer(
            "A result, or with `return_errors` an error, for each prompt.",
            _json(
                BatchResult,
                prompts={
                    "results": [
                        RESULT,
                        {
                            "error": {
                                "code": "protected_text",
                                "message": ERRORS["protected_text"][2],
                                "needed": 49,
                                "target": 20,
                                "request": 1,
                            }
                        },
                    ]
                },
            ),
        ),
        **_errors(*_OF_CALLS),
    },
}
METRICS: dict[str, Any] = {
    "response_model": None,
    "response_class": PlainTextResponse,
    "responses": {
        200: {
            "description": "The counters.",
            "content": {
                "text/plain": {"schema": {"type": "string"}, "example": "tersely_tokens_in_total 49.0\n"},
            },
        },
        **_errors(*_OF_ALL),
    },
}
_UPSTREAMS = {"application/json": {"schema": {"type": "object"}}}
PASSED_ON: dict[str, Any] = {
    "response_model": None,
    "responses": {
        **_answer("The upstream's answer, or its error.", _UPSTREAMS),
        **_errors(*_OF_ALL, *_OF_UPSTREAMS, shape="openai"),
    },
}
EMBEDDINGS: dict[str, Any] = {
    **PASSED_ON,
    "responses": {**PASSED_ON["responses"], **_errors(*_OF_BODIES, shape="openai")},
}


def inputs(shape: Shape) -> dict[str, Any]:
    """Of a route that takes the body of a request and compresses nothing."""
    errors = _errors(*_OF_ALL, *_OF_BODIES, "invalid_mark", *_OF_UPSTREAMS, shape=shape)
    return {**PASSED_ON, "responses": {**_answer("The upstream's answer, or its error.", _UPSTREAMS), **errors}}


_MARKED: dict[str, Any] = {"type": "text", "text": MILL, "tersely": {"rate": 0.45}}
_ASKED = [{"role": "user", "content": [_MARKED, {"type": "text", "text": QUESTION}]}]
# Bodies with marked text, of each protocol.
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": _ASKED}
MESSAGES: dict[str, Any] = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": _ASKED}
RESPONSES: dict[str, Any] = {
    "model": "gpt-4o",
    "input": [
        {
            "role": "user",
            "content": [{**_MARKED, "type": "input_text"}, {"type": "input_text", "text": QUESTION}],
        }
    ],
}


def forwarded(example: dict[str, Any], shape: Shape, *, fail_open: bool) -> dict[str, Any]:
    """Of a route whose requests are compressed and forwarded.

    Where the original is forwarded when compression fails, no error of compression is answered.
    """
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    codes = (*_OF_ALL, *_OF_BODIES, "invalid_mark", *_OF_UPSTREAMS, *(() if fail_open else _OF_COMPRESSION))
    answer = _answer("The upstream's answer, a stream where one was asked for, or its error.", _UPSTREAMS)
    return {
        "response_model": None,
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "responses": {**answer, **_errors(*codes, shape=shape)},
    }


_STATE = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
HEALTH: dict[str, Any] = {
    "response_model": None,
    "responses": _answer("It lives.", {"application/json": {"schema": _STATE, "example": {"status": "ok"}}}),
}
READY: dict[str, Any] = {
    "response_model": None,
    "responses": {
        **_answer("It takes work.", {"application/json": {"schema": _STATE, "example": {"status": "ready"}}}),
        **_errors("loading", "model_failed", "shutting_down"),
    },
}


def complete(app: FastAPI) -> None:
    """Add the schemas that the routes refer to to the application's OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        _, definitions = models_json_schema(
            [
                (CompressRequest, "validation"),
                (BatchRequest, "validation"),
                (CompressionResult, "serialization"),
                (MessagesRequest, "validation"),
                (MessagesResult, "serialization"),
                (BatchResult, "serialization"),
                (ErrorResponse, "serialization"),
            ],
            ref_template=_REFERENCE,
        )
        document.setdefault("components", {}).setdefault("schemas", {}).update(definitions["$defs"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]
