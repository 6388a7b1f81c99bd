"""What comes back from the upstream: answers, streams and errors, passed on as they are."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from proxy_requests import MARKED, MILL, ask, client, free_port
from upstream_double import EVENTS, Call, answering

from tersely import CompressionResult

pytest_plugins = ["proxy_fixtures"]


def test_models_and_embeddings_are_passed_on(proxy, upstream) -> None:
    through = client(proxy(), default_query={"api-version": "1 2"})
    assert [model.id for model in through.models.list()] == ["a-model"]
    assert (upstream.requests[-1].method, upstream.requests[-1].path) == ("GET", "/v1/models")
    assert upstream.requests[-1].query == "api-version=1+2"
    for name, path in (
        ("a-model", "a-model"),
        ("meta/llama 3", "meta%2Fllama%203"),
        ("ft:gpt:org::7", "ft:gpt:org::7"),
    ):
        upstream.behaviour = answering(200, json.dumps({"id": name, "object": "model"}).encode())
        assert through.models.retrieve(name).id == name
        assert upstream.requests[-1].path == f"/v1/models/{path}"
    upstream.behaviour = upstream.usual
    asked = len(upstream.requests)
    through.embeddings.create(model="a-model", input=MILL, extra_body={"tersely": {}})
    assert upstream.body["input"] == MILL and upstream.body["tersely"] == {}
    for path in (
        *("files", "messages/batches/x", "chat/completions/x", "models/", "models/%2e%2e", "models/..%2Ffiles"),
        *("models/a/%2e%2e%2f%2e%2e/files", "models/%5c..%5cfiles"),
    ):
        assert httpx.get(f"{through.base_url}{path}").status_code == 404
    assert len(upstream.requests) == asked + 1


def test_the_path_of_the_upstream_is_kept(proxy, upstream) -> None:
    ask(proxy(upstream=f"{upstream.url}/a%20b/openai/"))
    assert upstream.requests[-1].path == "/v1/a%20b/openai/chat/completions"


# Answers, streams, errors


def test_the_answer_is_passed_on_as_it_is(proxy, upstream) -> None:
    headers = {
        "x-request-id": "req-7", "content-encoding": "gzip", "set-cookie": "a=b", "connection": "x-hop", "x-hop": "1",
        "keep-alive": "timeout=5", "x-tersely-status": "theirs",
    }  # fmt: skip
    upstream.behaviour = answering(200, b"\x1f\x8b compressed, not JSON", headers)
    url = proxy()
    with httpx.stream("POST", f"{url}/chat/completions", json={"messages": []}) as answer:
        assert b"".join(answer.iter_raw()) == b"\x1f\x8b compressed, not JSON"
    assert answer.headers["x-request-id"] == "req-7"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers.get_list("x-tersely-status") == ["unmarked"]
    assert len(answer.headers.get_list("date")) == 1
    assert not {"x-hop", "keep-alive"} & answer.headers.keys()
    upstream.behaviour = upstream.usual
    httpx.post(f"{url}/chat/completions", json={"messages": []})
    assert upstream.requests[-1].header("cookie") == []  # what the upstream set for one client is no other's


def test_a_stream_is_passed_on_as_it_comes(proxy, upstream) -> None:
    upstream.behaviour = upstream.one_by_one
    stream = ask(proxy(), stream=True)
    assert stream.headers["x-tersely-status"] == "compressed"
    chunks = iter(stream.parse())
    assert next(chunks).choices[0].delta.content == "In"
    upstream.go.set()  # not before the first chunk had arrived
    assert [chunk.choices[0].delta.content for chunk in chunks] == [" 1820", "."]


def test_the_bytes_of_a_stream_are_those_of_the_upstream(proxy) -> None:
    with httpx.stream("POST", f"{proxy()}/chat/completions", json={"messages": MARKED, "stream": True}) as answer:
        assert b"".join(answer.iter_raw()) == b"".join(EVENTS)
    assert answer.headers["content-type"] == "text/event-stream"


async def test_the_async_client(proxy, upstream) -> None:
    async with AsyncOpenAI(base_url=proxy(), api_key="client-key", max_retries=0) as through:
        answer = await through.chat.completions.create(model="a-model", messages=MARKED)
        assert answer.choices[0].message.content == "In 1820."
        stream = await through.chat.completions.create(model="a-model", messages=MARKED, stream=True)
        assert [chunk.choices[0].delta.content async for chunk in stream] == ["In", " 1820", "."]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("behaviour", ["never_ending", "silent"])
def test_a_client_that_leaves_takes_the_upstreams_request_along(proxy, upstream, behaviour: str) -> None:
    upstream.behaviour = getattr(upstream, behaviour)
    url = httpx.URL(proxy())
    body = json.dumps({"messages": MARKED, "stream": True}).encode()
    with socket.create_connection((url.host, url.port)) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        assert upstream.reached.wait(30)
        if behaviour == "never_ending":
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert not upstream.gone.is_set()
    assert upstream.gone.wait(30)


def test_a_client_that_leaves_during_compression_costs_no_call(proxy, upstream, fake_compressor) -> None:
    begun, ended = threading.Event(), threading.Event()

    class Endless:
        tokenizer, scorer = fake_compressor.tokenizer, fake_compressor.scorer

        def compress(self, *_: Any, progress: Any, **__: Any) -> CompressionResult:
            begun.set()
            try:
                while True:
                    progress("score", 0.5)
            finally:
                ended.set()

    url = httpx.URL(proxy(compressor=Endless()))
    body = json.dumps({"messages": MARKED}).encode()
    with socket.create_connection((url.host, url.port)) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        assert begun.wait(30)
    assert ended.wait(30)
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("status", "raised"),
    [(400, "BadRequestError"), (401, "AuthenticationError"), (429, "RateLimitError"), (500, "InternalServerError")],
)
def test_errors_of_the_upstream_are_passed_on_as_they_are(proxy, upstream, status: int, raised: str) -> None:
    body = {"error": {"message": "No.", "type": "theirs", "param": "model", "code": "their_code"}}
    headers = {"retry-after": "7", "x-request-id": "req-9", "x-ratelimit-remaining-tokens": "0"}
    upstream.behaviour = answering(status, json.dumps(body).encode(), headers)
    with pytest.raises(getattr(openai, raised)) as caught:
        ask(proxy())
    assert caught.value.response.json() == body and caught.value.code == "their_code"
    assert headers.items() <= dict(caught.value.response.headers).items()
    assert caught.value.request_id == "req-9"
    assert caught.value.response.headers["x-tersely-status"] == "compressed"


def test_the_clients_own_retries_work(proxy, upstream) -> None:
    answers = [answering(500, b"{}", {"retry-after-ms": "1"}), answering(429, b"{}", {"retry-after-ms": "1"})]

    async def behaviour(call: Call) -> None:
        await (answers.pop(0) if answers else upstream.usual)(call)

    upstream.behaviour = behaviour
    assert client(proxy(), max_retries=2).chat.completions.create(model="a-model", messages=MARKED)
    assert len(upstream.requests) == 3


def test_malformed_json_of_the_upstream_is_passed_on(proxy, upstream) -> None:
    upstream.behaviour = answering(200, b'{"choices": [')
    assert httpx.post(f"{proxy()}/chat/completions", json={"messages": MARKED}).content == b'{"choices": ['


def test_redirects_are_passed_on_and_not_followed(proxy, upstream) -> None:
    upstream.behaviour = answering(307, b"", {"location": "http://localhost:1/elsewhere"})
    answer = httpx.post(f"{proxy()}/chat/completions", json={"messages": MARKED})
    assert (answer.status_code, answer.headers["location"]) == (307, "http://localhost:1/elsewhere")


def test_a_stream_that_breaks_off_breaks_off_for_the_client(proxy, upstream, caplog) -> None:
    upstream.behaviour = upstream.cut
    url = proxy()
    received = b""
    with caplog.at_level("INFO"), pytest.raises(httpx.RemoteProtocolError):
        with httpx.stream("POST", f"{url}/chat/completions", json={"messages": MARKED, "stream": True}) as answer:
            for part in answer.iter_raw():
                received += part
    assert received == EVENTS[0]
    assert "Traceback" not in caplog.text
    upstream.behaviour = upstream.usual
    assert ask(url).parse().choices


def test_an_upstream_that_does_not_listen_is_a_bad_gateway(proxy) -> None:
    url = proxy(upstream=f"http://127.0.0.1:{free_port()}/v1")
    for call in (lambda: ask(url), lambda: client(url).models.list()):
        with pytest.raises(openai.InternalServerError) as caught:
            call()
        assert caught.value.status_code == 502
        assert caught.value.body == {
            "code": "upstream_unreachable",
            "message": "the upstream 127.0.0.1 gave no answer (ConnectError)",
            "type": "api_error",
            "param": None,
        }


def test_an_upstream_that_hangs_up_is_a_bad_gateway(proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(openai.InternalServerError) as caught:
            ask(proxy(upstream=f"http://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join()
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unreachable")


def test_an_upstream_that_says_nothing_is_a_timeout(proxy, upstream) -> None:
    upstream.behaviour = upstream.silent
    with pytest.raises(openai.InternalServerError) as caught:
        ask(proxy(timeout=0.2))
    assert (caught.value.status_code, caught.value.code) == (504, "upstream_timeout")
    assert caught.value.response.headers["x-tersely-status"] == "compressed"
    assert upstream.gone.wait(30)


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/v1/models", "/v1//evil.example", "/v1/models//evil.example/x",
        "/v1/models/@evil.example/../..", "/v1/responses/%2e%2e%2fmodels", "/v1/responses/..", "/v1/../models",
        "/v1/models/..%2f..%2fadmin", "/v1/responses/a/../../models", "evil.example:80",
    ],
)  # fmt: skip
def test_no_path_but_the_known_ones_reaches_the_upstream(proxy, upstream, target: str) -> None:
    assert status_of(proxy(), target) in (400, 404, 405)
    assert upstream.requests == []


def test_a_target_with_a_host_of_its_own_reaches_the_upstream_and_nobody_else(proxy, upstream) -> None:
    assert status_of(proxy(), "http://evil.example/v1/models") == 200
    assert upstream.requests[-1].path == "/v1/models"
    assert upstream.requests[-1].header("host") == [httpx.URL(upstream.url).netloc.decode()]


def status_of(url: str, target: str) -> int:
    """The status of the answer to a request for a target as it is written."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port)) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return int(b"".join(iter(lambda: connection.recv(10_000), b"")).split()[1])
