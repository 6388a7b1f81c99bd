"""The compressing proxy: forwards chat requests to an OpenAI-compatible API, the text marked as context made shorter.

Routes and what they report. Marks are read in `marked_context`, the forwarding is in `upstream`, the settings are in
`proxy_settings`. No text of a request is ever logged.
"""

from __future__ import annotations

import json
import logging
import math
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple, Protocol

from fastapi import APIRouter, Request, Response

from tersely import CompressionResult, CompressionSettings, InvalidInputError
from tersely_server.documentation import EMBEDDINGS, PASSED_ON, chat
from tersely_server.errors import OpenAIRoute, ServiceError, as_service_error
from tersely_server.marked_context import MarkedRequest, read_marks
from tersely_server.proxy_settings import ProxySettings
from tersely_server.upstream import Relay, Upstream

__all__ = ["Compress", "Forwarded", "ProxySettings", "proxy_router"]

_LONGEST_REASON = 500  # characters of a header
_logger = logging.getLogger("tersely_server")


class Compress(Protocol):
    """How the service compresses: in a thread, a queue or another process."""

    def __call__(self, documents: list[str], question: str | None, **overrides: Any) -> Awaitable[CompressionResult]:
        """Compress documents within one budget; overrides are arguments of `tersely.Compressor.compress`."""


class Forwarded(NamedTuple):
    """What became of one chat request, for metrics.

    Attributes:
        status: `compressed`; `unmarked`, where nothing was marked; `failed`, where compression was.
        original_tokens, compressed_tokens: of the marked text before and after; 0 unless compressed.
        seconds: wall-clock seconds of compression.
        error: the code of the error where compression failed.
        upstream_status: the HTTP status of the upstream's answer; None where there was none.
    """

    status: Literal["compressed", "unmarked", "failed"]
    original_tokens: int = 0
    compressed_tokens: int = 0
    seconds: float = 0.0
    error: str | None = None
    upstream_status: int | None = None


def proxy_router(
    settings: ProxySettings,
    compress: Compress,
    *,
    observe: Callable[[Forwarded], None] | None = None,
    own_token: bool = False,
) -> APIRouter:
    """Routes that forward to an OpenAI-compatible API: chat, its context compressed; models and embeddings as they are.

    The application answers `ServiceError`s (see `add_error_handlers`) and cancels what a client no longer waits for
    (see `ClientConnection`).

    Args:
        settings: where to forward to, and what counts as context.
        compress: does the work.
        observe: called once for each chat request that is forwarded, when its answer begins or fails to.
        own_token: the client's `Authorization` is for this service, which checks it elsewhere; it is not forwarded.
    """
    upstream = Upstream(settings, forward_credentials=not own_token)

    @asynccontextmanager
    async def closing(_: Any) -> AsyncIterator[None]:
        yield
        await upstream.aclose()

    router = APIRouter(prefix="/v1", tags=["proxy"], lifespan=closing, route_class=OpenAIRoute)

    @router.post("/chat/completions", **chat(fail_open=settings.fail_open))
    async def chat_completions(request: Request) -> Response:
        """OpenAI's chat completions: what is marked as context is compressed, all else is forwarded as it is."""
        content, outcome, failure = await _prepared(await request.body(), settings, compress)
        headers = _headers(outcome, failure)
        if failure is not None and not settings.fail_open:
            raise _with_headers(as_service_error(failure), headers) from failure
        status = None
        try:
            answer = await upstream.send(request, "/chat/completions", content)
            status = answer.status_code
        except ServiceError as error:
            raise _with_headers(error, headers) from error
        finally:
            if observe is not None:
                observe(outcome._replace(upstream_status=status))
        return Relay(answer, headers)

    @router.get("/models", **PASSED_ON)
    async def models(request: Request) -> Response:
        """The upstream's list of models."""
        return Relay(await upstream.send(request, "/models", None), {})

    @router.post("/embeddings", **EMBEDDINGS)
    async def embeddings(request: Request) -> Response:
        """The upstream's embeddings, nothing compressed: a pipeline often has one client for both."""
        return Relay(await upstream.send(request, "/embeddings", await request.body()), {})

    return router


