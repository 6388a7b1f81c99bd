"""What asks whether the service is there asks with HEAD, too."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")

import httpx
from live import served
from service_doubles import TOKEN, client_for

from tersely_server.app import create_app
from tersely_server.settings import ServerSettings

PATHS = ["/", "/playground/main.js", "/playground/prices.json", "/healthz", "/readyz", "/metrics", "/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
async def test_head_is_answered_like_get(fake_compressor, path) -> None:
    client = client_for(fake_compressor)
    asked, read = await client.head(path), await client.get(path)
    assert (asked.status_code, asked.headers["content-type"]) == (200, read.headers["content-type"])
    assert (await client_for(fake_compressor, token=TOKEN).head(path)).status_code == (
        401 if path == "/metrics" else 200
    )


def test_head_has_no_body(fake_compressor) -> None:
    with served(create_app(ServerSettings(), compressor=fake_compressor)) as url, httpx.Client(base_url=url) as client:
        for path in PATHS:
            answer = client.head(path)
            assert answer.status_code == 200 and answer.content == b""
