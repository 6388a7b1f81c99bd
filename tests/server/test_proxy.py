"""The compressing proxy as OpenAI's own client sees it, against a double of an OpenAI-compatible API on a real port."""

from __future__ import annotations

import json
import logging
import socket
import threading
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("openai")

import httpx
import openai
from fastapi import FastAPI
from live import served
from openai import AsyncOpenAI, OpenAI
from upstream_double import ANSWER, EVENTS, Call, answering

from tersely import CompressionResult, InvalidInputError
from tersely_server.proxy.routes import Forwarded, ProxySettings, proxy_router

pytest_plugins = ["proxy_fixtures"]

MILL = "The water mill was built in 1820 by two brothers. It closed a hundred years later. Its roof fell in one winter."
BAKERY = "A bakery across the street sold bread and cake to everybody who passed by. It had two ovens and a cat."
QUESTION = "When was the water mill built?"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}
TOOLS = [
    {"type": "function", "function": {"name": "tersely", "parameters": {"type": "object", "tersely": {"rate": 9}}}}
]


def client(url: str, **options: Any) -> OpenAI:
    return OpenAI(base_url=url, **{"api_key": "client-key", "max_retries": 0, **options})


def text(words: str, **others: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **others}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


MARKED = [user(text(MILL, tersely={"target_tokens": 20}), text(BAKERY, tersely={"target_tokens": 20}), text(QUESTION))]


def ask(url: str, messages: Any = None, **options: Any) -> Any:
    """The raw response, whose headers can be read."""
    return client(url).chat.completions.with_raw_response.create(
        model="a-model", messages=messages or MARKED, **options
    )


# What reaches the upstream


def test_marked_parts_are_compressed_in_their_places_within_one_budget(proxy, upstream, fake_compressor) -> None:
    response = ask(proxy())
    assert response.parse().choices[0].message.content == "In 1820."
    (message,) = upstream.body["messages"]
    *kept, question = [part["text"] for part in message["content"]]
    expected = fake_compressor.compress([MILL, BAKERY], QUESTION, target_tokens=20, order="original")
    assert kept == [one.text for one in sorted(expected.documents, key=lambda one: one.index) if one.kept]
    assert question == QUESTION
    assert "tersely" not in upstream.requests[-1].content.decode()
    assert response.headers["x-tersely-status"] == "compressed"
    assert int(response.headers["x-tersely-original-tokens"]) == expected.original_tokens
    assert int(response.headers["x-tersely-compressed-tokens"]) == expected.compressed_tokens <= 20
    assert float(response.headers["x-tersely-seconds"]) > 0


def test_options_can_be_given_once_for_the_request(proxy, upstream, fake_compressor) -> None:
    ask(proxy(tag="context"), [{"role": "user", "content": f"<context>{MILL}</context>"}],
        extra_body={"tersely": {"question": QUESTION, "rate": 0.4, "method": "longllmlingua"}})  # fmt: skip
    expected = fake_compressor.compress([MILL], QUESTION, rate=0.4, method="longllmlingua")
    assert upstream.body == {
        "model": "a-model", "messages": [{"role": "user", "content": f"<context>{expected.context}</context>"}]
    }  # fmt: skip


def test_a_tool_result_is_compressed_by_its_role(proxy, upstream, fake_compressor) -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "search", "arguments": '{"q": "mill"}'}}
    asked: list[Any] = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call-1", "content": MILL},
    ]
    ask(proxy(role="tool"), asked)
    kept = fake_compressor.compress([MILL], QUESTION, rate=0.5).context
    assert upstream.body["messages"] == [*asked[:2], {**asked[2], "content": kept}]


def test_nothing_but_marked_text_changes(proxy, upstream) -> None:
    """The same call, sent straight to the upstream and through the proxy."""
    call = {
        "id": "call-1",
        "type": "function",
        "function": {"name": "tersely", "arguments": '{"tersely": {"rate": 9}}'},
    }
    messages: list[Any] = [
        {"role": "system", "content": "Be brief.\u2028 Ünï \U0001f600 </context>"},
        user(text("Look: "), IMAGE, text("What is it?")),
        {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None},
        {"role": "tool", "tool_call_id": "call-1", "content": "{}"},
        user(IMAGE, text(QUESTION, cache_control={"type": "ephemeral"})),
    ]
    options: dict[str, Any] = {
        "tools": TOOLS, "temperature": 0.1, "seed": 2**63 - 1, "logit_bias": {"50256": -100}, "stop": None,
        "response_format": {"type": "json_object"}, "extra_body": {"unknown": [1e-30, 1.0, {"tersely": {}}]},
    }  # fmt: skip
    ask(upstream.url, messages, **options)
    ask(proxy(tag="context"), messages, **options)
    direct, through = upstream.requests
    assert through.content == direct.content
    marked = [*messages[:4], user(IMAGE, text(MILL, tersely={"rate": 0.6}), messages[4]["content"][1])]
    ask(proxy(), marked, **options)
    sent = upstream.body
    kept = sent["messages"][4]["content"].pop(1)
    assert sent == direct.body
    assert kept["type"] == "text" and 0 < len(kept["text"]) < len(MILL)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"messages": [{"content": "a"}], "n": 1e999}',
        b'{"messages": "none", "n": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_a_body_that_is_no_chat_request_is_left_to_the_upstream(proxy, upstream, content: bytes) -> None:
    upstream.behaviour = answering(400, b"What is this?")
    answer = httpx.post(f"{proxy()}/chat/completions", content=content)
    assert (answer.status_code, answer.content) == (400, b"What is this?")
    assert upstream.requests[-1].content == content
    assert answer.headers["x-tersely-status"] == "unmarked"


def test_no_depth_of_nesting_is_too_much(proxy, upstream) -> None:
    upstream.behaviour = answering(200, b"{}")
    url = proxy()
    for depth in range(850, 1000, 3):
        content = b'{"messages":[],"tersely":{},"n":' + b"[" * depth + b"]" * depth + b"}"
        httpx.post(f"{url}/chat/completions", content=content).raise_for_status()
        assert upstream.requests[-1].content in (content, content.replace(b'"tersely":{},', b""))


def test_an_unmarked_body_is_forwarded_byte_for_byte(proxy, upstream) -> None:
    content = '{"messages" : [{"role":"user","content":"Ünï"}],\n "a": 1, "a": 1.50, "b": NaN}'.encode()
    httpx.post(f"{proxy(tag='context', role='tool')}/chat/completions", content=content).raise_for_status()
    assert upstream.requests[-1].content == content


def test_lone_surrogates_pass(proxy, upstream) -> None:
    content = json.dumps({"messages": [user(text(MILL, tersely={})), {"role": "user", "content": "\ud83d"}]}).encode()
    httpx.post(f"{proxy()}/chat/completions", content=content).raise_for_status()
    assert upstream.body["messages"][1]["content"] == "\ud83d"


def test_a_message_of_which_nothing_is_left_is_never_empty(proxy, upstream) -> None:
    budget = {"target_tokens": 1}
    ask(proxy(), [{"role": "system", "content": MILL, "tersely": budget}, {"role": "user", "content": QUESTION}])
    assert upstream.body["messages"][0]["content"]


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
        *("files", "responses", "chat/completions/x", "models/", "models/%2e%2e", "models/..%2Ffiles"),
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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


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
