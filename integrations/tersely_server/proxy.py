"""The compressing proxy: forwards chat requests to an OpenAI-compatible API, the text marked as context made shorter.

Routes, their settings and what they report. Marks are read in `marked_context`, the forwarding is in `upstream`. No text
of a request is ever logged.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple, Protocol

import httpx
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from starlette.requests import ClientDisconnect

from tersely import CompressionResult, CompressionSettings, InvalidInputError, ProtectedTextError, TerselyError
from tersely_server.marked_context import MarkedRequest, read_marks
from tersely_server.upstream import CLIENT_GONE, Relay, Upstream, UpstreamError, openai_error, while_connected

logger = logging.getLogger(__name__)

Status = Literal["compressed", "unmarked", "failed"]


class ProxySettings(BaseModel):
    """Where to forward to, and what counts as context there. Texts that carry a `tersely` object always do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upstream: str
    """The address of the OpenAI-compatible API, as its client takes it as `base_url`: `https://api.openai.com/v1`."""

    upstream_key: SecretStr | None = None
    """Sent to the upstream as the bearer token, instead of any credentials that the client sends."""

    role: str | None = Field(default=None, min_length=1)
    """Messages with this role are context as a whole, such as `tool`."""

    tag: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.-]*$")
    """Text between this tag and its end is context: with `context`, that between `<context>` and `</context>`."""

    rate: float = Field(default=0.5, gt=0, le=1)
    """Compressed / original tokens of marked text that does not say its own rate or target."""

    fail_open: bool = True
    """Where compression fails, forward the original instead of answering with an error."""

    timeout: float = Field(default=600, gt=0, allow_inf_nan=False)
    """Seconds without a byte from the upstream after which it is given up."""

    @field_validator("upstream")
    @classmethod
    def _an_address(cls, upstream: str) -> str:
        example = "give the base URL of the API, such as https://api.openai.com/v1"
        try:
            url = httpx.URL(upstream)
        except (httpx.InvalidURL, ValueError) as error:
            raise ValueError(f"is no URL ({error}); {example}") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"must begin with http:// or https:// and a host; {example}")
        if url.userinfo:
            raise ValueError("must not hold a user name or password; give the key as upstream_key")
        if "?" in upstream or "#" in upstream:
            raise ValueError("must not hold ? or #: a client's own query is forwarded")
        if url.path.rstrip("/").endswith("/chat/completions"):
            raise ValueError(f"must not hold the path of a call; {example}")
        return upstream

    @field_validator("upstream_key")
    @classmethod
    def _a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not re.fullmatch("[!-~]+", key.get_secret_value()):
            raise ValueError("must be printable ASCII without white space, and not empty")
        return key


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
        error: the class of the error where compression failed.
        upstream_status: the HTTP status of the upstream's answer; None where there was none.
    """

    status: Status
    original_tokens: int = 0
    compressed_tokens: int = 0
    seconds: float = 0.0
    error: str | None = None
    upstream_status: int | None = None


class _Prepared(NamedTuple):
    """What to forward, and how it came about."""

    content: bytes
    account: Forwarded
    failure: Exception | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The account as response headers."""
        headers: dict[str, str] = {"x-tersely-status": self.account.status}
        if self.account.status == "compressed":
            headers["x-tersely-original-tokens"] = str(self.account.original_tokens)
            headers["x-tersely-compressed-tokens"] = str(self.account.compressed_tokens)
        if self.account.status != "unmarked":
            headers["x-tersely-seconds"] = f"{self.account.seconds:.3f}"
        if self.failure is not None:
            headers["x-tersely-error"] = _reason(self.failure).encode("ascii", "backslashreplace").decode()[:500]
        return headers


