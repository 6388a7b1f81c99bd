"""What goes upstream, byte for byte, and what becomes of it where some of the marked texts cannot be compressed."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("openai")

import httpx
from proxy_requests import BAKERY, MILL, QUESTION, text, user
from upstream_double import answering

from tersely import CompressionResult, InvalidInputError

pytest_plugins = ["proxy_fixtures"]


def forwarded(url: str, upstream: Any, content: bytes) -> bytes:
    httpx.post(f"{url}/chat/completions", content=content).raise_for_status()
    return upstream.requests[-1].content


def test_only_marked_text_is_written_anew(proxy, upstream, fake_compressor) -> None:
    before = (
        '{ "messages" : [\n {"role":"system","content":"Ünï \\u00fcnï \\/ \\ud83d"},\n\t{"content":"\\u0043af\\u00e9 é '
        '<context>'
    )  # fmt: skip
    after = (
        '</context>\\n' + QUESTION + '" , "role":"user"} ],"temperature":1.0,"seed":1152921504606846976123,'
        '"x":[0.1234567890123456789012345,1e999,-0.0,NaN,' + "7" * 5_000 + '],"a":1,"a":2 }\n'
    )  # fmt: skip
    content = f"{before}{MILL}{after}".encode()
    upstream.behaviour = answering(200, b"{}")
    kept = fake_compressor.compress([MILL], f"Café é\n{QUESTION}", rate=0.5).context
    assert forwarded(proxy(tag="context"), upstream, content) == f"{before}{kept}{after}".encode()


def test_marks_are_cut_and_nothing_else(proxy, upstream) -> None:
    content = (
        '{"tersely" : {"rate":1.0} , "messages":[ {"role":"user","content":[ {"type":"text" , "tersely":{} , '
        '"text":"\\u00e9t\\u00e9"} , {"type":"text","text":"?"} ] , "tersely":null } ] }'
    )
    expected = (
        '{"messages":[ {"role":"user","content":[ {"type":"text" , '
        '"text":"\\u00e9t\\u00e9"} , {"type":"text","text":"?"} ] } ] }'
    )
    assert forwarded(proxy(), upstream, content.encode()) == expected.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_stays(proxy, upstream, encoding: str) -> None:
    content = json.dumps({"messages": [user(text(f"é {MILL}", tersely={}), text("é?"))]}, ensure_ascii=False)
    sent = forwarded(proxy(), upstream, content.encode(encoding)).decode(encoding)
    assert '"é?"' in sent and "tersely" not in sent and len(sent) < len(content)


BAD = ["Umsatz \udbc0 12 Mio. Euro", "A text with \0 in it."]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("together", [True, False])
def test_a_text_that_cannot_be_compressed_stays_and_the_others_are(
    proxy, upstream, fake_compressor, bad: str, together: bool
) -> None:
    """Whether the compressor refuses it, or fails at it in a way that nobody foresaw."""

    class Strict:
        tokenizer, scorer = fake_compressor.tokenizer, fake_compressor.scorer

        def compress(self, documents: list[str], *arguments: Any, **options: Any) -> CompressionResult:
            if bad in documents:
                raise InvalidInputError("documents[1] is no text") if "\0" in bad else UnicodeError("no text")
            return fake_compressor.compress(documents, *arguments, **options)

    documents = [text(words, tersely={}) for words in (MILL, bad, BAKERY)]
    question = text(QUESTION)
    messages = [user(*documents, question)] if together else [user(document, question) for document in documents]
    url = proxy(compressor=Strict())
    answer = httpx.post(f"{url}/chat/completions", content=json.dumps({"messages": messages}).encode())
    sent = [part["text"] for message in upstream.body["messages"] for part in message["content"]]
    assert bad in sent and MILL not in sent and BAKERY not in sent
    assert json.dumps(bad)[1:-1].encode() in upstream.requests[-1].content
    assert answer.headers["x-tersely-status"] == "partial"
    assert answer.headers["x-tersely-error"].startswith("invalid_input" if "\0" in bad else "internal_error")
    original, compressed = (int(answer.headers[f"x-tersely-{name}-tokens"]) for name in ("original", "compressed"))
    assert 0 < compressed < original
    metrics = httpx.get(url.removesuffix("/v1") + "/metrics").text
    assert 'tersely_forwarded_requests_total{context="partial",upstream_status="200"} 1.0' in metrics


def test_where_one_text_fails_and_failing_closed_the_client_gets_its_error(proxy, upstream, fake_compressor) -> None:
    class Strict:
        tokenizer, scorer = fake_compressor.tokenizer, fake_compressor.scorer

        def compress(self, documents: list[str], *arguments: Any, **options: Any) -> CompressionResult:
            if BAKERY in documents:
                raise InvalidInputError("the bakery is no text")
            return fake_compressor.compress(documents, *arguments, **options)

    body = {"messages": [user(text(MILL, tersely={}), text(BAKERY, tersely={}), text(QUESTION))]}
    answer = httpx.post(f"{proxy(compressor=Strict(), fail_open=False)}/chat/completions", json=body)
    assert answer.status_code == 422 and answer.headers["x-tersely-status"] == "partial"
    assert upstream.requests == []
