"""The compressing proxy as OpenAI's own client sees it, against a double of an OpenAI-compatible API on a real port."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from proxy_requests import BAKERY, MILL, QUESTION, ask, text, user
from upstream_double import answering

pytest.importorskip("fastapi")
pytest.importorskip("openai")

from tersely import CompressionSettings

pytest_plugins = ["proxy_fixtures"]
GAP = CompressionSettings(gap_marker=" [...] ")
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}
TOOLS = [
    {"type": "function", "function": {"name": "tersely", "parameters": {"type": "object", "tersely": {"rate": 9}}}}
]


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
    ask(proxy(role="tool", min_tokens=0), asked)
    kept = fake_compressor.compress([MILL], QUESTION, rate=0.5, settings=GAP).context
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
