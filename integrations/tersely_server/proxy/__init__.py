"""The compressing proxy: chat requests go on to an OpenAI-compatible API, with the marked text made shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tersely_server.proxy.settings import ProxySettings

if TYPE_CHECKING:
    from tersely_server.proxy.routes import proxy_router

__all__ = ["ProxySettings", "proxy_router"]


def __getattr__(name: str) -> Any:
    """`proxy_router` when it is first asked for: its settings can be read where no FastAPI is installed."""
    if name == "proxy_router":
        from tersely_server.proxy.routes import proxy_router

        return proxy_router
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
