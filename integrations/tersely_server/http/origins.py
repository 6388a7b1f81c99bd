"""Which pages in a browser may call a service without a token, and under which names it can be called.

A page of another site can make a visitor's browser call a service that the visitor can reach. A site that points its
own name at the service's address can even read the answer. Programs send no `Origin` and are let in.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

from tersely_server.errors import ServiceError
from tersely_server.settings import ServerSettings, is_loopback

_LONGEST_NAME = 100  # characters


def check_origin(request: Request, settings: ServerSettings) -> None:
    """Refuse what a page of another site sends, and what is sent to a name that is not this service's.

    Raises:
        ServiceError: 403.
    """
    host = request.headers.get("host")
    if host is not None and not _is_own(host, settings):
        raise ServiceError(
            403,
            "foreign_host",
            f"without a token, this service does not answer to the name {host!a:.{_LONGEST_NAME}}; allow it with "
            f"--allowed-host, or start the service with a token",
        )
    origin = request.headers.get("origin")
    if origin is None:  # a program, or a page that loads something without being able to read it
        referer = request.headers.get("referer")  # browsers send no `Sec-Fetch-Site` to another machine without TLS
        same_site = request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        allowed = same_site and (referer is None or _is_allowed(referer, host, settings))
    else:
        allowed = _is_allowed(origin, host, settings)
    if not allowed:
        raise ServiceError(
            403,
            "foreign_origin",
            "without a token, pages of other sites may not call this service; start it with one",
        )


def _is_own(host: str, settings: ServerSettings) -> bool:
    """Whether a `Host` names this service. Any IP address does: unlike a name, it cannot be pointed elsewhere."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if is_loopback(name) or name == settings.host.lower() or name in settings.allowed_hosts:
        return True
    return not is_loopback(settings.host) and _is_address(name)


def _is_allowed(origin: str, host: str | None, settings: ServerSettings) -> bool:
    """Whether a page is the service's own. Where only this machine can call, its other pages are allowed too."""
    try:
        site = urlsplit(origin)
        return site.netloc == host or (is_loopback(settings.host) and is_loopback(site.hostname or ""))
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