def proxy_router(
    settings: ProxySettings,
    compress: Compress,
    *,
    observe: Callable[[Forwarded], None] | None = None,
    own_token: bool = False,
) -> APIRouter:
    """Routes that forward to an OpenAI-compatible API: chat, its marked text compressed; models and embeddings as is.

    Args:
        settings: where to forward to, and what counts as context.
        compress: does the work.
        observe: called once a chat request, when its answer begins.
        own_token: the client's `Authorization` is for this service, which checks it elsewhere, and is never forwarded.
    """
    upstream = Upstream(
        settings.upstream,
        key=settings.upstream_key,
        forward_credentials=not own_token,
        timeout=settings.timeout,
    )

    @asynccontextmanager
    async def closing(_: Any) -> AsyncIterator[None]:
        yield
        await upstream.aclose()

    router = APIRouter(prefix="/v1", tags=["proxy"], lifespan=closing)

    @router.post("/chat/completions", response_model=None)
    async def chat_completions(request: Request) -> Response:
        """OpenAI's chat completions: text marked as context is compressed, the rest is forwarded as it is."""

        async def exchange() -> Response:
            try:
                prepared = await _prepare(await request.body(), settings, compress)
            except InvalidInputError as error:  # a mark that cannot be read is the caller's mistake, to be seen at once
                return openai_error(400, str(error), code="invalid_tersely_options", type="invalid_request_error")
            if prepared.failure is not None and not settings.fail_open:
                _report(prepared.account)
                return _compression_error(prepared)
            return await _forward(request, "/chat/completions", prepared)

        return await _answer(request, exchange)

    @router.get("/models", response_model=None)
    async def models(request: Request) -> Response:
        """The upstream's list of models."""
        return await _answer(request, lambda: _forward(request, "/models"))

    @router.post("/embeddings", response_model=None)
    async def embeddings(request: Request) -> Response:
        """The upstream's embeddings, nothing compressed: a pipeline often has one client for both."""
        return await _answer(request, lambda: _forward(request, "/embeddings"))

    async def _forward(request: Request, path: str, prepared: _Prepared | None = None) -> Response:
        headers = prepared.headers if prepared else {}
        content = prepared.content if prepared else await request.body()
        try:
            answer = await upstream.send(request, path, content)
        except UpstreamError as error:
            logger.warning("%s", error)
            if prepared:
                _report(prepared.account)
            return openai_error(error.status, str(error), code=error.code, headers=headers)
        if prepared:
            _report(prepared.account._replace(upstream_status=answer.status_code))
        return Relay(answer, headers)

    def _report(account: Forwarded) -> None:
        if observe is not None:
            observe(account)

    return router


async def _answer(request: Request, exchange: Callable[[], Awaitable[Response]]) -> Response:
    try:
        answer = await while_connected(request.receive, exchange)
    except ClientDisconnect:
        answer = None
    return answer or Response(status_code=CLIENT_GONE)


async def _prepare(content: bytes, settings: ProxySettings, compress: Compress) -> _Prepared:
    """The body to forward.

    Raises:
        InvalidInputError: a mark cannot be used.
    """
    body = _read_json(content)
    if body is None:
        return _Prepared(content, Forwarded("unmarked"))
    marked = read_marks(body, CompressionSettings(rate=settings.rate), role=settings.role, tag=settings.tag)
    if not marked.texts:
        return _Prepared(content if marked.body == body else _json(marked.body), Forwarded("unmarked"))
    start = time.perf_counter()
    try:
        texts, original, compressed = await _compressed(marked, compress)
    except Exception as error:  # whatever it was: the request need not fail with it
        seconds = time.perf_counter() - start
        logger.warning("compression failed after %.3f s: %s", seconds, type(error).__name__)
        account = Forwarded("failed", seconds=seconds, error=type(error).__name__)
        return _Prepared(_json(marked.body), account, error)
    account = Forwarded("compressed", original, compressed, time.perf_counter() - start)
    return _Prepared(_json(marked.with_texts(texts)), account)


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


def _compression_error(prepared: _Prepared) -> Response:
    failure = prepared.failure
    theirs = isinstance(failure, (InvalidInputError, ProtectedTextError))
    return openai_error(
        400 if theirs else 500,
        f"the marked text could not be compressed: {_reason(failure)}",
        code="compression_failed",
        type="invalid_request_error" if theirs else "api_error",
        headers=prepared.headers,
    )


def _reason(failure: Exception | None) -> str:
    """For the client. Of errors that nobody wrote for people only the class is told."""
    name = type(failure).__name__
    return f"{name}: {' '.join(str(failure).split())}" if isinstance(failure, TerselyError) else name


def _read_json(content: bytes) -> dict[str, Any] | None:
    """A JSON object that can be written again without loss; None for all else, which is the upstream's to judge."""
    try:
        body = json.loads(content, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _finite(number: str) -> float:
    if math.isinf(value := float(number)):
        raise ValueError(f"{number} is too large")
    return value


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
