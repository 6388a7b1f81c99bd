"""More requests than there are places: each gets its own answer, or is told when to come again, and nothing stays."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import pytest

pytest.importorskip("fastapi")

import httpx
from test_serving import CALL, serve  # noqa: F401
from upstream_double import Call

pytest_plugins = ["proxy_fixtures"]

THREADS, QUEUE = 2, 4
PATHS = {"/chat/completions": "messages", "/messages": "messages", "/responses": "input"}


async def echo(call: Call) -> None:
    """Answers with what came."""
    await call.answer(call.request.content)


async def loaded(url: str, callers: int, requests_each: int) -> list[tuple[int, httpx.Response]]:
    """The answers to as many callers as that, each of whom asks again as soon as it has one."""
    answers: list[tuple[int, httpx.Response]] = []
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None)) as client:

        async def caller(number: int) -> None:
            path, key = list(PATHS.items())[number % len(PATHS)]
            for turn in range(requests_each):
                own = number * 1_000 + turn
                text = f"<context>Mill {own} stands here. Its roof fell in. {own} people came.</context> Who {own}?"
                body = {key: [{"role": "user", "content": text}]}
                answers.append((own, await client.post(f"{url}{path}", json=body)))

        await asyncio.gather(*map(caller, range(callers)))
    return answers


@pytest.mark.parametrize("times", [1, 3, 10])
async def test_every_answer_belongs_to_its_request(proxy, upstream, fake_compressor, times: int) -> None:
    upstream.behaviour = echo
    service = {"threads": THREADS, "queue": QUEUE}
    url = proxy(tag="context", fail_open=False, service=service)
    callers = times * (THREADS + QUEUE)
    answers = await loaded(url, callers, 60 // callers + 1)
    accepted = [(own, answer) for own, answer in answers if answer.status_code == 200]
    for own, answer in accepted:
        (message,) = next(iter(answer.json().values()))
        assert message["content"].endswith(f"</context> Who {own}?") and "tersely" not in answer.text
        assert answer.headers["x-tersely-status"] == "compressed"
    refused = [answer for _, answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refused} <= {429}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert len(accepted) >= THREADS + QUEUE and (not refused or times > 1)
    metrics = httpx.get(url.removesuffix("/v1") + "/metrics").text
    assert "tersely_queue_length 0.0" in metrics and "tersely_in_flight 0.0" in metrics
    assert f'context="compressed",upstream_status="200"}} {len(accepted)}.0' in metrics


async def test_failing_open_nobody_is_refused(proxy, upstream) -> None:
    upstream.behaviour = echo
    answers = await loaded(proxy(tag="context", service={"threads": 1, "queue": 0}), 20, 3)
    assert {answer.status_code for _, answer in answers} == {200}
    assert {answer.headers["x-tersely-status"] for _, answer in answers} <= {"compressed", "failed"}
    for own, answer in answers:
        assert f"Who {own}?" in answer.text


async def test_sigterm_under_load_answers_all_that_was_accepted(serve) -> None:  # noqa: F811
    served = serve("--threads", "2", "--queue", "4")
    served.hold()
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
        taken = [asyncio.ensure_future(client.post("/v1/compress", json=CALL)) for _ in range(6)]
        while "tersely_queue_length 4.0" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.01)
        served.process.send_signal(signal.SIGTERM)
        while (await client.get("/readyz")).status_code == 200:
            await asyncio.sleep(0.01)
        served.let_go()
        assert [answer.status_code for answer in await asyncio.gather(*taken)] == [200] * 6
    assert await asyncio.to_thread(served.process.wait, 30) == 0


async def test_sigterm_lets_a_stream_of_the_upstream_end(serve, upstream) -> None:  # noqa: F811
    upstream.behaviour = upstream.one_by_one
    served = serve("--upstream", upstream.url)
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
        async with client.stream("POST", "/v1/chat/completions", content=json.dumps(body)) as answer:
            parts = answer.aiter_raw()
            await anext(parts)
            served.process.send_signal(signal.SIGTERM)
            upstream.go.set()
            rest = b"".join([part async for part in parts])
    assert rest.endswith(b"data: [DONE]\n\n")
    assert await asyncio.to_thread(served.process.wait, 30) == 0
