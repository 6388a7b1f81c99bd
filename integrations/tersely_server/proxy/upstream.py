"""Forwards an HTTP request to an API and its answer back, byte by byte. Knows nothing of compression.

Only the configured address is ever called: redirects are passed on instead of followed, and proxies, `.netrc` and
cookies of the environment are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import anyio
import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tersely_server.errors import BrokenOffError, ServiceError
from tersely_server.proxy.settings import ProxySettings

Headers = list[tuple[bytes, bytes]]

# Of one connection, not of the message (RFC 9110, section 7.6.1), and what the next connection says for itself.
_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
}  # fmt: skip
_OWN_REQUEST = {b"host", b"content-length", b"expect"}
_OWN_RESPONSE = {b"date", b"server"}
_CREDENTIALS = {b"authorization", b"api-key", b"x-api-key"}

# Of headers that are for this service alone.
OPTION_PREFIX = "x-tersely-"

_CONNECT_SECONDS = 10


class Upstream:
    """The API that requests are forwarded to.

    Args:
        settings: its address, key and patience.
        forward_credentials: whether, without a key, those of the client are passed on.
    """

    def __init__(self, settings: ProxySettings, *, forward_credentials: bool) -> None:
        self._url, self._key = httpx.URL(settings.upstream), settings.upstream_key
        self._forward_credentials = forward_credentials and self._key is None
        self._timeout = httpx.Timeout(settings.timeout, connect=min(settings.timeout, _CONNECT_SECONDS))
        self._open_client: httpx.AsyncClient | None = None

    async def send(self, request: Request, path: str, content: bytes | None) -> httpx.Response:
        """Forward a request; the answer's body is still to be read.

        Args:
            request: the client's: its method, query and headers are forwarded.
            path: below the upstream's address.
            content: the body; None for none.

        Raises:
            ServiceError: 502 where there was no answer, 504 where there was none in time.
        """
        query = request.scope["query_string"]
        raw_path = self._url.raw_path.rstrip(b"/") + path.encode() + (b"?" + query if query else b"")
        forwarded = httpx.Request(
            request.method, self._url.copy_with(raw_path=raw_path), headers=self._headers(request), content=content
        )
        try:
            return await self._client.send(forwarded, stream=True)
        except httpx.TimeoutException as error:
            reason = f"the upstream {self._url.host} did not answer in time ({type(error).__name__})"
            raise ServiceError(504, "upstream_timeout", reason) from error
        except httpx.TransportError as error:
            reason = f"the upstream {self._url.host} gave no answer ({type(error).__name__})"
            raise ServiceError(502, "upstream_unreachable", reason) from error

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
        headers = [
            (name, value)
            for name, value in end_to_end(request.headers.raw, left_out)
            if not name.startswith(OPTION_PREFIX.encode())
        ]
        if self._key is not None:
            key = self._key.get_secret_value().encode()
            for_anthropic = "anthropic-version" in request.headers
            headers.append((b"x-api-key", key) if for_anthropic else (b"authorization", b"Bearer " + key))
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
        """Send it; however that ends, the upstream's answer is closed.

        Raises:
            BrokenOffError: the upstream broke off.
        """
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in self.answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except httpx.TransportError as error:
            raise BrokenOffError("upstream_broke_off") from error
        finally:
            with anyio.CancelScope(shield=True):
                await self.answer.aclose()


def end_to_end(headers: Iterable[tuple[bytes, bytes]], left_out: Iterable[bytes]) -> Headers:
    """Those headers that are not of one connection only, without those to leave out; names in lower case."""
    lowered = [(name.lower(), value) for name, value in headers]
    named = {header.strip().lower() for name, value in lowered if name == b"connection" for header in value.split(b",")}
    dropped = _HOP_BY_HOP | named | set(left_out)
    return [(name, value) for name, value in lowered if name not in dropped]
