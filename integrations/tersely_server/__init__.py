"""Tersely as an HTTP service: `create_app` gives the application, `ServerSettings` its limits, `serve` runs it.

The names are imported when they are first asked for: the settings can be used where no FastAPI is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tersely_server.app import create_app
    from tersely_server.errors import add_error_handlers
    from tersely_server.http import ClientConnection
    from tersely_server.serving import serve
    from tersely_server.settings import ServerSettings, server_settings

_MODULES = {
    "ClientConnection": "http",
    "ServerSettings": "settings",
    "add_error_handlers": "errors",
    "create_app": "app",
    "serve": "serving",
    "server_settings": "settings",
}

__all__ = [
    "ClientConnection",
    "ServerSettings",
    "add_error_handlers",
    "create_app",
    "serve",
    "server_settings",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
