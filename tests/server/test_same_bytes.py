"""With the embedded model a text comes out with the same bytes: alone, in company, again, and after a restart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi")

from growing import FACTS

from tersely import CacheSettings, Compressor

pytest_plugins = ["proxy_fixtures"]

pytestmark = pytest.mark.model

TOWNS = ["Utrecht", "Leiden", "Delft", "Gouda", "Breda"]


def turn(number: int) -> list[dict[str, Any]]:
    town = TOWNS[number % len(TOWNS)]
    context = " ".join(f"{fact.replace('water', town)} {town} grew after {1800 + number}." for fact in FACTS[:2] * 3)
    return [
        {"role": "user", "content": f"<context>{context}</context> When did {town} grow?"},
        {"role": "assistant", "content": "An answer."},
    ]


def sent(url: str, messages: list[dict[str, Any]]) -> list[str]:
    """What an upstream that sends back what it gets got of them."""
    answer = httpx.post(f"{url}/chat/completions", json={"messages": messages}, timeout=300)
    assert answer.headers["x-tersely-status"] == "compressed"
    return [message["content"] for message in answer.json()["messages"]]


def test_the_same_bytes(proxy, upstream, real_compressor) -> None:
    async def echo(call: Any) -> None:
        await call.answer(call.request.content)

    upstream.behaviour = echo
    settings = {"tag": "context", "memory_bytes": 0}
    url = proxy(compressor=real_compressor, **settings)
    turns = [turn(number) for number in range(5)]
    alone = [sent(url, messages) for messages in turns]
    assert all(before[0]["content"] != after[0] for before, after in zip(turns, alone, strict=True))
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(lambda messages: sent(url, messages), [*turns, *reversed(turns)])) == alone + alone[::-1]
    conversation = [message for messages in turns for message in messages]
    restarted = proxy(compressor=Compressor(cache=CacheSettings(memory_bytes=0, disk_bytes=0)), **settings)
    for service in (url, restarted):
        assert sent(service, conversation) == [text for messages in alone for text in messages]
