"""Who may call: holders of the token. Where no token is set, programs and pages of this machine."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tersely_server.errors import ServiceError
from tersely_server.http.origins import check_origin
from tersely_server.settings import ServerSettings

_KEY = "x-api-key"  # the header in which Anthropic's clients send their key
_bearer = HTTPBearer(auto_error=False, description="The token that the service was started with, if it was with one.")


def access_check(settings: ServerSettings) -> Callable[..., None]:
    """The dependency of guarded routes. It runs before a route that takes a `Request` receives any of the body."""
    token = settings.token.get_secret_value().encode() if settings.token else None

    def check_access(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> None:
        if token is None:
            check_origin(request, settings)
            return
        presented = (credentials.credentials if credentials else request.headers.get(_KEY, "")).encode()
        if not hmac.compare_digest(presented, token):
            raise ServiceError(
                401,
                "unauthorized",
                "the token is wrong: send `Authorization: Bearer TOKEN` with the one the service was started with"
                if presented
                else "a token is needed: send `Authorization: Bearer TOKEN` with the one the service was started with",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return check_access


def caller_of(request: Request) -> str:
    """A name for whoever sends this token, which does not give it away. All callers without a token share a name."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    presented = bearer or request.headers.get(_KEY, "")
    return hashlib.sha256(presented.encode()).hexdigest()
