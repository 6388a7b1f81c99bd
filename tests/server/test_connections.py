"""Connections that say nothing are closed, and there are never too many of them."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack

import pytest

pytest.importorskip("fastapi")

from test_serving import CALL, serve  # noqa: F401

from tersely_server.http import protocol
from tersely_server.http.protocol import bounded_protocol

HALF = b"POST /v1/compress HTTP/1.1\r\nHost: local"
UNREAD = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", HALF, WHOLE + HALF, UNREAD], ids=["nothing", "half", "half of a next", "unread"])
def test_a_connection_without_a_whole_request_is_closed(serve, sent: bytes) -> None:  # noqa: F811
    served = serve("--header-seconds", "1")
    with socket.create_connection(served.address, timeout=20) as connection:
        connection.sendall(sent)
        started = time.monotonic()
        while connection.recv(10_000):
            pass
    assert time.monotonic() - started < 15


def test_one_byte_at_a_time_is_not_patient_for_ever(serve) -> None:  # noqa: F811
    served = serve("--header-seconds", "1")
    with socket.create_connection(served.address, timeout=20) as connection:
        with pytest.raises(OSError):
            for _ in range(200):
                connection.sendall(b"G")
                time.sleep(0.05)


def test_work_may_take_longer_than_headers(serve) -> None:  # noqa: F811
    served = serve("--header-seconds", "0.3")
    served.hold()
    body = json.dumps(CALL).encode()
    head = f"POST /v1/compress HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(head + body[:5])
        time.sleep(0.6)
        connection.sendall(body[5:])
        served.wait_until_begun()
        time.sleep(0.6)
        served.let_go()
        connection.sendall(WHOLE)
        received = b""
        while received.count(b"HTTP/1.1 200") < 2 and (part := connection.recv(10_000)):
            received += part
    assert received.count(b"HTTP/1.1 200") == 2


def test_there_are_no_more_connections_than_are_allowed(serve) -> None:  # noqa: F811
    served = serve("--max-connections", "5")
    with ExitStack() as opened:
        connections = [opened.enter_context(socket.create_connection(served.address, timeout=20)) for _ in range(8)]
        for refused in connections[5:]:
            answer = b"".join(iter(lambda: refused.recv(10_000), b""))  # noqa: B023
            head, body = answer.split(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 ") and b"\r\nRetry-After: 1\r\n" in head
            assert json.loads(body)["error"]["code"] == "overloaded"
        connections[0].sendall(WHOLE)
        assert connections[0].recv(12) == b"HTTP/1.1 200"
    for _ in range(200):
        with socket.create_connection(served.address, timeout=20) as connection:
            connection.sendall(WHOLE)
            if connection.recv(12) == b"HTTP/1.1 200":
                return
    raise AssertionError("the places of closed connections are not free again")


@pytest.mark.parametrize(("files", "most"), [(120, 60), (1_000_000, 1_000), (-1, 1_000)])
def test_half_of_the_files_that_may_be_open_are_for_connections(monkeypatch, files: int, most: int) -> None:
    pytest.importorskip("resource")
    monkeypatch.setattr(protocol.resource, "getrlimit", lambda _: (files, files))
    assert bounded_protocol(1_000, 10).max_connections == most
