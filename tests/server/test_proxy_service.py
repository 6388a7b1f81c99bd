"""What the proxy itself does: failing open or closed, keys, headers, the log and the metrics."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI
from live import served
from proxy_requests import BAKERY, MARKED, MILL, QUESTION, ask, client, free_port, text, user
from upstream_double import ANSWER, answering

from tersely import CompressionResult, InvalidInputError
from tersely_server.proxy.routes import Forwarded, ProxySettings, proxy_router

pytest_plugins = ["proxy_fixtures"]

# Where compression fails


class Failing:
    """A compressor with a defect."""

    def __init__(self, compressor: Any, error: Exception) -> None:
        self.tokenizer, self.scorer, self.error = compressor.tokenizer, compressor.scorer, error

    def compress(self, *_: Any, **__: Any) -> CompressionResult:
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason", "status"),
    [
        (ZeroDivisionError(MILL), "internal_error: an error of the service", 500),
        (InvalidInputError("the text is\n too ünusual\0"), r"invalid_input: the text is too \xfcnusual\x00", 422),
    ],
)
def test_the_original_is_forwarded_unless_failing_closed(
    proxy, upstream, fake_compressor, caplog, error: Exception, reason: str, status: int
) -> None:
    failing = Failing(fake_compressor, error)
    with caplog.at_level("DEBUG"):
        response = ask(proxy(compressor=failing))
    assert [part["text"] for part in upstream.body["messages"][0]["content"]] == [MILL, BAKERY, QUESTION]
    assert "tersely" not in upstream.requests[-1].content.decode()
    assert response.headers["x-tersely-status"] == "failed"
    assert response.headers["x-tersely-error"].startswith(reason)
    assert "x-tersely-compressed-tokens" not in response.headers
    assert "compression failed" in caplog.text and MILL not in caplog.text

    with pytest.raises(openai.APIStatusError) as caught:
        ask(proxy(compressor=failing, fail_open=False))
    assert caught.value.status_code == status
    assert {"message", "type", "param", "code"} <= caught.value.body.keys()
    assert caught.value.response.headers["x-tersely-status"] == "failed"
    assert len(upstream.requests) == 1


def test_a_busy_service_forwards_the_original_or_asks_to_try_again(proxy, upstream, fake_compressor) -> None:
    go, begun = threading.Event(), threading.Event()

    class Held:
        tokenizer, scorer = fake_compressor.tokenizer, fake_compressor.scorer

        def compress(self, *args: Any, **options: Any) -> CompressionResult:
            begun.set()
            assert go.wait(30)
            return fake_compressor.compress(*args, **options)

    url = proxy(compressor=Held(), service={"threads": 1, "queue": 0}, fail_open=False)
    first = threading.Thread(target=ask, args=(url,))
    first.start()
    assert begun.wait(30)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(url)
    assert caught.value.code == "overloaded" and int(caught.value.response.headers["retry-after"]) > 0
    go.set()
    first.join()


def test_a_mark_that_cannot_be_used_is_refused_though_failing_open(proxy, upstream) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(proxy(), [user(text(MILL, tersely={"rate": 25}))])
    assert caught.value.body == {
        "code": "invalid_mark",
        "message": "messages[0].content[0].tersely: rate: input should be less than or equal to 1, got 25",
        "type": "invalid_request_error",
        "param": None,
    }
    assert upstream.requests == []


# Keys


@pytest.mark.parametrize(
    ("token", "key", "client_key", "forwarded"),
    [
        (None, None, "client-key", ["Bearer client-key"]),
        (None, "upstream-key", "client-key", ["Bearer upstream-key"]),
        ("the-services-token", None, "the-services-token", []),
        ("the-services-token", "upstream-key", "the-services-token", ["Bearer upstream-key"]),
    ],
)
def test_whose_key_the_upstream_gets(proxy, upstream, caplog, token, key, client_key, forwarded) -> None:
    url = proxy(upstream_key=key, service={"token": token})
    with caplog.at_level("DEBUG"):
        through = client(url, api_key=client_key, default_headers={"x-api-key": "another", "api-key": "a-third"})
        through.chat.completions.create(model="a-model", messages=MARKED)
        through.models.list()
    for request in upstream.requests:
        assert request.header("authorization") == forwarded
        assert (
            bool(request.header("x-api-key")) == bool(request.header("api-key")) == (forwarded == ["Bearer client-key"])
        )
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("tersely"))
    for secret in ("client-key", "upstream-key", "the-services-token", "another", "a-third"):
        assert secret not in ours


def test_without_the_services_token_nothing_is_forwarded(proxy, upstream) -> None:
    url = proxy(upstream_key="upstream-key", service={"token": "the-services-token"})
    for call in (lambda: ask(url), lambda: client(url).models.list()):
        with pytest.raises(openai.AuthenticationError):
            call()
    assert httpx.get(f"{url}/models").status_code == 401
    assert upstream.requests == []


def test_headers_of_the_connection_are_not_forwarded(proxy, upstream) -> None:
    headers = {
        "connection": "x-hop, keep-alive", "x-hop": "1", "te": "trailers", "upgrade": "h2c", "expect": "100-continue",
        "proxy-authorization": "Basic x", "keep-alive": "timeout=5", "openai-organization": "org", "user-agent": "me",
    }  # fmt: skip
    httpx.post(f"{proxy()}/chat/completions", json={"messages": MARKED}, headers=headers).raise_for_status()
    request = upstream.requests[-1]
    names = [name for name, _ in request.headers]
    assert not {"x-hop", "te", "upgrade", "expect", "proxy-authorization", "keep-alive"} & set(names)
    assert request.header("openai-organization") == ["org"] and request.header("user-agent") == ["me"]
    assert names.count("host") == names.count("content-length") == 1
    assert request.header("host") == [httpx.URL(upstream.url).netloc.decode()]
    assert int(request.header("content-length")[0]) == len(request.content)


def test_a_client_that_names_no_encoding_gets_none(proxy, upstream) -> None:
    url = httpx.URL(proxy())
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert upstream.requests[-1].header("accept-encoding") == ["identity"]
    assert upstream.requests[-1].header("content-length") == []


def test_the_environment_has_no_say(proxy, upstream, monkeypatch, tmp_path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NETRC", str(netrc))
    answer = httpx.Client(trust_env=False).post(f"{proxy()}/chat/completions", json={"messages": MARKED})
    assert answer.status_code == 200
    assert upstream.requests[-1].header("authorization") == []


# What is told of it


def test_no_text_in_the_log(proxy, upstream, caplog) -> None:
    url = proxy(tag="context")
    with caplog.at_level(logging.DEBUG):
        ask(url)
        upstream.behaviour = answering(500, b"{}")
        with pytest.raises(openai.InternalServerError):
            ask(url)
        with pytest.raises(openai.BadRequestError):
            ask(url, [user(text(MILL, tersely={"rate": MILL}))])
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("tersely", "uvicorn"))]
    assert any("/v1/chat/completions 200" in line for line in ours)
    assert not any(word in line for line in ours for word in ("mill", "bakery", "brothers"))


def test_the_metrics_count_what_was_forwarded(proxy, upstream) -> None:
    url = proxy()
    ask(url)
    upstream.behaviour = answering(429, b"{}")
    with pytest.raises(openai.RateLimitError):
        ask(url, [user(text(QUESTION))])
    metrics = httpx.get(url.removesuffix("/v1") + "/metrics").text
    assert 'tersely_forwarded_requests_total{context="compressed",upstream_status="200"} 1.0' in metrics
    assert 'tersely_forwarded_requests_total{context="unmarked",upstream_status="429"} 1.0' in metrics


def test_the_router_alone(upstream, fake_compressor) -> None:
    """On an application of one's own, with its own way to compress."""
    calls: list[Any] = []
    seen: list[Forwarded] = []

    async def compress(documents: list[str], question: str | None, **overrides: Any) -> CompressionResult:
        calls.append((documents, question, overrides))
        return await fake_compressor.acompress(documents, question, **overrides)

    app = FastAPI()
    app.include_router(proxy_router(ProxySettings(upstream=upstream.url), compress, observe=seen.append))
    with served(app) as url:
        assert ask(f"{url}/v1").parse().model == ANSWER["model"]
        ask(f"{url}/v1", [user(text(QUESTION))])
    overrides = {"order": "original", "rate": None, "target_tokens": 20, "method": None}
    assert calls == [([MILL, BAKERY], QUESTION, overrides)]
    assert [(one.status, one.error, one.upstream_status) for one in seen] == [
        ("compressed", None, 200),
        ("unmarked", None, 200),
    ]
    assert seen[0].original_tokens > seen[0].compressed_tokens > 0 < seen[0].seconds


@pytest.mark.model
def test_with_the_embedded_model_the_answers_stay(proxy, upstream, real_compressor, hotpot) -> None:
    url, kept = proxy(compressor=real_compressor), 0
    for sample in hotpot:
        documents = [text(f"{one['title']}\n{one['text']}", tersely={}) for one in sample["documents"]]
        response = ask(url, [user(*documents, text(sample["question"]))])
        *left, question = [part["text"] for part in upstream.body["messages"][0]["content"]]
        assert question == sample["question"]
        original, compressed = (
            int(response.headers[f"x-tersely-{name}-tokens"]) for name in ("original", "compressed")
        )
        assert 0.48 < compressed / original <= 0.5
        kept += any(answer in one for one in left for answer in sample["answers"])
    assert kept >= 3
