"""Who may call: the holder of the token, or, where none is set, this machine's own programs and pages."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tersely_server.errors import ServiceError
from tersely_server.settings import ServerSettings, is_loopback

_bearer = HTTPBearer(auto_error=False, description="The token that the service was started with, if it was with one.")


def authentication(settings: ServerSettings) -> Callable[..., None]:
    """What a guarded route depends on. It runs before a route that takes a `Request` reads any of the body."""
    token = settings.token.get_secret_value().encode() if settings.token else None

    def authenticated(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> None:
        if token is None:
            _check_origin(request, settings.host)
            return
        given = credentials.credentials.encode() if credentials else b""
        if not hmac.compare_digest(given, token):
            raise ServiceError(
                401,
                "unauthorized",
                "the token is wrong: send `Authorization: Bearer TOKEN` with the one the service was started with"
                if credentials
                else "a token is needed: send `Authorization: Bearer TOKEN` with the one the service was started with",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return authenticated


def _check_origin(request: Request, listening_on: str) -> None:
    """Without a token, refuse what a page of another site sends through the browser of somebody on this machine.

    A site can point its own name at this machine; so a service of this machine alone trusts its pages alone.
    """
    origin = request.headers.get("origin")
    if origin is None:  # no browser, or a page that only reads what is here
        return
    try:
        site = urlsplit(origin)
        known = is_loopback(site.hostname or "") if is_loopback(listening_on) else site.netloc == request.url.netloc
    except ValueError:
        known = False
    if not known:
        raise ServiceError(
            403,
            "foreign_origin",
            "without a token, pages of other sites may not call this service; start it with one",
        )
