"""An upstream that hangs, resets or sends half a character: the client sees what it would see without the proxy."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

pytest.importorskip("fastapi")

from proxy_requests import MARKED
from upstream_double import EVENTS, Call

pytest_plugins = ["proxy_fixtures"]

PATHS = ["/chat/completions", "/messages", "/responses"]
paths = pytest.mark.parametrize("path", PATHS)
BODY = {"messages": MARKED, "stream": True}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
E_ACUTE = "é".encode()


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """An upstream that answers one request with bytes of its own choice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100_000)
                speak(connection)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        thread.join(30)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def received_until_it_breaks_off(url: str) -> bytes:
    received = b""
    with pytest.raises(httpx.RemoteProtocolError), httpx.stream("POST", url, json=BODY, timeout=30) as answer:
        assert answer.status_code == 200
        for part in answer.iter_raw():
            received += part
    return received


@paths
def test_a_reset_before_the_answer_is_a_bad_gateway(proxy, path: str) -> None:
    with speaking(reset) as upstream:
        answer = httpx.post(f"{proxy(upstream=upstream)}{path}", json=BODY, timeout=30)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_unreachable"
    assert answer.json().get("type") == ("error" if path == "/messages" else None)


def test_half_a_head_is_a_bad_gateway(proxy) -> None:
    with speaking(lambda connection: connection.sendall(HEAD[:30])) as upstream:
        answer = httpx.post(f"{proxy(upstream=upstream)}/messages", json=BODY, timeout=30)
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "api_error")


@paths
def test_a_reset_within_a_stream_breaks_off(proxy, path: str) -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(HEAD + chunk(EVENTS[0]))
        sent.wait(30)
        reset(connection)

    sent = threading.Event()
    with speaking(speak) as upstream:
        url = f"{proxy(upstream=upstream)}{path}"
        with pytest.raises(httpx.RemoteProtocolError), httpx.stream("POST", url, json=BODY, timeout=30) as answer:
            parts = answer.iter_raw()
            assert next(parts) == EVENTS[0]
            sent.set()
            next(parts)


def test_a_stream_that_falls_silent_breaks_off_after_the_time_for_a_byte(proxy, upstream) -> None:
    upstream.behaviour = upstream.never_ending
    assert received_until_it_breaks_off(f"{proxy(timeout=0.3)}/messages") == EVENTS[0]
    assert upstream.gone.wait(30)


@paths
def test_half_a_character_is_passed_on_and_so_is_its_other_half(proxy, upstream, path: str) -> None:
    async def behaviour(call: Call) -> None:
        await call.start(200, {"content-type": "text/event-stream"})
        await call.part(b"data: " + E_ACUTE[:1])
        await call.part(E_ACUTE[1:] + b"\n\n")
        await call.part(b"", more=False)

    upstream.behaviour = behaviour
    with httpx.stream("POST", f"{proxy()}{path}", json=BODY, timeout=30) as answer:
        assert b"".join(answer.iter_raw()) == b"data: " + E_ACUTE + b"\n\n"


def test_half_a_character_at_the_end_is_not_mended(proxy) -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(HEAD + chunk(b"data: " + E_ACUTE[:1]))

    with speaking(speak) as upstream:
        received = received_until_it_breaks_off(f"{proxy(upstream=upstream)}/responses")
    assert received == b"data: " + E_ACUTE[:1]
