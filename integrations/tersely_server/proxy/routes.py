"""The compressing proxy: forwards chat requests to an OpenAI-compatible API, the text marked as context made shorter.

Routes and what they report. Marks are read in `marked_context`, their texts compressed in `marked_compression` and put
back in `forwarded_body`; the forwarding is in `upstream`, the settings are in `settings`. No text of a request is
ever logged.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response

from tersely import CompressionSettings, InvalidInputError
from tersely_server.documentation import EMBEDDINGS, PASSED_ON, chat
from tersely_server.errors import OpenAIRoute, ServiceError, as_service_error
from tersely_server.proxy.forwarded_body import with_texts, without_marks
from tersely_server.proxy.json_source import parsed
from tersely_server.proxy.marked_compression import Compress, Compressed, compress_marked
from tersely_server.proxy.marked_context import MarkedRequest, read_marks
from tersely_server.proxy.settings import ProxySettings
from tersely_server.proxy.upstream import Relay, Upstream

__all__ = ["Compress", "Forwarded", "ProxySettings", "proxy_router"]

_LONGEST_REASON = 500  # characters of a header
_LONGEST_NAME = 100  # characters
_logger = logging.getLogger("tersely_server")


class Forwarded(NamedTuple):
    """What became of one chat request, for metrics.

    Attributes:
        status: `compressed`; `partial`, where some texts could not be compressed; `failed`, where none could;
            `unmarked`, where nothing was marked.
        original_tokens, compressed_tokens: of the compressed texts before and after.
        seconds: wall-clock seconds of compression.
        error: the code of the error where compression failed, of the first one where several did.
        upstream_status: the HTTP status of the upstream's answer; None where there was none.
    """

    status: Literal["compressed", "partial", "unmarked", "failed"]
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

    @router.get("/models/{model:path}", **PASSED_ON)
    async def model(request: Request, model: str) -> Response:
        """What the upstream says of one model."""
        if {"", ".", ".."} & set(re.split(r"[/\\]", model)):  # an upstream could take it for another address
            raise HTTPException(404, f"{model!a:.{_LONGEST_NAME}} is no model's name; /v1/models lists them")
        # As the client wrote it: to some upstreams a slash within a name is %2F.
        written = (request.scope.get("raw_path") or quote(request.scope["path"]).encode()).partition(b"/v1/models/")[2]
        return Relay(await upstream.send(request, f"/models/{written.decode()}", None), {})

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
    if not read.marked.texts:
        return read.unmarked, Forwarded("unmarked"), None
    start = time.perf_counter()
    try:
        compressed = await compress_marked(read.marked, compress)
        body = read.with_texts(compressed.texts)
    except RecursionError as error:  # nested so deep that it could just be read
        compressed, body = Compressed([], failures=[error]), read.unmarked
    seconds = time.perf_counter() - start
    failure = compressed.failures[0] if compressed.failures else None
    outcome = Forwarded(
        "failed" if not compressed.done else "partial" if failure else "compressed",
        compressed.original_tokens,
        compressed.compressed_tokens,
        seconds,
        as_service_error(failure).code if failure else None,
    )
    for fault in compressed.failures:
        _log_failure(fault, seconds)
    return body, outcome, failure


def _headers(outcome: Forwarded, failure: Exception | None) -> dict[str, str]:
    """The account for the client."""
    headers = {"x-tersely-status": str(outcome.status)}
    if outcome.status in ("compressed", "partial"):
        headers["x-tersely-original-tokens"] = str(outcome.original_tokens)
        headers["x-tersely-compressed-tokens"] = str(outcome.compressed_tokens)
    if outcome.status != "unmarked":
        headers["x-tersely-seconds"] = f"{outcome.seconds:.3f}"
    if failure is not None:
        error = as_service_error(failure)
        reason = " ".join(f"{error.code}: {error.message}".split())
        headers["x-tersely-error"] = ascii(reason)[1:-1][:_LONGEST_REASON]
    return headers


def _log_failure(error: Exception, seconds: float) -> None:
    """Say why, but no text: the message of an error may quote the request."""
    code = as_service_error(error).code
    _logger.warning("compression failed after %.3f s: %s (%s)", seconds, code, type(error).__name__)
    if code == "internal_error":
        _logger.error("where it did:\n%s", "".join(traceback.format_tb(error.__traceback__)).rstrip())


def _with_headers(error: ServiceError, headers: dict[str, str]) -> ServiceError:
    """The error with the account for the client."""
    headers = {**(error.headers or {}), **headers}
    return ServiceError(error.status_code, error.code, error.message, headers=headers, **error.details)


class _Read(NamedTuple):
    """A request, its marks read, and the JSON that it came as."""

    marked: MarkedRequest
    source: str
    encoding: str
    unmarked: bytes

    def with_texts(self, texts: list[str]) -> bytes:
        return with_texts(self.source, self.marked, texts).encode(self.encoding, "surrogatepass")


def _read(content: bytes, settings: ProxySettings) -> _Read | None:
    """A request with its marks read; None for what is no JSON object: that is the upstream's to judge.

    Raises:
        ServiceError: a mark cannot be used.
    """
    try:
        encoding = json.detect_encoding(content)
        source = content.decode(encoding, "surrogatepass")
        body = parsed(source)
        if not isinstance(body, dict):
            return None
        marked = read_marks(body, CompressionSettings(rate=settings.rate), role=settings.role, tag=settings.tag)
        unmarked = without_marks(source, marked).encode(encoding, "surrogatepass") if marked.marks else content
        return _Read(marked, source, encoding, unmarked)
    except InvalidInputError as error:
        raise ServiceError(400, "invalid_mark", str(error)) from error
    except (ValueError, RecursionError):
        return None
