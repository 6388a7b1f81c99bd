"""Every error code, its meaning and an example, for the OpenAPI document and the docs. Decides nothing."""

from __future__ import annotations

from typing import Any

# code -> (HTTP status, meaning, an example of its message, further fields of the answer)
ERRORS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
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
    "foreign_host": (
        403,
        "No token is set, and the name in `Host` is not this service's.",
        "without a token, this service does not answer to the name 'tersely.example'; allow it with --allowed-host, or "
        "start the service with a token",
        {},
    ),
    "not_kept": (
        404,
        "There is no original of that id for this caller, or none any more.",
        "this service keeps no originals; start it with --originals-bytes",
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
# Codes of the proxy; docs/proxy.md lists them.
PROXY_ERRORS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "invalid_mark": (
        400,
        "A `tersely` object of a chat request cannot be used.",
        "messages[0].content[1].tersely: rate: input should be less than or equal to 1, got 25",
        {},
    ),
    "upstream_unreachable": (
        502,
        "The upstream gave no answer.",
        "the upstream api.openai.com gave no answer (ConnectError)",
        {},
    ),
    "upstream_timeout": (
        504,
        "The upstream did not answer in time.",
        "the upstream api.openai.com did not answer in time (ReadTimeout)",
        {},
    ),
}
