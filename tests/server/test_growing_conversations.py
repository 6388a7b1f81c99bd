"""Whatever a conversation holds, its earlier turns go upstream with the bytes that they had before."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest

pytest.importorskip("fastapi")

from growing import PROTOCOLS, Chat, compress, conversations, requests_of, without_breakpoints
from hypothesis import given
from hypothesis import strategies as st

from tersely_server.errors import ServiceError
from tersely_server.proxy.preparation import Preparation, Prepared
from tersely_server.proxy.settings import ProxySettings

CHAT = PROTOCOLS[0]
UPSTREAM = "http://127.0.0.1:9/v1"
protocols = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: type(protocol).__name__)


def preparation(**settings: Any) -> Preparation:
    return Preparation(ProxySettings(upstream=UPSTREAM, tag="context", **{"min_tokens": 3, **settings}), compress)


def prepared(prepare: Preparation, protocol: Chat, content: bytes) -> Prepared:
    return asyncio.run(prepare(content, {}, protocol.reader))


@protocols
@given(conversation=conversations)
def test_earlier_turns_keep_their_bytes(protocol: Chat, conversation: list[Any]) -> None:
    """Also where the breakpoint moves on, as clients move it, and where the service was started anew."""
    prepare, before = preparation(), b""
    for content in requests_of(protocol, conversation):
        ready = prepared(prepare, protocol, content)
        started_anew = prepared(preparation(memory_bytes=0), protocol, content)
        assert started_anew.content == ready.content and ready.failure is None
        now = without_breakpoints(ready.content)
        assert now.startswith(before)
        assert ready.content.count(b"cache_control") == content.count(b"cache_control")
        assert b"tersely" not in ready.content
        before = now.removesuffix(b"]}")


@protocols
def test_a_later_question_changes_nothing_and_what_that_saves_is_said(protocol: Chat) -> None:
    turn = ("tag", "One two three four five. " * 20, {}, "How many?")
    first, second = requests_of(protocol, [(turn, []), (("none", "", {}, "And who?"), [])])
    prepare = preparation()
    assert prepared(prepare, protocol, first).outcome.rewrite_tokens == 0
    ready = prepared(prepare, protocol, second)
    compressed = ready.outcome.compressed_tokens
    assert compressed <= ready.outcome.rewrite_tokens <= compressed + 30
    assert ready.headers()["x-tersely-rewrite-tokens"] == str(ready.outcome.rewrite_tokens)


@pytest.mark.parametrize(("memory_bytes", "expected"), [(1_000_000, [1, 2, 2]), (0, [1, 3, 5])])
def test_what_was_compressed_is_not_compressed_again(memory_bytes: int, expected: list[int]) -> None:
    calls = []

    async def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return await compress(*arguments, **options)

    first, second = requests_of(CHAT, [(("tag", f"One two {number}. " * 9, {}, "Why?"), []) for number in range(2)])
    settings = ProxySettings(upstream=UPSTREAM, tag="context", memory_bytes=memory_bytes)
    prepare, counts = Preparation(settings, counted), []
    for content in (first, second, second):
        prepared(prepare, CHAT, content)
        counts.append(len(calls))
    assert counts == expected


@protocols
@given(conversation=conversations, failing=st.sets(st.integers(0, 9)))
def test_what_failed_and_went_upstream_whole_stays_whole(
    protocol: Chat, conversation: list[Any], failing: set[int]
) -> None:
    calls = count()

    async def sometimes(*arguments: Any, **options: Any) -> Any:
        if next(calls) in failing:
            raise ServiceError(429, "overloaded", "come again")
        return await compress(*arguments, **options)

    prepare = Preparation(ProxySettings(upstream=UPSTREAM, tag="context", min_tokens=3), sometimes)
    before, statuses = b"", set()
    for content in requests_of(protocol, conversation):
        ready = prepared(prepare, protocol, content)
        statuses.add(ready.outcome.status)
        now = without_breakpoints(ready.content)
        assert now.startswith(before)
        before = now.removesuffix(b"]}")
    assert next(calls) > min(failing, default=99) or not statuses & {"failed", "partial"}


@pytest.mark.parametrize(("fail_open", "second"), [(True, "failed"), (False, "compressed")])
def test_what_failed_is_tried_again_only_if_it_did_not_go_upstream(fail_open: bool, second: str) -> None:
    works = False

    async def sometimes(*arguments: Any, **options: Any) -> Any:
        if not works:
            raise RuntimeError("a secret")
        return await compress(*arguments, **options)

    (content,) = requests_of(CHAT, [(("tag", "One two. " * 9, {}, "Why?"), [])])
    prepare = Preparation(ProxySettings(upstream=UPSTREAM, tag="context", fail_open=fail_open), sometimes)
    assert prepared(prepare, CHAT, content).outcome.status == "failed"
    works = True
    again = prepared(prepare, CHAT, content)
    assert again.outcome.status == second
    assert ("x-tersely-error" in again.headers()) == fail_open and "secret" not in str(again.headers())
