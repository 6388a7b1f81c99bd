"""The proxy as OpenAI's own client sees it through its newer protocol, against a double of the API on a real port."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("openai")

import httpx
import openai
from protocol_answers import RESPONSE_EVENTS
from proxy_requests import BAKERY, MILL, QUESTION, client

from tersely import CompressionSettings

pytest_plugins = ["proxy_fixtures"]

GAP = CompressionSettings(gap_marker=" [...] ")

CALL = {"type": "function_call", "call_id": "call-1", "name": "search", "arguments": '{"q": "mill"}'}
ASKED: list[Any] = [{"role": "user", "content": QUESTION}, {"type": "reasoning", "id": "rs_1", "summary": []}, CALL]


def part(words: str, **others: Any) -> dict[str, Any]:
    return {"type": "input_text", "text": words, **others}


def output(content: Any, kind: str = "function_call_output", **others: Any) -> dict[str, Any]:
    return {"type": kind, "call_id": "call-1", "output": content, **others}


def ask(url: str, said: Any, **options: Any) -> Any:
    return client(url).responses.with_raw_response.create(model="a-model", input=said, **options)


def test_marked_parts_are_compressed_within_one_budget(proxy, upstream, fake_compressor) -> None:
    mark = {"target_tokens": 20}
    said = [{"role": "user", "content": [part(MILL, tersely=mark), part(BAKERY, tersely=mark), part(QUESTION)]}]
    response = ask(proxy(), said)
    assert response.parse().output_text == "In 1820."
    expected = fake_compressor.compress([MILL, BAKERY], QUESTION, target_tokens=20, order="original")
    kept = [document.text for document in expected.documents if document.kept]
    assert [words["text"] for words in upstream.body["input"][0]["content"]] == [*kept, QUESTION]
    assert response.headers["x-tersely-status"] == "compressed"


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
@pytest.mark.parametrize("parts", [False, True], ids=["a string", "a list of parts"])
def test_a_tools_output_is_compressed(proxy, upstream, fake_compressor, kind: str, parts: bool) -> None:
    file = {"type": "input_file", "file_id": "file-1"}
    said = [*ASKED, output([part(MILL), file] if parts else MILL, kind)]
    ask(proxy(min_tokens=0), said, instructions=BAKERY)
    kept = fake_compressor.compress([MILL], QUESTION, rate=0.5, settings=GAP).context
    assert upstream.body["instructions"] == BAKERY
    assert upstream.body["input"] == [*ASKED, output([part(kept), file] if parts else kept, kind)]


def test_tags_in_an_input_that_is_a_string_and_in_instructions(proxy, upstream, fake_compressor) -> None:
    tagged = f"<context>{MILL}</context> {QUESTION}"
    ask(proxy(tag="context"), tagged, instructions=f"<context>{MILL}</context>")
    kept = fake_compressor.compress([MILL], QUESTION, rate=0.5).context
    assert upstream.body["input"] == f"<context>{kept}</context> {QUESTION}"
    assert upstream.body["instructions"] == f"<context>{kept}</context>"


def test_a_stream_is_passed_on_byte_for_byte(proxy, upstream) -> None:
    url, said = proxy(min_tokens=0), [*ASKED, output(MILL)]
    words = [event.delta for event in ask(url, said, stream=True).parse() if event.type == "response.output_text.delta"]
    assert words == ["In", " 1820 – é"]
    assert MILL not in upstream.requests[-1].content.decode()
    with httpx.stream("POST", f"{url}/responses", json={"input": said, "stream": True}) as answer:
        assert b"".join(answer.iter_raw()) == b"".join(RESPONSE_EVENTS)


def test_what_is_stored_can_be_asked_for(proxy, upstream) -> None:
    through = client(proxy())
    assert through.responses.retrieve("resp_1").id == "resp_1"
    through.responses.cancel("resp_1")
    through.responses.delete("resp_1")
    httpx.get(f"{through.base_url}responses/resp_1/input_items", params={"limit": 3}).raise_for_status()
    seen = [(request.method, request.path, request.query) for request in upstream.requests]
    assert seen == [
        ("GET", "/v1/responses/resp_1", ""),
        ("POST", "/v1/responses/resp_1/cancel", ""),
        ("DELETE", "/v1/responses/resp_1", ""),
        ("GET", "/v1/responses/resp_1/input_items", "limit=3"),
    ]
    for name in ("%2e%2e", "..%2ffiles", "%5c..%5cfiles", "."):
        assert httpx.get(f"{through.base_url}responses/{name}").status_code in (404, 405)
        assert httpx.post(f"{through.base_url}responses/{name}/cancel").status_code in (404, 405)
    assert len(upstream.requests) == 4


def test_tokens_are_counted_of_what_the_client_sends(proxy, upstream) -> None:
    said = [{"role": "user", "content": [part(MILL, tersely={}), part(QUESTION)]}]
    assert client(proxy()).responses.input_tokens.count(model="a-model", input=said).input_tokens == 9
    assert upstream.body["input"] == [{"role": "user", "content": [part(MILL), part(QUESTION)]}]


def test_a_wrong_mark_is_refused_by_its_place(proxy, upstream) -> None:
    with pytest.raises(openai.BadRequestError, match=r"input\[3\]\.tersely: rate: .* got 25"):
        ask(proxy(), [*ASKED, output(MILL, tersely={"rate": 25})])
    assert upstream.requests == []
