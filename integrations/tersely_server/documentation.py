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

_REFERENCE = "#/components/schemas/{model}"

_MILL = (
    "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros, "
    "after years of decay. Its roof had fallen in, and nobody had lived there since the war."
)
_KEPT = (
    "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros, "
    "after years of decay."
)
_QUESTION = "When was the mill sold?"
_DOCUMENT = {"text": _MILL, "id": "mill"}
_RESULT: dict[str, Any] = {
    "prompt": f"{_KEPT}\n\n{_QUESTION}",
    "context": _KEPT,
    "documents": [
        {
            "index": 0,
            "document": {**_DOCUMENT, "title": None, "metadata": {}, "keep": False, "keep_passages": []},
            "kept": [[0, 131]],
            "text": _KEPT,
            "relevance": 2.16,
            "original_tokens": 55,
            "compressed_tokens": 40,
            "short_title": None,
            "instead": [],
            "copy_of": None,
        }
    ],
    "skipped": [],
    "repaired": [],
    "question": _QUESTION,
    "instruction": None,
    "method": "evidence",
    "model": "smollm2-135m-instruct",
    "tokenizer": "o200k_base",
    "target_tokens": 41,
    "original_tokens": 55,
    "compressed_tokens": 40,
    "left_out": [
        {"index": 0, "id": "mill", "span": [132, 197], "tokens": 15, "budget": 15, "relevance": -1.06},
    ],
    "smallest_useful_budget": None,
    "notes": ["unused: 1 of 41 tokens, next unit needs 15 tokens"],
    "seconds": {"segment": 0.001, "rank": 0.08, "score": 0.001, "fit": 0.001, "render": 0.001},
    "unused_tokens": 1,
    "rate": 0.7272727272727273,
    "ratio": 1.375,
}


def _json(model: type, **examples: Any) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
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


def _body(model: type, **examples: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": _json(model, **examples)}}


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
# For each route what its decorator takes.
COMPRESS: dict[str, Any] = {
    "response_model": None,
    "openapi_extra": _body(
        CompressRequest,
        question={"documents": [_DOCUMENT], "question": _QUESTION, "rate": 0.75},
        texts={"documents": [_MILL, "Windmills turn when the wind blows."], "target_tokens": 30},
        everything={
            "documents": [{"title": "The old mill", **_DOCUMENT, "metadata": {"page": 3}}],
            "question": _QUESTION,
            "target_tokens": 40,
            "method": "evidence",
            "order": "original",
            "protect": [r"\d{4}"],
            "instruction": "Answer in one sentence.",
            "settings": {"gap_marker": " [...] ", "fragments": True},
        },
    ),
    "responses": {
        **_answer("The compressed prompt and the account of it.", _json(CompressionResult, question=_RESULT)),
        **_errors(*ERRORS),
    },
}
BATCH: dict[str, Any] = {
    "response_model": None,
    "openapi_extra": _body(
        BatchRequest,
        prompts={
            "requests": [
                {"documents": [_DOCUMENT], "question": _QUESTION},
                {"documents": [_DOCUMENT], "question": "Who built the mill?", "rate": 0.3},
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
                        _RESULT,
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
        **_errors(*ERRORS),
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


_MARKED: dict[str, Any] = {"type": "text", "text": _MILL, "tersely": {"rate": 0.45}}
_ASKED = [{"role": "user", "content": [_MARKED, {"type": "text", "text": _QUESTION}]}]
# Bodies with marked text, of each protocol.
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": _ASKED}
MESSAGES: dict[str, Any] = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": _ASKED}
RESPONSES: dict[str, Any] = {
    "model": "gpt-4o",
    "input": [
        {
            "role": "user",
            "content": [{**_MARKED, "type": "input_text"}, {"type": "input_text", "text": _QUESTION}],
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
                (BatchResult, "serialization"),
                (ErrorResponse, "serialization"),
            ],
            ref_template=_REFERENCE,
        )
        document.setdefault("components", {}).setdefault("schemas", {}).update(definitions["$defs"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]
