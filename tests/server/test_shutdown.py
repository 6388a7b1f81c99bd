"""When the time to shut down is over: whoever was let in is told so, whatever was being done for it."""

from __future__ import annotations

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("fastapi")

import httpx
from test_serving import CALL, Served, serve  # noqa: F401

pytest_plugins = ["proxy_fixtures"]

CHAT = {"messages": [{"role": "user", "content": "Hi"}]}


def told(answer: httpx.Response) -> bool:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], answer.headers["retry-after"]) == (503, "shutting_down", "5")
    return answer.headers["connection"] == "close" and "x-request-id" in answer.headers


def ended_without_a_traceback(served: Served) -> bool:
    assert served.process.wait(timeout=30) == 0
    served.wait_for("503 shutting_down")
    assert not [line for line in served.lines if "Traceback" in line or "CancelledError" in line], served.lines
    return True


@pytest.mark.parametrize("deaf", [True, False])
def test_who_is_worked_for_and_who_waits(serve, deaf: bool) -> None:  # noqa: F811
    served = serve("--shutdown-seconds", "0.3", "--threads", "1")
    if deaf:
        (served.folder / "deaf").touch()
    with ThreadPoolExecutor() as pool:
        taken = [served.take(pool), *(pool.submit(served.client.post, "/v1/compress", json=CALL) for _ in range(2))]
        taken.append(pool.submit(served.client.post, "/v1/compress/batch", json={"requests": [CALL, CALL]}))
        while "tersely_queue_length 3.0" not in served.client.get("/metrics").text:
            pass
        served.process.send_signal(signal.SIGTERM)
        assert all(told(answer.result(timeout=30)) for answer in taken)
    assert ended_without_a_traceback(served)


def test_whose_body_has_not_arrived(serve) -> None:  # noqa: F811
    served = serve("--shutdown-seconds", "0.3")
    with socket.create_connection(served.address) as connection:
        connection.sendall(b"POST /v1/compress HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        while "tersely_queue_length 1.0" not in served.client.get("/metrics").text:
            pass
        served.process.send_signal(signal.SIGTERM)
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert answer.startswith(b"HTTP/1.1 503 ") and b'"shutting_down"' in answer
    assert ended_without_a_traceback(served)


def test_who_waits_for_the_upstream(serve, upstream) -> None:  # noqa: F811
    upstream.behaviour = upstream.silent
    served = serve("--shutdown-seconds", "1", "--upstream", upstream.url)
    with ThreadPoolExecutor() as pool:
        taken = pool.submit(served.client.post, "/v1/chat/completions", json=CHAT)
        assert upstream.reached.wait(30)
        served.process.send_signal(signal.SIGTERM)
        answer = taken.result(timeout=30)
    assert told(answer) and answer.json()["error"].keys() == {"code", "message", "type", "param"}
    assert upstream.gone.wait(30)
    assert ended_without_a_traceback(served)


def test_whose_answer_has_begun_sees_it_break_off(serve, upstream) -> None:  # noqa: F811
    upstream.behaviour = upstream.never_ending
    served = serve("--shutdown-seconds", "1", "--upstream", upstream.url)
    body = json.dumps({**CHAT, "stream": True}).encode()
    with pytest.raises(httpx.RemoteProtocolError):
        with served.client.stream("POST", "/v1/chat/completions", content=body) as answer:
            served.process.send_signal(signal.SIGTERM)
            answer.read()
    assert served.process.wait(timeout=30) == 0
    served.wait_for("200 shutting_down")
    assert not [line for line in served.lines if "Traceback" in line]
