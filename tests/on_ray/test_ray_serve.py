"""The HTTP service on two replicas of a real Ray Serve, started and stopped as a user does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'tersely[ray]'")

from typer.testing import CliRunner

from tersely import Compressor
from tersely_cli.app import app

pytest_plugins = ["ray_fixtures"]

TOKEN = "a-token-of-the-tests"
TEXT = "The mill number {} on the river was opened in 1820. It was closed later. Nobody has lived there since then. "


@contextmanager
def serving(model: Path, *options: str, token: str = TOKEN) -> Iterator[httpx.Client]:
    command = [sys.executable, "-c", "from tersely_cli.app import app; app()", "serve", "--engine", "ray"]
    served = ["--port", "0", "--model", str(model), "--tokenizer", "o200k_base"]
    environment = {**os.environ, "RAY_ADDRESS": "", "TERSELY_SERVER_TOKEN": token}
    driver = subprocess.Popen([*command, *served, *options], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        for line in driver.stderr:
            if "listening on" in line:
                url = line.split()[-1]
                break
        else:
            raise AssertionError("it never listened")
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            yield client
    finally:
        started = psutil.Process(driver.pid).children(recursive=True)
        driver.send_signal(signal.SIGTERM)
        driver.communicate(timeout=60)
        assert driver.returncode == 0
        psutil.wait_procs(started, timeout=30)
        assert not [process for process in started if process.is_running() and process.status() != "zombie"]


@pytest.fixture(scope="module")
def service(tiny_llama: Path) -> Iterator[httpx.Client]:
    with serving(tiny_llama, "--min-replicas", "2") as client:
        yield client


def replicas(token: str = TOKEN) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "ServeReplica:tersely" in line and process.environ().get("TERSELY_SERVER_TOKEN") == token:
            found.append(process)
    return found


def answers(service: httpx.Client, count: int) -> list[dict]:
    def post(number: int) -> dict:
        call = {"documents": [TEXT.format(number) * 3], "rate": 0.5}
        return service.post("/v1/compress", json=call).raise_for_status().json()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(post, range(count)))


def test_a_second_replica_comes_with_the_load(tiny_llama) -> None:
    token = "another-token-of-the-tests"
    long = {"documents": [TEXT.format(number) for number in range(400)], "method": "llmlingua", "rate": 0.5}
    enough = threading.Event()
    with serving(tiny_llama, "--max-replicas", "2", "--threads", "2", token=token) as client:

        def load() -> None:
            while not enough.is_set():
                client.post("/v1/compress", json=long).raise_for_status()

        assert len(replicas(token)) == 1
        with ThreadPoolExecutor(6) as threads:
            callers = [threads.submit(load) for _ in range(6)]
            deadline = time.monotonic() + 60
            try:
                while len(replicas(token)) < 2:
                    assert time.monotonic() < deadline
                    time.sleep(0.5)
            finally:
                enough.set()
            for caller in callers:
                caller.result()


def test_the_answers_are_those_of_the_library(service, tiny_llama) -> None:
    compressor = Compressor(str(tiny_llama), tokenizer="o200k_base")
    expected = [compressor.compress([TEXT.format(number) * 3], rate=0.5) for number in range(16)]
    assert [answer["context"] for answer in answers(service, 16)] == [result.context for result in expected]


def test_the_application_is_the_same(service) -> None:
    assert service.get("/readyz").json() == {"status": "ready"}
    assert service.post("/v1/compress", json={}, headers={"Authorization": "Bearer no"}).status_code == 401
    wrong = service.post("/v1/compress", json={"documents": ["a"], "rate": 2})
    assert wrong.status_code in (400, 422) and "rate" in wrong.text


def test_a_killed_replica_comes_back(service) -> None:
    first, *others = replicas()
    assert len(others) == 1
    first.kill()
    first.wait(10)
    deadline = time.monotonic() + 60
    while len(replicas()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(answers(service, 8)) == 8


def test_a_port_that_is_taken_is_said_before_ray_starts(tiny_llama, monkeypatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.init", lambda **_: pytest.fail("it was started"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ["--engine", "ray", "--model", str(tiny_llama), "--tokenizer", "o200k_base", "--port", port]
        done = CliRunner().invoke(app, ["serve", *options])
    assert done.exit_code == 2 and f"cannot listen on 127.0.0.1, port {port}: Address already in use" in done.stderr


def test_options_of_replicas_need_the_engine() -> None:
    done = CliRunner().invoke(app, ["serve", "--max-replicas", "2"])
    assert done.exit_code == 2 and "--max-replicas is for replicas on Ray: add --engine ray" in done.stderr
