"""A peer's process: what is said to it, what it answers, and what happens when it fails."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tersely_eval.peers.peer import Peer, PeerError
from tersely_eval.peers.peers import PROGRAM

OBEDIENT = Path(__file__).with_name("obedient_peer.py")
# Says hello, and then reads nothing.
HELLO = 'import json, time\nprint(json.dumps({"versions": {"peer": "1.0"}}), flush=True)\ntime.sleep(60)'


def obedient(**seconds: float) -> Peer:
    return Peer([sys.executable, str(OBEDIENT)], **seconds)


@pytest.fixture
def program(tmp_path: Path):
    """A peer whose process runs this Python code."""

    def peer(code: str, **seconds: float) -> Peer:
        path = tmp_path / "fake_peer.py"
        path.write_text(code)
        return Peer([sys.executable, str(path)], **seconds)

    return peer


def process_id(peer: Peer) -> int:
    return peer._process._process.pid


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_request_and_its_answer() -> None:
    peer = obedient()
    answer = peer.compress(["one\ntwo", "zwölf \ud7ff\u2028"], "Who?", 12, "o200k_base", "llmlingua")
    assert json.loads(answer.context) == {
        "id": 1,
        "documents": ["one\ntwo", "zwölf \ud7ff\u2028"],
        "question": "Who?",
        "target_tokens": 12,
        "encoding": "o200k_base",
        "recipe": "llmlingua",
    }
    assert (answer.seconds, answer.peak_bytes) == (0.5, 7)
    assert peer.versions == {"peer": "1.0"}


def test_one_process_answers_many_requests_and_ends_with_its_peer() -> None:
    peer = obedient()
    assert peer._process is None, "it does not start before it is asked"
    assert [peer.compress(["a"], "Who?", 1, "o200k_base", "r").id for _ in range(3)] == [1, 2, 3]
    process = process_id(peer)
    assert is_alive(process)
    del peer
    gc.collect()
    assert not is_alive(process)


def test_a_process_ends_when_the_one_that_started_it_dies() -> None:
    parent = (
        f"import os, sys; from tersely_eval.peers.peer import Peer; peer = Peer([sys.executable, {str(OBEDIENT)!r}]);"
        "peer.compress(['a'], 'Who?', 1, 'o200k_base', 'r'); print(peer._process._process.pid, flush=True); os._exit(1)"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, env=environment)
    deadline = time.monotonic() + 10
    while is_alive(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(int(done.stdout))


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("die", "ended with exit code 3: out of luck"),
        ("babble", "said 'Loading model ...', which is no answer"),
        ("half", "which is no answer"),
        ("lag", "answered request 1 instead of 2"),
    ],
)
def test_after_a_process_that_broke_comes_a_new_one(question, message) -> None:
    peer = obedient()
    peer.compress(["a"], "Who?", 1, "o200k_base", "r")
    first = process_id(peer)
    with pytest.raises(PeerError, match=message):
        peer.compress(["a"], question, 1, "o200k_base", "r")
    assert not is_alive(first)
    answer = peer.compress(["a"], "And now?", 1, "o200k_base", "r")
    assert json.loads(answer.context)["question"] == "And now?"
    assert process_id(peer) != first


def test_an_error_that_the_peer_reports_leaves_it_alive() -> None:
    peer = obedient()
    with pytest.raises(PeerError, match=r"^ValueError: too long$"):
        peer.compress(["a"], "fail", 1, "o200k_base", "r")
    first = process_id(peer)
    assert peer.compress(["a"], "Who?", 1, "o200k_base", "r").context
    assert process_id(peer) == first


def test_a_process_that_hangs_is_ended() -> None:
    peer = obedient(request_seconds=1.0)
    with pytest.raises(PeerError, match="no answer in 1 s"):
        peer.compress(["a"], "sleep", 1, "o200k_base", "r")
    assert peer.compress(["a"], "Who?", 1, "o200k_base", "r").context, "a new one is asked"


def test_a_process_that_does_not_even_read_is_ended(program) -> None:
    peer = program(HELLO, request_seconds=1.0)
    with pytest.raises(PeerError, match="no answer in 1 s"):
        peer.compress(["long " * 1_000_000], "Who?", 1, "o200k_base", "r")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_package", "ended with exit code 1: ModuleNotFoundError: No module named 'no_such_package'"),
        ("import time; time.sleep(60)", "no answer in 1.5 s"),
        ("print('Welcome!')", "said 'Welcome!', which is no answer"),
        ("""print('{"error": "OSError: no weights"}')""", "OSError: no weights"),
    ],
)
def test_a_start_that_failed_is_not_tried_again(program, tmp_path, code, message) -> None:
    peer = program(f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\n{code}", start_seconds=1.5)
    for _ in range(2):
        with pytest.raises(PeerError) as failure:
            peer.compress(["a"], "Who?", 1, "o200k_base", "r")
        assert str(failure.value) == f"did not start: {message}"
    assert (tmp_path / "starts").read_text() == "x"


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(PeerError, match=r"did not start: .*no/such/python"):
        Peer(["no/such/python"]).compress(["a"], "Who?", 1, "o200k_base", "r")


def test_ctrl_c_in_the_middle_of_a_request_loses_no_later_answer(monkeypatch) -> None:
    peer = obedient()
    peer.compress(["a"], "Who?", 1, "o200k_base", "r")
    with monkeypatch.context() as patched:

        def interrupted(*_):
            raise KeyboardInterrupt

        patched.setattr("tersely_eval.peers.peer._parse", interrupted)
        with pytest.raises(KeyboardInterrupt):
            peer.compress(["a"], "Where?", 1, "o200k_base", "r")
    assert json.loads(peer.compress(["a"], "When?", 1, "o200k_base", "r").context)["question"] == "When?"


def test_what_a_peer_prints_is_no_answer(tmp_path) -> None:
    file = tmp_path / "loud.py"
    file.write_text(
        "import os\n"
        "INSTALL = [['--no-deps', 'pip']]\n"
        "def load(model, dtype, device):\n"
        "    os.system('echo loading'); print('Loading ...')\n"
        "    def compress(documents, question, budget, recipe):\n"
        "        print('compressing'); os.write(1, b'really')\n"
        "        return {'bad': None}.get(recipe) or documents[0][:budget.tokens]\n"
        "    return compress\n"
    )
    peer = Peer([sys.executable, "-I", str(PROGRAM), str(file), "model", "float32", "cpu"])
    answer = peer.compress(["abcdef"], "", 3, "o200k_base", "r")
    assert answer.context == "abc"
    assert answer.seconds > 0 and answer.peak_bytes > 1_000_000
    assert peer.versions.keys() == {"python", "pip"}
    with pytest.raises(PeerError, match="TypeError"):
        peer.compress(["abcdef"], "", "three", "o200k_base", "r")  # type: ignore[arg-type]
    assert peer.compress(["abcdef"], "", 2, "o200k_base", "r").context == "ab"
