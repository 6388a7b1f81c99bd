"""What the OpenAPI document says beyond the routes: bodies, answers and errors, with examples. Decides nothing."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic.json_schema import models_json_schema

from tersely import CompressionResult
from tersely_server.calls import BatchRequest, BatchResult, CompressRequest
from tersely_server.errors import ErrorResponse

_REFERENCE = "#/components/schemas/{model}"

_MILL = (
    "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros, "
    "after years of decay. Its roof had fallen in, and nobody had lived there since the war."
)
_KEPT = "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros,"
_QUESTION = "When was the mill sold?"
_DOCUMENT = {"text": _MILL, "id": "mill"}
_RESULT = {
    "prompt": f"{_KEPT}\n\n{_QUESTION}",
    "context": _KEPT,
    "documents": [
        {
            "index": 0,
            "document": {**_DOCUMENT, "title": None, "metadata": {}, "keep": False, "keep_passages": []},
            "kept": [[0, 109]],
            "text": _KEPT,
            "relevance": 2.33,
            "original_tokens": 55,
            "compressed_tokens": 35,
        }
    ],
    "skipped": [],
    "question": _QUESTION,
    "instruction": None,
    "method": "evidence",
    "model": "smollm2-135m-instruct",
    "tokenizer": "o200k_base",
    "target_tokens": 35,
    "original_tokens": 55,
    "compressed_tokens": 35,
    "seconds": {"segment": 0.001, "rank": 0.08, "score": 0.001, "fit": 0.001, "render": 0.001},
    "rate": 0.6363636363636364,
    "ratio": 1.5714285714285714,
}

# code -> (status, what it means, an example of its message, what comes with it)
Errors = dict[str, tuple[int, str, str, dict[str, Any]]]
ERRORS: Errors = {
    "invalid_json": (
        400,
        "The body is no JSON.",
        "the body is no JSON: EOF while parsing a value at line 1 column 0",
        {},
    ),
    "unauthorized": (
        401,
        "The token is missing or wrong.",
        "a token is needed: send `Authorization: Bearer TOKEN` with the one the service was started with",
        {},
    ),
    "foreign_origin": (
        403,
        "No token is set, and a web page of another site calls.",
        "without a token, pages of other sites may not call this service; start it with one",
        {},
    ),
    "body_timeout": (
        408,
        "The body came too slowly.",
        "the body had not arrived after 60 seconds; send it faster, or in smaller requests",
        {"limit": 60.0},
    ),
    "time_limit": (
        408,
        "The work took too long and was stopped.",
        "the work was not done after 60 seconds and was stopped; send fewer or shorter documents",
        {"limit": 60.0},
    ),
    "body_too_large": (
        413,
        "The body has too many bytes.",
        "the body has more than the 4000000 bytes that are allowed; send fewer documents in a request",
        {"limit": 4_000_000},
    ),
    "too_many_documents": (
        413,
        "There are too many documents, or prompts in a batch.",
        "the request has 1200 documents, and 1000 are allowed; send fewer or shorter documents in a request",
        {"limit": 1_000},
    ),
    "too_many_tokens": (
        413,
        "Documents, titles, questions and instructions have too many tokens.",
        "the request has more than the 200000 tokens that are allowed; send fewer or shorter documents in a request",
        {"limit": 200_000},
    ),
    "too_many_passages": (
        413,
        "To find all `keep_passages` would take too long.",
        "keep_passages: so many passages stand in so much text so often that to find them takes too long; send fewer, "
        "or as [start, end]",
        {"limit": 100_000},
    ),
    "patterns_too_large": (
        413,
        "The patterns of `protect` would fill the memory.",
        "protect: the patterns have more than 100000 characters, repetitions such as x{100} written out; send fewer or "
        "simpler ones",
        {"limit": 100_000},
    ),
    "invalid_input": (
        422,
        "A document, the question or a setting cannot be used; the library's message.",
        "rate: input should be less than or equal to 1, got 25",
        {},
    ),
    "protected_text": (
        422,
        "What must be kept is longer than the budget.",
        "protected text alone takes 49 tokens, 29 more than the budget of 20; raise the budget to at least 49 tokens "
        "or protect less",
        {"needed": 49, "target": 20},
    ),
    "overloaded": (
        429,
        "All places are taken, or no thread was free in time; `Retry-After` says when to try again.",
        "the service has more work than it can do: all 40 places are taken; try again in 3 seconds",
        {"retry_after": 3},
    ),
    "internal_error": (
        500,
        "An error of the service.",
        "an error of the service; its log has more under this X-Request-ID",
        {},
    ),
    "compression_failed": (
        500,
        "The model failed.",
        "the tokenizer callable must return a number of tokens, got -1",
        {},
    ),
    "loading": (503, "The model is being loaded.", "the model is being loaded; try again", {}),
    "model_failed": (
        503,
        "The model could not be loaded.",
        "the model could not be loaded: unknown model 'x': no such file or folder",
        {},
    ),
    "shutting_down": (
        503,
        "The service finishes what it took and takes nothing new.",
        "the service is shutting down and takes no new work; ask another one, or try again",
        {},
    ),
}
# The proxy's own, in OpenAI's shape; docs/proxy.md names them.
PROXY_ERRORS: Errors = {
    "invalid_mark": (
        400,
        "A `tersely` object of a chat request cannot be used.",
        "messages[0].content[1].tersely: rate: input should be less than or equal to 1, got 25",
        {"type": "invalid_request_error"},
    ),
    "upstream_unreachable": (
        502,
        "The upstream gave no answer.",
        "the upstream api.openai.com gave no answer (ConnectError)",
        {"type": "api_error"},
    ),
    "upstream_timeout": (
        504,
        "The upstream did not answer in time.",
        "the upstream api.openai.com did not answer in time (ReadTimeout)",
        {"type": "api_error"},
    ),
}


def _json(model: type, **examples: Any) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"application/json": {"schema": schema, "examples": {name: {"value": examples[name]} for name in examples}}}


def _errors(*statuses: int, among: Errors = ERRORS) -> dict[int | str, dict[str, Any]]:
    answers: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        codes = {code: entry for code, entry in among.items() if entry[0] == status}
        answers[status] = {
            "description": " ".join(meaning for _, meaning, _, _ in codes.values()),
            "content": _json(
                ErrorResponse,
                **{
                    code: {"error": {"code": code, "message": message, **numbers}}
                    for code, (_, _, message, numbers) in codes.items()
                },
            ),
        }
        if status in (429, 503):
            answers[status]["headers"] = {
                "Retry-After": {"description": "Seconds until another try.", "schema": {"type": "integer"}}
            }
    return answers


def _body(model: type, **examples: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": _json(model, **examples)}}


def _answer(description: str, content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": content}}


# For each route what its decorator takes.
COMPRESS: dict[str, Any] = {
    "response_model": None,
    "openapi_extra": _body(
        CompressRequest,
        question={"documents": [_DOCUMENT], "question": _QUESTION, "rate": 0.65},
        texts={"documents": [_MILL, "Windmills turn when the wind blows."], "target_tokens": 30},
        everything={
            "documents": [{"title": "The old mill", **_DOCUMENT, "metadata": {"page": 3}}],
            "question": _QUESTION,
            "target_tokens": 40,
            "method": "evidence",
            "order": "original",
            "protect": [r"\d{4}"],
            "instruction": "Answer in one sentence.",
            "settings": {"gap_marker": " [...] "},
        },
    ),
    "responses": {
        **_answer("The compressed prompt and the account of it.", _json(CompressionResult, question=_RESULT)),
        **_errors(400, 401, 403, 408, 413, 422, 429, 500, 503),
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
            "rate": 0.65,
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
        **_errors(400, 401, 403, 408, 413, 422, 429, 500, 503),
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
        **_errors(401, 403, 500),
    },
}
_UPSTREAMS = {"application/json": {"schema": {"type": "object"}}}
PASSED_ON: dict[str, Any] = {
    "response_model": None,
    "responses": {
        **_answer("The upstream's answer, or its error.", _UPSTREAMS),
        **_errors(401, 403, 500),
        **_errors(502, 504, among=PROXY_ERRORS),
    },
}
_OF_BODIES = {code: ERRORS[code] for code in ("body_timeout", "body_too_large")}
EMBEDDINGS: dict[str, Any] = {
    **PASSED_ON,
    "responses": {**PASSED_ON["responses"], **_errors(408, 413, among=_OF_BODIES)},
}
CHAT: dict[str, Any] = {
    "response_model": None,
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "example": {
                        "model": "gpt-4o",
                        "messages": [
                            {
                                "role": "user",
                                "content": [
                                    {"type": "text", "text": _MILL, "tersely": {"rate": 0.45}},
                                    {"type": "text", "text": _QUESTION},
                                ],
                            }
                        ],
                    },
                }
            },
        }
    },
    "responses": {
        **_answer("The upstream's answer, a stream where one was asked for, or its error.", _UPSTREAMS),
        **_errors(401, 403, 408, 413, 422, 429, 500, 503),
        **_errors(400, 502, 504, among=PROXY_ERRORS),
    },
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
        **_errors(503),
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
