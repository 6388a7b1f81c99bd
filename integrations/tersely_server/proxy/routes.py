"""The compressing proxy: forwards requests to an API of OpenAI's or Anthropic's kind, the context in them made shorter.

Routes only. Bodies are made ready in `preparation`; the forwarding is in `upstream`, the settings are in `settings`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response

from tersely_server.documentation import CHAT, EMBEDDINGS, MESSAGES, PASSED_ON, RESPONSES, forwarded, inputs
from tersely_server.errors import ServiceError, UpstreamRoute, as_service_error
from tersely_server.proxy.marked_compression import Compress
from tersely_server.proxy.preparation import Forwarded, Preparation
from tersely_server.proxy.protocols import Reader, read_chat, read_messages, read_responses
from tersely_server.proxy.settings import ProxySettings
from tersely_server.proxy.upstream import Relay, Upstream

__all__ = ["Compress", "Forwarded", "ProxySettings", "proxy_router"]

_LONGEST_NAME = 100  # characters


def proxy_router(
    settings: ProxySettings,
    compress: Compress,
    *,
    observe: Callable[[Forwarded], None] | None = None,
    own_token: bool = False,
) -> APIRouter:
    """Routes that forward to an API: chat, messages and responses, their context compressed; the rest as it is.

    The application answers `ServiceError`s (see `add_error_handlers`) and cancels what a client no longer waits for
    (see `ClientConnection`).

    Args:
        settings: where to forward to, and what counts as context.
        compress: does the work.
        observe: called once for each request that could be compressed, when its answer begins or fails to.
        own_token: the client's `Authorization` is for this service, which checks it elsewhere; it is not forwarded.
    """
    forwarding = _Forwarding(settings, compress, observe, own_token)

    @asynccontextmanager
    async def closing(_: Any) -> AsyncIterator[None]:
        yield
        await forwarding.upstream.aclose()

    router = APIRouter(prefix="/v1", tags=["proxy"], lifespan=closing, route_class=UpstreamRoute)
    _add_compressed(router, forwarding, settings.fail_open)
    _add_inputs(router, forwarding)
    _add_passed_on(router, forwarding.upstream)
    return router


class _Forwarding:
    """Forwards requests, compressed or not."""

    def __init__(
        self,
        settings: ProxySettings,
        compress: Compress,
        observe: Callable[[Forwarded], None] | None,
        own_token: bool,
    ) -> None:
        self.upstream = Upstream(settings, forward_credentials=not own_token)
        self._fail_open, self._observe = settings.fail_open, observe
        self._prepare = Preparation(settings, compress)

    async def compressed(self, request: Request, path: str, reader: Reader) -> Response:
        """What is marked as context is compressed."""
        prepared = await self._prepare(await request.body(), request.headers, reader)
        headers, failure, status = prepared.headers(), prepared.failure, None
        if failure is not None and not self._fail_open:
            raise _with_headers(as_service_error(failure), headers) from failure
        try:
            answer = await self.upstream.send(request, path, prepared.content)
            status = answer.status_code
        except ServiceError as error:
            raise _with_headers(error, headers) from error
        finally:
            if self._observe is not None:
                self._observe(prepared.outcome._replace(upstream_status=status))
        return Relay(answer, headers)

    async def unmarked(self, request: Request, path: str, reader: Reader) -> Response:
        """Nothing is compressed, but no mark reaches the upstream, which would refuse it."""
        content = self._prepare.unmarked(await request.body(), request.headers, reader)
        return Relay(await self.upstream.send(request, path, content), {})


def _add_compressed(router: APIRouter, forwarding: _Forwarding, fail_open: bool) -> None:
    @router.post("/chat/completions", **forwarded(CHAT, "openai", fail_open=fail_open))
    async def chat_completions(request: Request) -> Response:
        """OpenAI's chat completions: what is marked as context is compressed, all else is forwarded as it is."""
        return await forwarding.compressed(request, "/chat/completions", read_chat)

    @router.post("/messages", **forwarded(MESSAGES, "anthropic", fail_open=fail_open))
    async def messages(request: Request) -> Response:
        """Anthropic's messages: what is marked as context is compressed, all else is forwarded as it is."""
        return await forwarding.compressed(request, "/messages", read_messages)

    @router.post("/responses", **forwarded(RESPONSES, "openai", fail_open=fail_open))
    async def responses(request: Request) -> Response:
        """OpenAI's responses: what is marked as context is compressed, all else is forwarded as it is."""
        return await forwarding.compressed(request, "/responses", read_responses)


def _add_inputs(router: APIRouter, forwarding: _Forwarding) -> None:
    """Routes that take the body of a request and answer no question."""

    @router.post("/messages/count_tokens", **inputs("anthropic"))
    async def count_tokens(request: Request) -> Response:
        """How many tokens the upstream counts in messages as they came."""
        return await forwarding.unmarked(request, "/messages/count_tokens", read_messages)

    @router.post("/responses/input_tokens", **inputs("openai"))
    async def input_tokens(request: Request) -> Response:
        """How many tokens the upstream counts in an input as it came."""
        return await forwarding.unmarked(request, "/responses/input_tokens", read_responses)

    @router.post("/responses/compact", **inputs("openai"))
    async def compact(request: Request) -> Response:
        """The upstream's own summary of an input as it came."""
        return await forwarding.unmarked(request, "/responses/compact", read_responses)

    @router.post("/embeddings", **EMBEDDINGS)
    async def embeddings(request: Request) -> Response:
        """The upstream's embeddings, nothing compressed: a pipeline often has one client for both."""
        return Relay(await forwarding.upstream.send(request, "/embeddings", await request.body()), {})


def _add_passed_on(router: APIRouter, upstream: Upstream) -> None:
    """Routes without a body."""

    @router.get("/models", **PASSED_ON)
    async def models(request: Request) -> Response:
        """The upstream's list of models."""
        return Relay(await upstream.send(request, "/models", None), {})

    @router.get("/models/{model:path}", **PASSED_ON)
    async def model(request: Request, model: str) -> Response:
        """What the upstream says of one model."""
        return Relay(await upstream.send(request, _path(request, model), None), {})

    async def response(request: Request, response: str) -> Response:
        """A response that the upstream has stored."""
        return Relay(await upstream.send(request, _path(request, response), None), {})

    for method, path in (
        ("GET", "/responses/{response}"),
        ("DELETE", "/responses/{response}"),
        ("GET", "/responses/{response}/input_items"),
        ("POST", "/responses/{response}/cancel"),
    ):
        router.add_api_route(path, response, methods=[method], **PASSED_ON)


def _path(request: Request, name: str) -> str:
    """The path below the upstream's address, as the client wrote it: to some upstreams a slash in a name is %2F.

    Raises:
        HTTPException: an upstream could take the name for another address.
    """
    if {"", ".", ".."} & set(re.split(r"[/\\]", name)):
        raise HTTPException(404, f"{name!a:.{_LONGEST_NAME}} is no name of the upstream's; /v1/models lists the models")
    written = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return f"/{written.partition(b'/v1/')[2].decode()}"


def _with_headers(error: ServiceError, headers: dict[str, str]) -> ServiceError:
    """The error with the account for the client."""
    headers = {**(error.headers or {}), **headers}
    return ServiceError(error.status_code, error.code, error.message, headers=headers, **error.details)
