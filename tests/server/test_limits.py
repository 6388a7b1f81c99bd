"""Each limit has its own code; nothing slow begins before they are checked, and nothing fills the memory."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("fastapi")

from service_doubles import MILL, client_for

TEXT = "The mill was built in 1820. "


class NeverCompresses:
    """Counts tokens, and fails where it is asked for more."""

    def __init__(self, compressor) -> None:
        self.tokenizer, self.scorer = compressor.tokenizer, compressor.scorer

    def compress(self, *_, **__):
        raise AssertionError("the limit was not checked first")


@pytest.fixture
def refusing(fake_compressor):
    return NeverCompresses(fake_compressor)


async def refused(client, call, path="/v1/compress") -> dict:
    answer = await client.post(path, json=call)
    assert answer.status_code == 413, answer.text
    return answer.json()["error"]


async def test_body_of_known_length(refusing) -> None:
    client = client_for(refusing, max_body_bytes=1_000)
    error = await refused(client, {"documents": ["x" * 1_000], "rate": 0.5})
    assert error["code"] == "body_too_large" and error["limit"] == 1_000 and "1000 bytes" in error["message"]


async def test_body_in_chunks_without_a_length(refusing) -> None:
    sent = 0

    async def chunks():
        nonlocal sent
        for _ in range(1_000):
            sent += 100
            yield b" " * 100

    client = client_for(refusing, max_body_bytes=1_000)
    answer = await client.post("/v1/compress", content=chunks())
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "body_too_large"
    assert sent == 1_100  # not a chunk more than was needed to know


async def test_body_of_just_the_allowed_size(fake_compressor) -> None:
    body = b'{"documents": ["a b c"], "rate": 1}'
    client = client_for(fake_compressor, max_body_bytes=1_000)
    assert (await client.post("/v1/compress", content=body.ljust(1_000))).status_code == 200
    assert (await client.post("/v1/compress", content=body.ljust(1_001))).status_code == 413


async def test_body_that_lies_about_its_length(refusing) -> None:
    client = client_for(refusing, max_body_bytes=1_000)

    async def chunks():
        for _ in range(20):
            yield b" " * 100

    answer = await client.post("/v1/compress", content=chunks(), headers={"Content-Length": "10"})
    assert answer.status_code == 413


async def test_body_that_never_comes(refusing) -> None:
    async def chunks():
        yield b"{"
        await asyncio.Event().wait()

    client = client_for(refusing, request_seconds=0.05)
    answer = await client.post("/v1/compress", content=chunks())
    assert answer.status_code == 408
    assert answer.json()["error"]["code"] == "body_timeout" and answer.headers["connection"] == "close"


async def test_documents(refusing) -> None:
    client = client_for(refusing, max_documents=3)
    error = await refused(client, {"documents": ["a"] * 4, "rate": 0.5})
    assert error["code"] == "too_many_documents" and "4 documents" in error["message"] and error["limit"] == 3
    batch = {"requests": [{"documents": ["a", "b"]}] * 2, "rate": 0.5}
    assert (await refused(client, batch, "/v1/compress/batch"))["code"] == "too_many_documents"
    empty = {"requests": [{"documents": []}] * 4, "return_errors": True}
    assert (await refused(client, empty, "/v1/compress/batch"))["code"] == "too_many_documents"


@pytest.mark.parametrize(
    "call",
    [
        {"documents": [TEXT * 20]},
        {"documents": [TEXT] * 20},
        {"documents": [{"title": TEXT * 20, "text": TEXT}]},
        {"documents": [TEXT], "question": TEXT * 20},
        {"documents": [TEXT], "instruction": TEXT * 20},
    ],
    ids=["one text", "many texts", "title", "question", "instruction"],
)
async def test_tokens(refusing, call) -> None:
    error = await refused(client_for(refusing, max_tokens=100), {**call, "rate": 0.5})
    assert error["code"] == "too_many_tokens" and error["limit"] == 100 and "100 tokens" in error["message"]


@pytest.mark.parametrize("character", [" ", ".", "\n", "-"])
async def test_long_text_of_few_tokens(refusing, character) -> None:
    call = {"documents": [f"a{character * 1_000}"], "rate": 0.5}
    assert (await refused(client_for(refusing, max_tokens=100), call))["code"] == "too_many_tokens"


async def test_tokens_of_a_batch_count_together(refusing) -> None:
    client = client_for(refusing, max_tokens=100)
    batch = {"requests": [{"documents": [TEXT * 5]}] * 5, "rate": 0.5}
    assert (await refused(client, batch, "/v1/compress/batch"))["code"] == "too_many_tokens"


@pytest.mark.parametrize("inside", [False, True], ids=["protect", "settings"])
async def test_patterns_that_would_fill_the_memory(fake_compressor, inside) -> None:
    patterns = {"protect": ["b", "a{9999999}"]}
    call = {"documents": [TEXT], "rate": 0.5, **({"settings": patterns} if inside else patterns)}
    answer = await client_for(fake_compressor).post("/v1/compress", json=call)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_input" and error["message"].startswith("protect: the patterns have more than")


async def test_patterns_as_people_write_them(fake_compressor) -> None:
    patterns = [r"\d{4}-\d{2}-\d{2}", r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){4,7}", r"§ ?\d{1,4}", r"\{not repeated\}"] * 20
    client = client_for(fake_compressor)
    answer = await client.post("/v1/compress", json={"documents": [MILL], "rate": 0.5, "protect": patterns})
    assert answer.status_code == 200, answer.text


async def test_passages_that_stand_everywhere(refusing) -> None:
    client = client_for(refusing)
    document = {"text": "a " * 5_000, "keep_passages": ["a"] * 100}
    error = await refused(client, {"documents": [document], "rate": 0.5})
    assert error["code"] == "too_many_passages"


async def test_passages_in_a_long_text(refusing) -> None:
    document = {"text": f"{TEXT * 20_000}.", "keep_passages": ["."] + ["1820. ."] * 3_000}
    error = await refused(client_for(refusing, max_tokens=10_000_000), {"documents": [document], "rate": 0.5})
    assert error["code"] == "too_many_passages"
