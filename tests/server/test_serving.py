"""`tersely serve` as a process: binding, signals, logs, and clients that speak HTTP over a real connection."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

import httpx
from service_doubles import TOKEN

CALL = {"documents": ["The mill of zanzibar was built in 1820. It closed later."], "rate": 1.0}
COMMAND_LINE = "import sys; sys.argv[0] = 'tersely'; from tersely_cli.app import app; app()"
# The same with a compressor that needs no model, and waits while a file is there.
COMMAND = """
import sys, time
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
sys.argv[0] = "tersely"
from tersely import Compressor
from tersely.scoring import set_loader

compress = Compressor.compress

@wraps(compress)
def waits(self, *arguments, progress, **options):
    Path({folder!r}, "begun").touch()
    while Path({folder!r}, "hold").exists():
        time.sleep(0.01)
        if not Path({folder!r}, "deaf").exists():
            progress("score", 0.5)
    return compress(self, *arguments, progress=progress, **options)

Compressor.compress = waits
set_loader(lambda *_, **__: SimpleNamespace(name="none"))
from tersely_cli.app import app
app()
"""


class Served:
    """A running `tersely serve` on a free port."""

    def __init__(self, folder: Path, *options: str, token: str | None = None, model: bool = False) -> None:
        self.folder = folder
        source = COMMAND_LINE if model else COMMAND.format(folder=str(folder))
        environment = {name: value for name, value in os.environ.items() if name != "TERSELY_SERVER_TOKEN"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, "serve", "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, **({"TERSELY_SERVER_TOKEN": token} if token else {})},
        )
        self.lines: list[str] = []
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self.wait_for("listening on ").rsplit(" ", 1)[-1]
        self.wait_for("is loaded")
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def _read(self) -> None:
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_for(self, text: str) -> str:
        """The first line of the log that has this text."""
        with self.changed:
            found = self.changed.wait_for(lambda: [line for line in self.lines if text in line], timeout=60)
        assert found, self.lines
        return found[0]

    def hold(self) -> None:
        (self.folder / "hold").touch()

    def let_go(self) -> None:
        (self.folder / "hold").unlink(missing_ok=True)

    def wait_until_begun(self) -> None:
        for _ in range(3_000):
            if (self.folder / "begun").exists():
                return
            threading.Event().wait(0.01)
        raise AssertionError("the work did not begin")

    def take(self, pool: ThreadPoolExecutor) -> Future[httpx.Response]:
        """A call whose work has begun and waits to be let go."""
        self.hold()
        taken = pool.submit(self.client.post, "/v1/compress", json=CALL)
        self.wait_until_begun()
        return taken

    def signal(self, number: int) -> None:
        """Send a signal, and wait until no new work is taken."""
        assert self.client.get("/readyz").status_code == 200
        self.process.send_signal(number)
        while self.client.get("/readyz").status_code == 200:
            pass

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port


@pytest.fixture
def serve(tmp_path):
    started: list[Served] = []

    def start(*options, **environment) -> Served:
        started.append(Served(tmp_path, *options, **environment))
        return started[-1]

    yield start
    for served in started:
        served.let_go()
        served.process.kill()
        served.process.wait()


def test_sigterm_finishes_what_was_taken_and_refuses_new_work(serve) -> None:
    served = serve()
    with ThreadPoolExecutor() as pool:
        taken = served.take(pool)
        served.signal(signal.SIGTERM)
        with httpx.Client(base_url=served.url) as another:  # whoever has not heard yet gets an answer
            refused = another.post("/v1/compress", json=CALL)
            assert another.get("/healthz").status_code == 200
        assert refused.status_code == 503 and refused.json()["error"]["code"] == "shutting_down"
        served.let_go()
        assert taken.result(timeout=30).status_code == 200
    assert served.process.wait(timeout=30) == 0
    with pytest.raises(httpx.ConnectError):
        served.client.get("/healthz")


def test_sigterm_with_nothing_to_do_ends_at_once(serve) -> None:
    served = serve()
    served.client.get("/healthz")  # its connection stays open
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=20) == 0


def test_after_its_time_the_shutdown_does_not_wait_for_work(serve) -> None:
    served = serve("--shutdown-seconds", "0.2")
    with ThreadPoolExecutor() as pool:
        taken = served.take(pool)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=30) == 0
        assert taken.result(timeout=30).json()["error"]["code"] == "shutting_down"


def test_after_its_time_the_process_ends_though_the_work_cannot_be_interrupted(serve) -> None:
    served = serve("--shutdown-seconds", "0.2")
    (served.folder / "deaf").touch()
    with ThreadPoolExecutor() as pool:
        taken = served.take(pool)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=20) == 0
        assert taken.result(timeout=30).json()["error"]["code"] == "shutting_down"


def test_control_c_twice(serve) -> None:
    served = serve()
    with ThreadPoolExecutor() as pool:
        taken = served.take(pool)
        served.signal(signal.SIGINT)
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(timeout=30) == 130
        taken.exception(timeout=30)


def test_a_closed_connection_frees_the_place(serve) -> None:
    served = serve("--threads", "1", "--queue", "0")
    served.hold()
    body = json.dumps(CALL).encode()
    with socket.create_connection(served.address) as connection:
        head = f"POST /v1/compress HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        served.wait_until_begun()
        assert served.client.post("/v1/compress", json=CALL).status_code == 429
    assert " 499 client_gone " in served.wait_for("client_gone")
    served.let_go()
    while (answer := served.client.post("/v1/compress", json=CALL)).status_code == 429:
        pass
    assert answer.status_code == 200


def test_a_body_that_is_too_large_is_answered_while_it_is_sent(serve) -> None:
    served = serve("--max-body-bytes", "10000")

    def chunks():
        for _ in range(20_000):
            yield b" " * 1_000

    for body in (chunks(), b" " * 20_000_000):
        answer = served.client.post("/v1/compress", content=body)
        assert answer.status_code == 413 and answer.json()["error"]["code"] == "body_too_large"
    assert served.client.post("/v1/compress", json=CALL).status_code == 200


def test_a_client_that_asks_first_sends_nothing_of_a_body_that_is_too_large(serve) -> None:
    served = serve("--max-body-bytes", "10000")
    with socket.create_connection(served.address) as connection:
        connection.sendall(
            b"POST /v1/compress HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_neither_log_nor_command_line_tell_text_or_token(serve, tmp_path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    served = serve("--token-file", str(tmp_path / "token"), "--host", "0.0.0.0")
    url = f"http://127.0.0.1:{served.address[1]}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    calls = [CALL, {**CALL, "rate": "zanzibar"}, {**CALL, "question": "zanzibar"}, {"zanzibar": "zanzibar"}]
    with httpx.Client(base_url=url, headers=headers) as client:
        for call in calls:
            client.post("/v1/compress?query=zanzibar", json=call)
        client.get("/zanzibar?zanzibar")
        client.get("/v1/compress", headers={"Authorization": "Bearer zanzibar"})
        assert client.post("/v1/compress", json=CALL, headers={"Authorization": ""}).status_code == 401
    served.wait_for(" 401 unauthorized ")
    log = "\n".join(served.lines)
    assert "POST /v1/compress 200 " in log and "422 invalid_input" in log
    assert "zanzibar" not in log and TOKEN not in log
    command_line = Path(f"/proc/{served.process.pid}/cmdline")
    if command_line.exists():
        assert TOKEN.encode() not in command_line.read_bytes()


def run(*options: str, token: str | None = None) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "TERSELY_SERVER_TOKEN"}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv[0] = 'tersely'; from tersely_cli.app import app; app()",
            "serve",
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, **({"TERSELY_SERVER_TOKEN": token} if token is not None else {})},
    )


@pytest.mark.parametrize(
    ("options", "token", "said"),
    [
        (["--host", "0.0.0.0"], None, "host '0.0.0.0' can be reached from other machines, and no token is set"),
        (["--host", "0.0.0.0"], "", "token: must have at least 16"),
        (["--token-file", "/no/such/file"], None, "--token-file /no/such/file: cannot be read"),
        (["--max-tokens", "0"], None, "max_tokens: "),
        (["--host", "no.such.host.invalid"], TOKEN, "cannot listen on no.such.host.invalid"),
        (["--treads", "3"], None, "No such option"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(options, token, said) -> None:
    done = run(*options, token=token)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and done.stderr.startswith("tersely: ") and done.stderr.count("\n") == 1


def test_a_port_that_is_taken(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2 and "Address already in use" in done.stderr and done.stderr.count("\n") == 1


def test_a_model_that_cannot_be_had_ends_the_process(tmp_path) -> None:
    done = run("--port", "0", "--model", str(tmp_path / "nothing.gguf"))
    assert done.returncode == 1
    assert done.stderr.rstrip("\n").splitlines()[-1].startswith("tersely: unknown model")


def test_help_needs_no_extra() -> None:
    code = (
        "import sys; from tersely_cli.app import app; print(sorted({'fastapi', 'uvicorn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n"
