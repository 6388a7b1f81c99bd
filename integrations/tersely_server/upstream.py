"""Forwards an HTTP request to an OpenAI-compatible API and its answer back, byte by byte. Knows nothing of compression.

Only the configured address is ever called: redirects are passed on instead of followed, and proxies, `.netrc` and
cookies of the environment are left alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar

import anyio
import httpx
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

Outcome = TypeVar("Outcome")
Headers = list[tuple[bytes, bytes]]

# Of one connection, not of the message (RFC 9110, section 7.6.1), and what the next connection says for itself.
_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
}  # fmt: skip
_OWN_REQUEST = {b"host", b"content-length", b"expect"}
_OWN_RESPONSE = {b"date", b"server"}
_CREDENTIALS = {b"authorization", b"api-key", b"x-api-key"}

_CONNECT_SECONDS = 10
CLIENT_GONE = 499  # nobody sees it but the access log


class UpstreamError(Exception):
    """The upstream gave no answer.

    Attributes:
        status: 502, or 504 where the time was up.
        code: a word for programs: `upstream_unreachable`, `upstream_timeout`.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Upstream:
    """An OpenAI-compatible API that requests are forwarded to.

    Args:
        url: what the OpenAI client takes as `base_url`.
        key: sent as the bearer token, instead of any credentials that the client sends.
        forward_credentials: whether, without a key, those of the client are passed on.
        timeout: seconds without a byte after which the upstream is given up.
    """

    def __init__(self, url: str, *, key: SecretStr | None, forward_credentials: bool, timeout: float) -> None:
        self._url, self._key = httpx.URL(url.rstrip("/")), key
        self._forward_credentials = forward_credentials and key is None
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
        self._open_client: httpx.AsyncClient | None = None

    async def send(self, request: Request, path: str, content: bytes) -> httpx.Response:
        """Forward a request; the answer's body is still to be read.

        Args:
            request: the client's: its method, query and headers are forwarded.
            path: below the upstream's address.
            content: the body.

        Raises:
            UpstreamError: there was no answer, or not in time.
        """
        url = self._url.copy_with(
            raw_path=self._url.raw_path.rstrip(b"/") + path.encode() + _question_mark(request.scope["query_string"])
        )
        forwarded = httpx.Request(
            request.method, url, headers=self._headers(request), content=content if request.method == "POST" else None
        )
        try:
            return await self._client.send(forwarded, stream=True)
        except httpx.TimeoutException as error:
            raise UpstreamError(
                504,
                "upstream_timeout",
                f"the upstream {self._url.host} did not answer in time ({type(error).__name__})",
            ) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise UpstreamError(
                502, "upstream_unreachable", f"the upstream {self._url.host} gave no answer ({type(error).__name__})"
            ) from error

    async def aclose(self) -> None:
        """Close all connections."""
        if self._open_client is not None:
            await self._open_client.aclose()

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._open_client is None or self._open_client.is_closed:
            self._open_client = httpx.AsyncClient(
                trust_env=False,
                verify=httpx.create_ssl_context(),  # an own authority's certificate is found by SSL_CERT_FILE
                timeout=self._timeout,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one client's are no other's
            )
        return self._open_client

    def _headers(self, request: Request) -> Headers:
        left_out = _OWN_REQUEST if self._forward_credentials else _OWN_REQUEST | _CREDENTIALS
        headers = end_to_end(request.headers.raw, left_out)
        if self._key is not None:
            headers.append((b"authorization", b"Bearer " + self._key.get_secret_value().encode()))
        if "accept-encoding" not in request.headers:  # or httpx would ask for what the client cannot read
            headers.append((b"accept-encoding", b"identity"))
        return headers


class Relay(Response):
    """An upstream's answer, passed on as it comes. It ends as the upstream does: where that breaks off, it breaks off.

    Args:
        answer: with its body still to be read.
        headers: in addition to the upstream's.
    """

    def __init__(self, answer: httpx.Response, headers: dict[str, str]) -> None:
        self.answer = answer
        self.status_code = answer.status_code
        self.background = None
        self.raw_headers = [
            *end_to_end(answer.headers.raw, _OWN_RESPONSE | {name.encode() for name in headers}),
            *((name.encode(), value.encode("latin-1")) for name, value in headers.items()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the upstream's connection is closed as soon as the client has gone."""

        async def pass_on() -> None:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in self.answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            await while_connected(receive, pass_on)
        finally:
            with anyio.CancelScope(shield=True):
                await self.answer.aclose()


def openai_error(
    status: int, message: str, *, code: str, type: str = "api_error", headers: dict[str, str] | None = None
) -> Response:
    """An error in the shape that OpenAI's clients read."""
    error = {"message": message, "type": type, "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers)


def end_to_end(headers: Iterable[tuple[bytes, bytes]], left_out: Iterable[bytes]) -> Headers:
    """Those headers that are not of one connection only, without those to leave out; names in lower case."""
    lowered = [(name.lower(), value) for name, value in headers]
    named = {one.strip().lower() for name, value in lowered if name == b"connection" for one in value.split(b",")}
    dropped = _HOP_BY_HOP | named | set(left_out)
    return [(name, value) for name, value in lowered if name not in dropped]


async def while_connected(receive: Receive, work: Callable[[], Awaitable[Outcome]]) -> Outcome | None:
    """Do some work, and give it up as soon as the client has gone; the outcome is None then."""
    outcome: Outcome | None = None
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        try:
            outcome = await work()
        except Exception as error:  # raised below as it is, not in a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return outcome


def _question_mark(query: bytes) -> bytes:
    return b"?" + query if query else b""
