"""Errors on the proxy's paths have the shape that OpenAI's client reads, whoever raises them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("openai")

import httpx
import openai
from proxy_requests import MARKED, client
from service_doubles import TOKEN, client_for

from tersely_server.proxy.upstream import Upstream

pytest_plugins = ["proxy_fixtures"]

NOWHERE = {"upstream": "http://127.0.0.1:9/v1"}
CALLS = [("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/v1/models/x"), ("POST", "/v1/embeddings")]


def calls(through: openai.OpenAI) -> list[Any]:
    return [
        lambda: through.chat.completions.create(model="a-model", messages=MARKED),
        lambda: through.chat.completions.create(model="a-model", messages=MARKED, stream=True),
        lambda: through.models.list(),
        lambda: through.models.retrieve("a-model"),
        lambda: through.embeddings.create(model="a-model", input="a text"),
    ]


def openai_shape(error: dict[str, Any], code: str, kind: str = "invalid_request_error") -> bool:
    named = {"code": code, "type": kind, "param": None}
    return named.items() <= error.items() and len(error["message"]) > 10


def test_a_wrong_token(proxy) -> None:
    for call in calls(client(proxy(service={"token": TOKEN}))):
        with pytest.raises(openai.AuthenticationError) as caught:
            call()
        assert openai_shape(caught.value.body, "unauthorized")
        assert (caught.value.code, caught.value.type) == ("unauthorized", "invalid_request_error")
        assert caught.value.response.headers["www-authenticate"] == "Bearer"


def test_a_page_of_another_site(proxy) -> None:
    for call in calls(client(proxy(), default_headers={"Origin": "https://evil.example"})):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            call()
        assert openai_shape(caught.value.body, "foreign_origin")


def test_a_body_that_is_too_large(proxy, upstream) -> None:
    through = client(proxy(service={"max_body_bytes": 1_000}))
    question = [{"role": "user", "content": "x" * 1_000}]
    for call in (
        lambda: through.chat.completions.create(model="a-model", messages=question),
        lambda: through.embeddings.create(model="a-model", input="x" * 1_000),
    ):
        with pytest.raises(openai.APIStatusError) as caught:
            call()
        assert caught.value.status_code == 413 and caught.value.body["limit"] == 1_000
        assert openai_shape(caught.value.body, "body_too_large")
    assert upstream.requests == []


async def test_a_body_that_never_comes(fake_compressor) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    service = client_for(fake_compressor, request_seconds=0.05, proxy=NOWHERE)
    answer = await service.post("/v1/chat/completions", content=body())
    assert answer.status_code == 408 and openai_shape(answer.json()["error"], "body_timeout")


async def test_an_unforeseen_error(fake_compressor, monkeypatch) -> None:
    async def broken(*_: Any) -> httpx.Response:
        raise ZeroDivisionError

    monkeypatch.setattr(Upstream, "send", broken)
    service = client_for(fake_compressor, proxy=NOWHERE)
    for method, path in CALLS:
        answer = await service.request(method, path, json={})
        assert answer.status_code == 500 and openai_shape(answer.json()["error"], "internal_error", "api_error")


async def test_a_method_that_no_path_of_the_proxy_has(fake_compressor) -> None:
    service = client_for(fake_compressor, proxy=NOWHERE)
    for _, path in CALLS:
        answer = await service.delete(path)
        assert answer.status_code == 405 and openai_shape(answer.json()["error"], "method_not_allowed")


async def test_the_services_own_paths_keep_their_shape(fake_compressor) -> None:
    service = client_for(fake_compressor, token=TOKEN, proxy=NOWHERE)
    for path in ("/v1/compress", "/v1/compress/batch"):
        assert (await service.post(path, json={})).json()["error"].keys() == {"code", "message"}
