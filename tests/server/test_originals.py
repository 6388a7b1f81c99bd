"""Originals are kept for their caller, for a while and up to a size, and come back as they were."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi")

from conversations import PAGES, ROWS, call, result, user
from service_doubles import TOKEN, client_for
from starlette.requests import Request

from tersely_server.compression import Originals
from tersely_server.http import caller_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_text_comes_back_as_it_was_to_its_caller_alone() -> None:
    originals = Originals(1_000, 60)
    text = "é\x00\ud800 text"
    id = originals.keep("a", text)
    assert id is not None and re.fullmatch("[0-9a-f]{24}", id)
    assert originals.get("a", id) == text and originals.get("b", id) is None
    assert originals.keep("b", text) != id  # what another caller sent cannot be told from an id


def test_an_id_is_the_same_after_a_restart() -> None:
    assert Originals(1_000, 60).keep("a", "text") == Originals(2_000, 5).id_of("a", "text")


def test_nothing_is_kept_by_default_and_nothing_that_is_larger_than_all() -> None:
    off, small = Originals(0, 60), Originals(5, 60)
    assert off.keep("a", "text") is None and not off.kept
    assert small.keep("a", "a longer text") is None and small.size == 0
    assert small.id_of("a", "a longer text") is None


def test_a_text_goes_when_its_time_is_over_counted_from_its_last_use() -> None:
    clock = Clock()
    originals = Originals(1_000, 60, clock)
    first, second = originals.keep("a", "first"), originals.keep("a", "second")
    clock.now = 50
    assert originals.get("a", first) == "first"
    clock.now = 70
    assert originals.get("a", second) is None and originals.get("a", first) == "first"
    clock.now = 200
    assert originals.get("a", first) is None and originals.size == 0


def test_a_caller_with_much_does_not_crowd_out_the_others() -> None:
    originals = Originals(100, 60)
    theirs = originals.keep("small", "x" * 20)
    ids = [originals.keep("large", f"{number:030}") for number in range(10)]
    assert originals.size <= 100
    assert originals.get("small", theirs) == "x" * 20
    assert originals.get("large", ids[-1]) is not None and originals.get("large", ids[0]) is None


def test_sending_a_text_again_takes_no_more_room() -> None:
    originals = Originals(100, 60)
    assert {originals.keep("a", "y" * 60) for _ in range(5)} == {originals.keep("a", "y" * 60)}
    assert originals.size == 60


CONVERSATION = [user("When was mill number 12 built?"), call("a"), result("a", PAGES)]


async def test_a_shortened_text_says_where_the_whole_is(fake_compressor) -> None:
    client = client_for(fake_compressor, originals_bytes=100_000)
    answer = (await client.post("/v1/compress", json={"messages": CONVERSATION})).json()
    text, (id,) = answer["messages"][2]["content"], answer["ccr_hashes"]
    assert text.endswith(f"hash={id}]") and answer["texts"][0]["id"] == id
    count = fake_compressor.tokenizer.count
    assert answer["texts"][0]["compressed_tokens"] == count(text) <= count(PAGES) // 2
    retrieved = await client.get(f"/v1/retrieve/{id}", params={"query": "mill"})
    assert retrieved.json() == {"id": id, "original_content": PAGES}


async def test_a_gaps_marker_can_carry_the_id(fake_compressor) -> None:
    client = client_for(fake_compressor, originals_bytes=100_000, gateway={"gap_marker": " [... {id}] "})
    answer = (await client.post("/v1/compress", json={"messages": CONVERSATION})).json()
    text, (id,) = answer["messages"][2]["content"], answer["ccr_hashes"]
    assert f"[... {id}]" in text and "{id}" not in text and "hash=" not in text


async def test_json_carries_no_marker_and_its_id_stands_beside_it(fake_compressor) -> None:
    client = client_for(fake_compressor, originals_bytes=100_000)
    conversation = [user("Which?"), call("a"), result("a", ROWS)]
    answer = (await client.post("/v1/compress", json={"messages": conversation})).json()
    (id,) = answer["ccr_hashes"]
    assert id not in answer["messages"][2]["content"]
    assert (await client.get(f"/v1/retrieve/{id}")).json()["original_content"] == ROWS


async def test_callers_with_other_tokens_and_services_that_keep_nothing_answer_404(fake_compressor) -> None:
    client = client_for(fake_compressor, originals_bytes=100_000)
    mine = {"Authorization": "Bearer mine"}
    answer = await client.post("/v1/compress", json={"messages": CONVERSATION}, headers=mine)
    (id,) = answer.json()["ccr_hashes"]
    assert (await client.get(f"/v1/retrieve/{id}", headers=mine)).status_code == 200
    for headers in ({}, {"Authorization": "Bearer yours"}):
        refused = await client.get(f"/v1/retrieve/{id}", headers=headers)
        assert refused.status_code == 404 and refused.json()["error"]["code"] == "not_kept"
    off = client_for(fake_compressor)
    answer = (await off.post("/v1/compress", json={"messages": CONVERSATION})).json()
    assert answer["ccr_hashes"] == [] and "hash=" not in answer["messages"][2]["content"]
    assert "--originals-bytes" in (await off.get(f"/v1/retrieve/{id}")).json()["error"]["message"]


async def test_the_services_token_is_needed_for_originals(fake_compressor) -> None:
    client = client_for(fake_compressor, originals_bytes=100_000, token=TOKEN)
    assert (await client.get(f"/v1/retrieve/{'0' * 24}")).status_code == 401


def caller(**headers: str) -> str:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return caller_of(Request({"type": "http", "headers": sent}))


def test_callers_are_told_apart_by_their_key_in_whichever_header_it_comes() -> None:
    assert caller(x_api_key="a") == caller(authorization="Bearer a") != caller(x_api_key="b")
    assert caller() not in (caller(x_api_key="a"), caller(x_api_key="b"))