async def _prepared(
    content: bytes, settings: ProxySettings, compress: Compress
) -> tuple[bytes, Forwarded, Exception | None]:
    """The body to forward, how it came about, and why compression failed if it did.

    Raises:
        ServiceError: a mark cannot be used: the caller's mistake, to be seen at once.
    """
    read = _read(content, settings)
    if read is None:
        return content, Forwarded("unmarked"), None
    marked, plain = read
    if not marked.texts:
        return plain, Forwarded("unmarked"), None
    start = time.perf_counter()
    try:
        texts, original, compressed = await _compressed(marked, compress)
    except Exception as error:  # whatever it was: the request need not fail with it
        outcome = Forwarded("failed", seconds=time.perf_counter() - start, error=as_service_error(error).code)
        _log_failure(error, outcome)
        return plain, outcome, error
    outcome = Forwarded("compressed", original, compressed, time.perf_counter() - start)
    return _json(marked.with_texts(texts)), outcome, None


async def _compressed(marked: MarkedRequest, compress: Compress) -> tuple[list[str], int, int]:
    """What is left of each marked text, and the tokens of all of them before and after."""
    texts = [text.text for text in marked.texts]
    original = compressed = 0
    for (settings, question), positions in marked.groups().items():
        result = await compress(
            [texts[position] for position in positions],
            question,
            order="original",  # every text stays where it stands
            rate=settings.rate,
            target_tokens=settings.target_tokens,
            method=settings.method,
        )
        for document in result.documents:
            texts[positions[document.index]] = document.text
        original += result.original_tokens
        compressed += result.compressed_tokens
    return texts, original, compressed


def _headers(outcome: Forwarded, failure: Exception | None) -> dict[str, str]:
    """The account for the client."""
    headers = {"x-tersely-status": str(outcome.status)}
    if outcome.status == "compressed":
        headers["x-tersely-original-tokens"] = str(outcome.original_tokens)
        headers["x-tersely-compressed-tokens"] = str(outcome.compressed_tokens)
    if outcome.status != "unmarked":
        headers["x-tersely-seconds"] = f"{outcome.seconds:.3f}"
    if failure is not None:
        error = as_service_error(failure)
        reason = " ".join(f"{error.code}: {error.message}".split())
        headers["x-tersely-error"] = ascii(reason)[1:-1][:_LONGEST_REASON]
    return headers


def _log_failure(error: Exception, outcome: Forwarded) -> None:
    """Say why, but no text: the message of an error may quote the request."""
    _logger.warning("compression failed after %.3f s: %s (%s)", outcome.seconds, outcome.error, type(error).__name__)
    if outcome.error == "internal_error":
        _logger.error("where it did:\n%s", "".join(traceback.format_tb(error.__traceback__)).rstrip())


def _with_headers(error: ServiceError, headers: dict[str, str]) -> ServiceError:
    """The error with the account for the client."""
    headers = {**(error.headers or {}), **headers}
    return ServiceError(error.status_code, error.code, error.message, headers=headers, **error.details)


def _read(content: bytes, settings: ProxySettings) -> tuple[MarkedRequest, bytes] | None:
    """A request with its marks read, and the JSON of it without them.

    None for what is no JSON object, or cannot be written again without loss: that is the upstream's to judge.
    """
    try:
        body = json.loads(content, parse_float=_finite)
        if not isinstance(body, dict):
            return None
        marked = read_marks(body, CompressionSettings(rate=settings.rate), role=settings.role, tag=settings.tag)
        return marked, content if marked.body == body else _json(marked.body)
    except InvalidInputError as error:
        raise ServiceError(400, "invalid_mark", str(error)) from error
    except (ValueError, RecursionError):
        return None


def _finite(number: str) -> float:
    if math.isinf(value := float(number)):
        raise ValueError(f"{number} is too large")
    return value


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
