"""The compressing proxy under more load than it has places for, as one command.

    python benchmarks/load.py                       # a minute each at 1, 3 and 10 times its places
    python benchmarks/load.py --seconds 5 --warm-up 20

It starts `tersely serve --fail-closed` with the embedded model, and an upstream beside it that sends back what it gets;
all on this machine's own address. It says how many answers came and were the request's own, how many were refused
with 429 and `Retry-After`, how long the accepted ones took, and how the service's memory grew. It exits with 1 where an
answer was another's, where memory grew by more than a tenth after the first load, or where the slowest percent of the
accepted ones took longer than `--request-seconds`, which the service promises.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Annotated, Any, NamedTuple

import httpx
import psutil
import typer
import uvicorn
from starlette.types import Receive, Scope, Send

TIMES = (1, 3, 10)
_GROWTH = 1.1
_SENTENCE = "Mill {number} on the river was built in {year} and sold again after {number} winters. "


class Load(NamedTuple):
    """What came of one load.

    Attributes:
        times: callers / places.
        statuses: how many answers had each status.
        foreign: answers that were another request's, or refusals that did not say when to try again.
        seconds: of each accepted request, ascending.
        mebibytes: of the service's memory afterwards.
    """

    times: int
    statuses: Counter[int]
    foreign: int
    seconds: list[float]
    mebibytes: float

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the accepted requests was answered."""
        return self.seconds[min(int(share * len(self.seconds)), len(self.seconds) - 1)] if self.seconds else 0.0


def main(
    seconds: Annotated[float, typer.Option(help="Of each load.")] = 60.0,
    warm_up: Annotated[float, typer.Option(help="Seconds before the first load.")] = 60.0,
    tokens: Annotated[int, typer.Option(help="Of the context in a request, about.")] = 600,
    threads: Annotated[int, typer.Option(help="Of the service.")] = 2,
    queue: Annotated[int, typer.Option(help="Of the service.")] = 4,
    request_seconds: Annotated[float, typer.Option(help="Of the service.")] = 30.0,
) -> None:
    """Load the service, print a table, and exit with 1 where a promise was broken."""
    options = ["--threads", str(threads), "--queue", str(queue), "--request-seconds", str(request_seconds)]
    with _upstream() as upstream, _service(upstream, options) as (url, process):
        # Until the caches of the service are full: then its memory should not grow any more.
        asyncio.run(_load(url, 1, threads + queue, warm_up, tokens, process))
        loads = [asyncio.run(_load(url, times, times * (threads + queue), seconds, tokens, process)) for times in TIMES]
    print(_table(loads))
    broken = [load for load in loads if load.foreign or load.percentile(0.99) > request_seconds]
    if broken or loads[-1].mebibytes > _GROWTH * loads[0].mebibytes:
        raise typer.Exit(1)


async def _load(url: str, times: int, callers: int, seconds: float, tokens: int, process: psutil.Process) -> Load:
    """Callers that ask again as soon as they are answered, or when they are told to, for so many seconds."""
    statuses: Counter[int] = Counter()
    taken: list[float] = []
    foreign = 0
    end = time.monotonic() + seconds
    numbers = count(round(time.time()) % 1_000_000 * 1_000)  # of no earlier load: those texts are held in memory
    timeout, limits = httpx.Timeout(300.0), httpx.Limits(max_connections=None)

    async with httpx.AsyncClient(base_url=url, timeout=timeout, limits=limits) as client:

        async def caller() -> None:
            nonlocal foreign
            while time.monotonic() < end:
                own = next(numbers)
                start = time.monotonic()
                answer = await client.post("/v1/chat/completions", json=_request(own, tokens))
                statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    taken.append(time.monotonic() - start)
                    foreign += not answer.text.endswith(f'Who bought mill {own}?"}}]}}')
                else:
                    foreign += answer.status_code != 429 or "retry-after" not in answer.headers
                    await asyncio.sleep(
                        min(float(answer.headers.get("retry-after", 1)), max(end - time.monotonic(), 0))
                    )

        await asyncio.gather(*(caller() for _ in range(callers)))
    return Load(times, statuses, foreign, sorted(taken), process.memory_info().rss / 2**20)


def _request(own: int, tokens: int) -> dict[str, Any]:
    sentences = "".join(_SENTENCE.format(number=own + place, year=1500 + place % 500) for place in range(tokens // 20))
    content = f"<context>{sentences}</context> Who bought mill {own}?"
    return {"messages": [{"role": "user", "content": content}]}


@contextmanager
def _upstream() -> Iterator[str]:
    """An API that sends back the bodies that it gets."""

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        content, more = b"", True
        while more:
            message = await receive()
            content, more = content + message.get("body", b""), message.get("more_body", False)
        body = json.dumps(json.loads(content), separators=(",", ":")).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(echo, port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def _service(upstream: str, options: list[str]) -> Iterator[tuple[str, psutil.Process]]:
    """`tersely serve` before that upstream: its address and its process."""
    command = "import sys; sys.argv[0] = 'tersely'; from tersely_cli.app import app; app()"
    own = ["serve", "--port", "0", "--upstream", upstream, "--context-tag", "context", "--fail-closed"]
    process = subprocess.Popen([sys.executable, "-c", command, *own, *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        url = None
        for line in process.stderr:
            if address := re.search(r"listening on (http://\S+)", line):
                url = address[1]
            if "is loaded" in line:
                break
        if url is None:
            raise typer.Exit(1)
        drain = threading.Thread(target=lambda: [None for _ in process.stderr or ()], daemon=True)
        drain.start()
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _table(loads: list[Load]) -> str:
    rows = [
        "| callers / places | answered | refused with 429 | not its own | p50 s | p99 s | memory MiB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for load in loads:
        cells = [
            str(load.times),
            str(load.statuses[200]),
            str(load.statuses[429]),
            str(load.foreign),
            f"{load.percentile(0.5):.2f}",
            f"{load.percentile(0.99):.2f}",
            f"{load.mebibytes:,.0f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    typer.run(main)
