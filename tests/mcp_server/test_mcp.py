"""The MCP server as an agent sees it, through the SDK's own client: in this process, over a pipe and over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

import uvicorn
from live import served
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from doubles import FakeScorer
from tersely import Compressor, InvalidInputError
from tersely_mcp import McpSettings, mcp_server, mcp_settings, run
from tersely_mcp.server import TokenCheck

HERE = Path(__file__).parent
TEXT = " ".join(f"Mill number {number} was built in {1700 + number} by the river." for number in range(40))
QUESTION = "When was mill number 12 built?"
ROWS = json.dumps([{"mill": number, "built": 1700 + number} for number in range(40)])
DOCUMENTS = [
    "The weather is fine today. It was not yesterday.",
    "Mill number 12 was built in 1712. It is old.",
    "A cat.",
]


@pytest.fixture
def server(fake_compressor):
    return mcp_server(compressor=fake_compressor)


async def called(server, tool: str, **arguments) -> dict:
    async with Client(server) as client:
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return result.structured_content


async def refused(server, tool: str, **arguments) -> str:
    async with Client(server) as client:
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        return result.content[0].text


async def test_the_tools_say_what_they_do_and_what_they_take(server) -> None:
    async with Client(server) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "retrieve" in (client.instructions or "")
    assert tools.keys() == {"compress", "rank", "retrieve", "stats"}
    for tool in tools.values():
        assert tool.description and tool.title and tool.output_schema and tool.annotations.read_only_hint
        for name, schema in tool.input_schema["properties"].items():
            assert schema.get("description"), (tool.name, name)
    assert tools["compress"].input_schema["required"] == ["text"]
    assert tools["rank"].input_schema["required"] == ["documents", "question"]
    assert "context" not in tools["compress"].input_schema["properties"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_text_is_compressed_and_had_back(server, mode, fake_compressor) -> None:
    async with Client(server, mode=mode) as client:
        compressed = (await client.call_tool("compress", {"text": TEXT, "question": QUESTION})).structured_content
        count = fake_compressor.tokenizer.count
        assert compressed["original_tokens"] == count(TEXT)
        assert compressed["compressed_tokens"] == count(compressed["text"]) <= count(TEXT) / 2
        assert "[...]" in compressed["text"]
        whole = (await client.call_tool("retrieve", {"id": compressed["id"]})).structured_content
        assert whole == {"id": compressed["id"], "text": TEXT}
        stats = (await client.call_tool("stats", {})).structured_content
    assert stats["compressed_texts"] == 1
    assert stats["saved_tokens"] == compressed["original_tokens"] - compressed["compressed_tokens"]
    assert stats["kept_original_bytes"] == len(TEXT) and stats["model"] == "fake"


async def test_a_budget_is_a_rate_or_a_number_of_tokens(server, fake_compressor) -> None:
    small = await called(server, "compress", text=TEXT, question=QUESTION, target_tokens=60)
    assert fake_compressor.tokenizer.count(small["text"]) <= 60
    assert (await called(server, "compress", text=TEXT, rate=1.0))["text"] == TEXT
    assert "exclude each other" in await refused(server, "compress", text=TEXT, rate=0.5, target_tokens=60)
    assert "rate" in await refused(server, "compress", text=TEXT, rate=25)


async def test_json_stays_json(server) -> None:
    compressed = await called(server, "compress", text=ROWS, question=QUESTION)
    rows = json.loads(compressed["text"])
    assert 0 < len(rows) < 40 and all(row in json.loads(ROWS) for row in rows)


async def test_what_would_be_no_shorter_is_whole_and_is_not_kept(server) -> None:
    compressed = await called(server, "compress", text="Mill number 12 was built in 1712.", question=QUESTION)
    assert compressed["text"] == "Mill number 12 was built in 1712." and compressed["id"] is None
    assert compressed["compressed_tokens"] == compressed["original_tokens"] and "whole" in compressed["note"]


async def test_documents_are_ranked_best_first(server, fake_compressor) -> None:
    ranked = (await called(server, "rank", documents=DOCUMENTS, question=QUESTION))["documents"]
    expected = fake_compressor.compress(DOCUMENTS, QUESTION, rate=0.99, method="evidence").documents
    values = {document.index: document.relevance for document in expected}
    assert [document["index"] for document in ranked] == sorted(values, key=lambda index: -values[index])
    assert {document["index"]: document["relevance"] for document in ranked} == values
    top = await called(server, "rank", documents=DOCUMENTS, question=QUESTION, top=1)
    assert top["documents"] == ranked[:1]


async def test_copies_and_documents_without_text_have_a_place_too(server) -> None:
    documents = [*DOCUMENTS, DOCUMENTS[1], " "]
    ranked = (await called(server, "rank", documents=documents, question=QUESTION))["documents"]
    values = {document["index"]: document["relevance"] for document in ranked}
    assert values.keys() == set(range(5)) and values[1] == values[3] and values[4] is None
    assert ranked[-1]["index"] == 4


async def test_errors_say_what_was_wrong(server) -> None:
    assert "fetch it again" in await refused(server, "retrieve", id="0" * 24)
    assert "question is empty" in await refused(server, "compress", text=TEXT, question=" ")
    assert await refused(server, "rank", documents=[], question="Why?")


async def test_nothing_is_kept_where_nothing_may_be(fake_compressor) -> None:
    server = mcp_server(McpSettings(originals_bytes=0), compressor=fake_compressor)
    assert (await called(server, "compress", text=TEXT))["id"] is None


async def test_over_standard_input_and_output() -> None:
    folders = [HERE.parent, *map(Path, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    command = StdioServerParameters(command=sys.executable, args=[str(HERE / "stdio_server.py")], env=environment)
    async with Client(stdio_client(command)) as client:
        compressed = (await client.call_tool("compress", {"text": TEXT})).structured_content
        assert (await client.call_tool("retrieve", {"id": compressed["id"]})).structured_content["text"] == TEXT


async def test_over_streamable_http(server) -> None:
    with served(server.streamable_http_app()) as url:
        async with Client(f"{url}/mcp") as client:
            compressed = (await client.call_tool("compress", {"text": TEXT})).structured_content
            assert (await client.call_tool("retrieve", {"id": compressed["id"]})).structured_content["text"] == TEXT


async def test_pages_of_other_sites_cannot_call_it(server) -> None:
    httpx = pytest.importorskip("httpx")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accepted = {"Accept": "application/json, text/event-stream"}
    with served(server.streamable_http_app()) as url:
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            answer = httpx.post(f"{url}/mcp", json=call, headers={**accepted, **headers})
            assert answer.status_code in (403, 421)


async def test_a_token_is_checked_and_separates_originals(fake_compressor) -> None:
    httpx = pytest.importorskip("httpx")
    token = "a-token-for-the-tests"
    app = TokenCheck(mcp_server(compressor=fake_compressor).streamable_http_app(), token)
    with served(app) as url:
        for headers in ({}, {"Authorization": "Bearer another"}):
            assert httpx.post(f"{url}/mcp", json={}, headers=headers).status_code == 401
        assert httpx.post(f"{url}/mcp", json={}, headers={"Authorization": f"Bearer {token}"}).status_code != 401


def test_it_does_not_listen_beyond_this_machine_without_a_token(monkeypatch) -> None:
    with pytest.raises(InvalidInputError, match="no token is set"):
        mcp_settings(transport="http", host="0.0.0.0")
    started = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: started.append((app, options)))
    settings = mcp_settings(transport="http", host="0.0.0.0", token="a-token-for-the-tests", port=0)
    run(settings, compressor=Compressor(FakeScorer()))
    ((app, options),) = started
    assert isinstance(app, TokenCheck) and options["host"] == "0.0.0.0"


def test_the_command_refuses_what_cannot_be() -> None:
    command = [sys.executable, "-c", "from tersely_cli.app import app; app()", "mcp"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*command, "--transport", "smoke"], capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "transport" in done.stderr and not done.stdout
