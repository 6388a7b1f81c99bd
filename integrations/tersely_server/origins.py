"""Which pages in a browser may call a service without a token, and under which names it can be called.

A page of another site can make the browser of somebody who reaches the service call it; a site that points its own name
at the service's address can even read the answer. Programs say nothing of pages and are let in.
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
    if origin is None:  # a program, or a page that does no more than load what it cannot read
        page = request.headers.get("referer")  # all that a browser says to an address beyond its machine
        known = request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        known = known and (page is None or _is_known(page, host, settings))
    else:
        known = _is_known(origin, host, settings)
    if not known:
        raise ServiceError(
            403,
            "foreign_origin",
            "without a token, pages of other sites may not call this service; start it with one",
        )


def _is_own(host: str, settings: ServerSettings) -> bool:
    """Whether a `Host` names this service. An address cannot be pointed elsewhere, a name can."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if is_loopback(name) or name == settings.host.lower() or name in settings.allowed_hosts:
        return True
    return not is_loopback(settings.host) and _is_address(name)


def _is_known(origin: str, host: str | None, settings: ServerSettings) -> bool:
    """Whether a page is this service's own, or, where only this machine can call, one of this machine."""
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
