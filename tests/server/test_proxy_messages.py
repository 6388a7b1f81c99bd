"""The proxy as Anthropic's own client sees it, against a double of its API on a real port."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("anthropic")

import anthropic
import httpx
from protocol_answers import MESSAGE_EVENTS
from proxy_requests import BAKERY, MILL, QUESTION, text, user
from service_doubles import TOKEN
from upstream_double import answering

from tersely import CompressionSettings

pytest_plugins = ["proxy_fixtures"]

GAP = CompressionSettings(gap_marker=" [...] ")

USED = {"type": "tool_use", "id": "call-1", "name": "search", "input": {"q": "mill"}}
ASKED = [user(text(QUESTION)), {"role": "assistant", "content": [USED]}]


def client(url: str, **options: Any) -> Any:
    return anthropic.Anthropic(base_url=url.removesuffix("/v1"), max_retries=0, **{"api_key": "client-key", **options})


def ask(url: str, messages: list[Any], **options: Any) -> Any:
    """The raw response, whose headers can be read."""
    return client(url).messages.with_raw_response.create(model="a-model", max_tokens=9, messages=messages, **options)


def result(content: Any, **others: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "call-1", "content": content, **others}


def test_marked_blocks_are_compressed_within_one_budget(proxy, upstream, fake_compressor) -> None:
    marked = user(
        text(MILL, tersely={"target_tokens": 20}), text(BAKERY, tersely={"target_tokens": 20}), text(QUESTION)
    )
    response = ask(proxy(), [marked])
    assert response.parse().content[0].text == "In 1820."
    expected = fake_compressor.compress([MILL, BAKERY], QUESTION, target_tokens=20, order="original")
    kept = [document.text for document in expected.documents if document.kept]
    assert [part["text"] for part in upstream.body["messages"][0]["content"]] == [*kept, QUESTION]
    assert response.headers["x-tersely-status"] == "compressed"
    assert int(response.headers["x-tersely-compressed-tokens"]) == expected.compressed_tokens


@pytest.mark.parametrize("blocks", [False, True], ids=["a string", "a list of blocks"])
def test_a_tools_result_is_compressed_by_its_role(proxy, upstream, fake_compressor, blocks: bool) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    content = [text(MILL), image] if blocks else MILL
    said = [*ASKED, user(result(content, is_error=False), text("Go on."))]
    ask(proxy(role="tool", min_tokens=0), said, system=BAKERY)
    kept = fake_compressor.compress([MILL], QUESTION, rate=0.5, settings=GAP).context
    sent = upstream.body
    assert sent["system"] == BAKERY
    assert sent["messages"][:2] == ASKED
    expected = [text(kept), image] if blocks else kept
    assert sent["messages"][2]["content"] == [result(expected, is_error=False), text("Go on.")]


def test_tags_and_marks_in_every_place(proxy, upstream, fake_compressor) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": MILL}
    found = {"type": "search_result", "source": "a page", "title": "Shops", "content": [text(BAKERY)]}
    said = [
        {"role": "user", "content": f"<context>{MILL}</context> {QUESTION}"},
        *ASKED[1:],
        user({**result([text(MILL)]), "tersely": {"target_tokens": 14}}),
        {"role": "assistant", "content": "So?"},
        user({"type": "document", "source": source, "tersely": {}}, {**found, "tersely": {}}, text(QUESTION)),
    ]
    response = ask(proxy(tag="context"), said, system=[text(f"<context>{MILL}</context>")])
    assert response.headers["x-tersely-status"] == "compressed"
    assert (
        MILL not in upstream.requests[-1].content.decode() and "tersely" not in upstream.requests[-1].content.decode()
    )
    half = fake_compressor.compress([MILL], QUESTION, rate=0.5).context
    assert upstream.body["system"][0]["text"] == f"<context>{half}</context>"
    messages = upstream.body["messages"]
    assert messages[0]["content"] == f"<context>{half}</context> {QUESTION}"
    assert messages[2]["content"][0]["content"] == [
        text(fake_compressor.compress([MILL], QUESTION, target_tokens=14).context)
    ]
    together = fake_compressor.compress([MILL, BAKERY], QUESTION, rate=0.5, order="original")
    document, search, _ = messages[4]["content"]
    assert document["source"]["data"] == (together.documents[0].text or "[...]")
    assert search["content"][0]["text"] == (together.documents[1].text or "[...]")


def test_what_is_cited_cannot_be_marked(proxy, upstream) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": MILL}
    cited = {"type": "document", "source": source, "citations": {"enabled": True}}
    url = proxy()
    ask(url, [user(cited, text(QUESTION))])
    assert upstream.body["messages"][0]["content"][0] == cited
    with pytest.raises(anthropic.BadRequestError, match="of type 'document' has none"):
        ask(url, [user({**cited, "tersely": {}}, text(QUESTION))])


def test_a_stream_is_passed_on_byte_for_byte(proxy, upstream) -> None:
    url = proxy(min_tokens=0)
    said = [*ASKED, user(result(MILL))]
    with client(url).messages.stream(model="a-model", max_tokens=9, messages=said) as stream:
        assert "".join(stream.text_stream) == "In 1820 – é"
        assert stream.get_final_message().usage.cache_read_input_tokens == 1
    assert upstream.body["stream"] is True and MILL not in upstream.requests[-1].content.decode()
    body = {"model": "a-model", "max_tokens": 9, "messages": said, "stream": True}
    with httpx.stream("POST", f"{url}/messages", json=body) as answer:
        assert b"".join(answer.iter_raw()) == b"".join(MESSAGE_EVENTS)


def test_tokens_are_counted_of_what_the_client_sends(proxy, upstream) -> None:
    said = [user(text(MILL, tersely={}), text(QUESTION)), ASKED[1], user(result(MILL))]
    counted = client(proxy(min_tokens=0)).messages.count_tokens(model="a-model", messages=said)
    assert counted.input_tokens == 9
    assert upstream.requests[-1].path == "/v1/messages/count_tokens"
    assert upstream.body["messages"] == [user(text(MILL), text(QUESTION)), *said[1:]]


@pytest.mark.parametrize(
    ("token", "key", "sent", "forwarded"),
    [
        (None, None, {"x-api-key": "theirs"}, {"x-api-key": ["theirs"], "authorization": []}),
        (None, None, {"authorization": "Bearer theirs"}, {"x-api-key": [], "authorization": ["Bearer theirs"]}),
        (None, "ours", {"x-api-key": "theirs"}, {"x-api-key": ["ours"], "authorization": []}),
        (TOKEN, "ours", {"x-api-key": TOKEN}, {"x-api-key": ["ours"], "authorization": []}),
        (TOKEN, None, {"authorization": f"Bearer {TOKEN}"}, {"x-api-key": [], "authorization": []}),
    ],
)
def test_versions_and_keys(proxy, upstream, token, key, sent, forwarded) -> None:
    url = proxy(upstream_key=key, service={"token": token})
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "a,b", "x-tersely-rate": "0.5", **sent}
    for path in ("messages", "messages/count_tokens"):
        httpx.post(f"{url}/{path}", json={"messages": []}, headers=headers).raise_for_status()
    httpx.get(f"{url}/models", headers=headers).raise_for_status()
    for request in upstream.requests:
        assert {name: request.header(name) for name in forwarded} == forwarded
        assert request.header("anthropic-version") == ["2023-06-01"] and request.header("anthropic-beta") == ["a,b"]
        assert request.header("x-tersely-rate") == []


def test_errors_have_the_shape_that_the_client_reads(proxy, upstream) -> None:
    url = proxy(service={"token": TOKEN, "max_body_bytes": 2_000})

    def caught(status: type[Exception], messages: list[Any], **options: Any) -> Any:
        with pytest.raises(status) as error:
            client(url, **options).messages.create(model="a-model", max_tokens=9, messages=messages)
        assert error.value.body["type"] == "error"
        return error.value.body["error"]

    asked = [user(text(QUESTION))]
    assert caught(anthropic.AuthenticationError, asked)["type"] == "authentication_error"
    right = {"api_key": TOKEN}
    marked = [user(text(MILL, tersely={"rate": 25}))]
    wrong = caught(anthropic.BadRequestError, marked, **right)
    assert (wrong["type"], wrong["code"]) == ("invalid_request_error", "invalid_mark")
    assert wrong["message"].startswith("messages[0].content[0].tersely: rate")
    large = caught(anthropic.RequestTooLargeError, [user(text("x" * 2_000))], **right)
    assert (large["type"], large["limit"]) == ("request_too_large", 2_000)
    theirs = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_9"}
    upstream.behaviour = answering(529, httpx.Response(529, json=theirs).content)
    with pytest.raises(anthropic.OverloadedError) as overloaded:
        client(url, **right).messages.create(model="a-model", max_tokens=9, messages=asked)
    assert overloaded.value.body == theirs


def test_failing_open_and_closed(proxy, upstream) -> None:
    said = [*ASKED, user(result(MILL))]
    small = {"max_tokens": 1}
    answer = ask(proxy(min_tokens=0, service=small), said)
    assert answer.headers["x-tersely-status"] == "failed"
    assert answer.headers["x-tersely-error"].startswith("too_many_tokens")
    assert upstream.body["messages"] == said
    with pytest.raises(anthropic.RequestTooLargeError):
        ask(proxy(min_tokens=0, service=small, fail_open=False), said)
    assert len(upstream.requests) == 1


async def test_the_async_client(proxy, upstream) -> None:
    url = proxy().removesuffix("/v1")
    async with anthropic.AsyncAnthropic(base_url=url, api_key="client-key", max_retries=0) as through:
        said = [user(text(QUESTION))]
        async with through.messages.stream(model="a-model", max_tokens=9, messages=said) as stream:
            assert "".join([word async for word in stream.text_stream]) == "In 1820 – é"
    assert len(upstream.requests) == 1
