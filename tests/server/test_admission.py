"""A bounded number of requests is let in; who goes away, or is out of time, leaves a free place behind."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

pytest.importorskip("fastapi")

from service_doubles import MILL, HeldCompressor, client_of

from tersely_server.app import create_app
from tersely_server.settings import ServerSettings

CALL = {"documents": [MILL], "rate": 0.5}


@pytest.fixture
def held(fake_compressor):
    held = HeldCompressor(fake_compressor)
    yield held
    held.go.set()


def make(held, **settings):
    app = create_app(ServerSettings(**settings), compressor=held)
    return app.state.service.admission, client_of(app)


async def until(held, *, begun: int) -> None:
    for _ in range(begun):
        assert await asyncio.to_thread(held.begun.acquire, timeout=10)


async def settle(condition) -> None:
    """Let the loop run until what has been set going is done."""

    async def settled() -> None:
        while not condition():
            await asyncio.sleep(0.001)

    await asyncio.wait_for(settled(), 10)


async def test_what_does_not_fit_is_refused_and_what_fits_is_done(held) -> None:
    admission, client = make(held, threads=2, queue=1)
    taken = [asyncio.create_task(client.post("/v1/compress", json=CALL)) for _ in range(3)]
    await until(held, begun=2)
    await settle(lambda: admission.waiting == 1)
    assert admission.working == 2

    refused = await client.post("/v1/compress", json=CALL)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "overloaded"
    assert 1 <= int(refused.headers["retry-after"]) == refused.json()["error"]["retry_after"] <= 60

    held.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*taken)] == [200] * 3
    await settle(lambda: admission.idle)
    assert (await client.post("/v1/compress", json=CALL)).status_code == 200


async def test_no_queue_at_all(held) -> None:
    _, client = make(held, threads=1, queue=0)
    first = asyncio.create_task(client.post("/v1/compress", json=CALL))
    await until(held, begun=1)
    assert (await client.post("/v1/compress", json=CALL)).status_code == 429
    held.go.set()
    assert (await first).status_code == 200


async def test_out_of_time_at_work(held) -> None:
    admission, client = make(held, threads=1, request_seconds=0.1)
    answer = await client.post("/v1/compress", json=CALL)
    assert answer.status_code == 408 and answer.json()["error"]["code"] == "time_limit"
    assert await asyncio.to_thread(held.ended.acquire, timeout=10)  # the thread does not go on for nobody
    await settle(lambda: admission.idle)
    held.go.set()
    assert (await client.post("/v1/compress", json=CALL)).status_code == 200


async def test_out_of_time_in_the_queue(held) -> None:
    held.listens = False
    admission, client = make(held, threads=1, queue=5, request_seconds=0.1)
    assert (await client.post("/v1/compress", json=CALL)).status_code == 408
    assert admission.working == 1  # the thread has not noticed, so its place is not free
    second = await client.post("/v1/compress", json=CALL)
    assert second.status_code == 429 and "no thread was free within 0.1 seconds" in second.json()["error"]["message"]
    held.go.set()
    await settle(lambda: admission.idle)
    assert (await client.post("/v1/compress", json=CALL)).status_code == 200


class Caller:
    """One request, spoken to the application directly: unlike a client, it can go away."""

    def __init__(self, app, body: bytes = json.dumps(CALL).encode()) -> None:
        self.messages = asyncio.Queue()
        self.messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self.sent = []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/v1/compress", "raw_path": b"/v1/compress", "query_string": b"", "root_path": "",
            "headers": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip

        async def send(message) -> None:
            self.sent.append(message)

        self.task = asyncio.create_task(app(scope, self.messages.get, send))

    def leave(self) -> None:
        self.messages.put_nowait({"type": "http.disconnect"})


async def test_a_client_that_goes_frees_its_place_at_work(held) -> None:
    admission, client = make(held, threads=1, queue=0)
    caller = Caller(client._transport.app)
    await until(held, begun=1)
    caller.leave()
    await caller.task
    assert await asyncio.to_thread(held.ended.acquire, timeout=10)
    await settle(lambda: admission.idle)
    assert caller.sent == []
    held.go.set()
    assert (await client.post("/v1/compress", json=CALL)).status_code == 200


async def test_a_client_that_goes_frees_its_place_in_the_queue(held) -> None:
    admission, client = make(held, threads=1, queue=1)
    first = asyncio.create_task(client.post("/v1/compress", json=CALL))
    await until(held, begun=1)
    caller = Caller(client._transport.app)
    await settle(lambda: admission.waiting == 1)
    assert (await client.post("/v1/compress", json=CALL)).status_code == 429
    caller.leave()
    await caller.task
    assert admission.waiting == 0
    third = asyncio.create_task(client.post("/v1/compress", json=CALL))
    await settle(lambda: admission.waiting == 1)
    held.go.set()
    assert [(await first).status_code, (await third).status_code] == [200, 200]
    assert not held.begun.acquire(timeout=0) or not held.begun.acquire(timeout=0)  # nobody did the work of the second


async def test_a_client_that_goes_in_the_middle_of_its_body(held) -> None:
    admission, client = make(held, threads=1, queue=0)
    caller = Caller(client._transport.app)
    caller.messages.get_nowait()
    caller.messages.put_nowait({"type": "http.request", "body": b"{", "more_body": True})
    await settle(lambda: admission.waiting == 1)
    caller.leave()
    caller.leave()  # a server says it whenever it is asked
    await caller.task
    assert admission.idle and caller.sent == []


async def test_closed_it_finishes_what_it_took_and_takes_nothing_new(held) -> None:
    admission, client = make(held, threads=1, queue=2)
    taken = [asyncio.create_task(client.post("/v1/compress", json=CALL)) for _ in range(2)]
    await until(held, begun=1)
    await settle(lambda: admission.waiting == 1)
    assert (await client.get("/readyz")).status_code == 200
    admission.close()
    for answer in (await client.post("/v1/compress", json=CALL), await client.get("/readyz")):
        assert answer.status_code == 503 and answer.json()["error"]["code"] == "shutting_down"
        assert answer.headers["retry-after"]
    assert (await client.get("/healthz")).status_code == 200
    held.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*taken)] == [200, 200]


async def test_readiness_while_and_after_the_model_is_loaded(fake_compressor, loader) -> None:
    go = threading.Event()

    def load(*_, **__):
        go.wait(10)
        return fake_compressor.scorer

    loader(load)
    app = create_app()
    client = client_of(app)
    async with app.router.lifespan_context(app):
        for answer in (await client.get("/readyz"), await client.post("/v1/compress", json=CALL)):
            assert answer.status_code == 503 and answer.json()["error"]["code"] == "loading"
        assert (await client.get("/healthz")).status_code == 200
        go.set()
        await settle(lambda: app.state.service._compressor is not None)
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        assert (await client.post("/v1/compress", json=CALL)).status_code == 200
    assert (await client.get("/readyz")).status_code == 503


async def test_a_model_that_cannot_be_loaded_is_said(tmp_path) -> None:
    app = create_app(ServerSettings(model=str(tmp_path / "nothing.gguf")))
    async with app.router.lifespan_context(app):
        await settle(lambda: app.state.service.failure is not None)
        answer = await client_of(app).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "model_failed" and "nothing.gguf" in answer.json()["error"]["message"]


async def test_the_call_for_other_routes_goes_through_the_same_door(held) -> None:
    app = create_app(ServerSettings(threads=1, queue=0, max_documents=2), compressor=held)
    service = app.state.service
    first = asyncio.create_task(service.compress([MILL], "When?", rate=0.5, settings={"gap_marker": "~"}))
    await until(held, begun=1)
    with pytest.raises(Exception, match="places are taken"):
        await service.compress([MILL], rate=0.5)
    held.go.set()
    assert "~" in (await first).context
    await settle(lambda: service.admission.idle)
    with pytest.raises(Exception, match="3 documents"):
        await service.compress(["a", "b", "c"], rate=0.5)
    with pytest.raises(ValueError, match="documents is empty"):
        await service.compress([], rate=0.5)


async def test_what_fails_at_once_does_not_shorten_the_wait_that_is_advised(held) -> None:
    admission, client = make(held, threads=1, queue=0)
    admission._average_seconds = 40.0
    held.go.set()
    for _ in range(20):
        answer = await client.post("/v1/compress", json={**CALL, "method": "longllmlingua"})  # it needs a question
        assert answer.status_code == 422
    await until(held, begun=20)
    await settle(lambda: admission.idle)
    held.go.clear()
    first = asyncio.create_task(client.post("/v1/compress", json=CALL))
    await until(held, begun=1)
    refused = await client.post("/v1/compress", json=CALL)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "40")
    held.go.set()
    assert (await first).status_code == 200
