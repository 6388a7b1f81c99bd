"""Fixtures for the proxy: a service that forwards to a double of an OpenAI-compatible API, both on real ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

pytest.importorskip("fastapi")

from live import served
from upstream_double import UpstreamDouble

from tersely import Compressor
from tersely_server.app import create_app
from tersely_server.settings import server_settings

Proxy = Callable[..., str]


@pytest.fixture
def upstream() -> Iterator[UpstreamDouble]:
    """The API; `upstream.url` is its base URL."""
    double = UpstreamDouble()
    with served(double) as url:
        double.url = f"{url}/v1"
        yield double
        double.go.set()


@pytest.fixture
def proxy(upstream: UpstreamDouble, fake_compressor: Compressor) -> Iterator[Proxy]:
    """Serves the application with the proxy's settings, and gives its base URL."""
    with ExitStack() as running:

        def serve(*, compressor: Any = fake_compressor, service: dict[str, Any] | None = None, **settings: Any) -> str:
            settings = {"upstream": upstream.url, **settings}
            app = create_app(server_settings(**(service or {}), proxy=settings), compressor=compressor)
            return running.enter_context(served(app)) + "/v1"

        yield serve
