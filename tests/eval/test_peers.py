"""Peers: what is said to their processes and what happens when these fail; the real ones where `make peers` was run."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import DATA
from tersely import DEFAULT_MODEL, Document
from tersely.scoring.models import model_path
from tersely.scoring.scorer import ScoringRequest
from tersely_cli.app import app
from tersely_eval.data.answers import answer_kept
from tersely_eval.data.datasets import Question
from tersely_eval.measure.measurement import read_run
from tersely_eval.peers import peer_process, peers
from tersely_eval.peers.peer import Peer, PeerError

LLMLINGUA, BFLOAT16 = "llmlingua-0.2.2/llmlingua/float32", "llmlingua-0.2.2/llmlingua/bfloat16"
HELLO = 'import json, sys, time\nprint(json.dumps({"versions": {"peer": "1.0"}}), flush=True)\n'
# Answers with what it was asked; does whatever the question says instead.
OBEDIENT = (
    HELLO
    + """
for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"], "context": line, "seconds": 0.5, "peak_bytes": 7}
    if request["question"] == "die":
        print("first line", file=sys.stderr)
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    if request["question"] == "sleep":
        time.sleep(60)
    if request["question"] == "babble":
        print("Loading model ...", flush=True)
    if request["question"] == "lag":
        answer["id"] -= 1
    if request["question"] == "half":
        del answer["context"]
    if request["question"] == "fail":
        answer = {"id": request["id"], "error": "ValueError: too long"}
    print(json.dumps(answer), flush=True)
"""
)


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


def test_a_request_and_its_answer(program) -> None:
    peer = program(OBEDIENT)
    answer = peer.compress(["one\ntwo", "zwölf \ud7ff\u2028"], "Who?", 12, "llmlingua")
    assert json.loads(answer.context) == {
        "id": 1,
        "documents": ["one\ntwo", "zwölf \ud7ff\u2028"],
        "question": "Who?",
        "target_tokens": 12,
        "recipe": "llmlingua",
    }
    assert (answer.seconds, answer.peak_bytes) == (0.5, 7)
    assert peer.versions == {"peer": "1.0"}


def test_one_process_answers_many_requests_and_ends_with_its_peer(program) -> None:
    peer = program(OBEDIENT)
    assert peer._process is None, "it does not start before it is asked"
    assert [peer.compress(["a"], "Who?", 1, "r").id for _ in range(3)] == [1, 2, 3]
    process = process_id(peer)
    assert is_alive(process)
    del peer
    gc.collect()
    assert not is_alive(process)


def test_a_process_ends_when_the_one_that_started_it_dies(tmp_path) -> None:
    fake = tmp_path / "fake_peer.py"
    fake.write_text(OBEDIENT)
    parent = (
        f"import os, sys; from tersely_eval.peers.peer import Peer; peer = Peer([sys.executable, {str(fake)!r}]);"
        "peer.compress(['a'], 'Who?', 1, 'r'); print(peer._process._process.pid, flush=True); os._exit(1)"
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
def test_after_a_process_that_broke_comes_a_new_one(program, question, message) -> None:
    peer = program(OBEDIENT)
    peer.compress(["a"], "Who?", 1, "r")
    first = process_id(peer)
    with pytest.raises(PeerError, match=message):
        peer.compress(["a"], question, 1, "r")
    assert not is_alive(first)
    answer = peer.compress(["a"], "And now?", 1, "r")
    assert json.loads(answer.context)["question"] == "And now?"
    assert process_id(peer) != first


def test_an_error_that_the_peer_reports_leaves_it_alive(program) -> None:
    peer = program(OBEDIENT)
    with pytest.raises(PeerError, match=r"^ValueError: too long$"):
        peer.compress(["a"], "fail", 1, "r")
    first = process_id(peer)
    assert peer.compress(["a"], "Who?", 1, "r").context
    assert process_id(peer) == first


def test_a_process_that_hangs_is_ended(program) -> None:
    peer = program(OBEDIENT, request_seconds=1.0)
    with pytest.raises(PeerError, match="no answer in 1 s"):
        peer.compress(["a"], "sleep", 1, "r")
    assert peer.compress(["a"], "Who?", 1, "r").context, "a new one is asked"


def test_a_process_that_does_not_even_read_is_ended(program) -> None:
    peer = program(HELLO + "time.sleep(60)", request_seconds=1.0)
    with pytest.raises(PeerError, match="no answer in 1 s"):
        peer.compress(["long " * 1_000_000], "Who?", 1, "r")


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
            peer.compress(["a"], "Who?", 1, "r")
        assert str(failure.value) == f"did not start: {message}"
    assert (tmp_path / "starts").read_text() == "x"


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(PeerError, match=r"did not start: .*no/such/python"):
        Peer(["no/such/python"]).compress(["a"], "Who?", 1, "r")


def test_ctrl_c_in_the_middle_of_a_request_loses_no_later_answer(program, monkeypatch) -> None:
    peer = program(OBEDIENT)
    peer.compress(["a"], "Who?", 1, "r")
    with monkeypatch.context() as patched:

        def interrupted(*_):
            raise KeyboardInterrupt

        patched.setattr("tersely_eval.peers.peer._read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            peer.compress(["a"], "Where?", 1, "r")
    assert json.loads(peer.compress(["a"], "When?", 1, "r").context)["question"] == "When?"


@pytest.fixture
def fake_environment(tmp_path: Path, monkeypatch):
    """Every peer's environment is there, and its process runs this program."""
    program = tmp_path / "fake_peer.py"
    program.write_text(OBEDIENT)
    monkeypatch.setattr(peers, "command", lambda method, device: [sys.executable, str(program), method.dtype, device])


def test_a_peer_gets_documents_with_their_titles_and_none_that_are_empty(fake_environment) -> None:
    documents = (Document(text="It is old.", title="A mill"), Document(text=" \n"), Document(text="No title."))
    question = Question(id="1", question="How old?", answers=("old",), documents=documents)
    available = peers.peer_approaches()
    assert set(available) == set(peers.PEERS)
    selection = available["llmlingua-0.2.2/longllmlingua/float32"](question, 5)
    asked = json.loads(selection.context)
    assert asked["documents"] == ["A mill\nIt is old.", "No title."]
    assert (asked["question"], asked["target_tokens"], asked["recipe"]) == ("How old?", 5, "longllmlingua")
    assert selection.kept is None and selection.seconds == 0.5


def test_peers_of_one_environment_and_one_dtype_share_a_process(fake_environment) -> None:
    question = Question(id="1", question="How old?", answers=("old",), documents=(Document(text="It is old."),))
    available = peers.peer_approaches()
    numbers = [
        json.loads(available[name](question, 5).context)["id"]
        for name in (LLMLINGUA, "llmlingua-0.2.2/longllmlingua/float32", BFLOAT16)
    ]
    assert numbers == [1, 2, 1]


@pytest.fixture
def measured(fake_model, tmp_path):
    """Measure a peer with `tersely eval`; its measurement, and that of a baseline."""

    def measured():
        chosen = ["--methods", f"truncation,{LLMLINGUA}", "--limit", "1", "--rates", "0.5"]
        data, out = str(DATA / "hotpot-sample.jsonl"), tmp_path / "out"
        done = CliRunner().invoke(app, ["eval", "--data", data, *chosen, "--out", str(out)])
        assert done.exit_code == 0, done.output
        return {one.method: one for one in read_run(out).measurements}

    return measured


def test_a_peer_is_a_row_of_the_table(fake_environment, measured) -> None:
    one = measured()[LLMLINGUA]
    assert one.error is None
    assert (one.seconds, one.peak_bytes) == (0.5, 7), "the peer's own"
    assert one.gold_found is None, "nobody knows of which documents something is kept"


def test_a_peer_that_is_not_installed_is_a_row_too(measured, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    found = measured()
    assert (found[LLMLINGUA].error or "").startswith("PeerError: run `make peers`: there is no environment")
    assert found["truncation"].error is None


def test_as_many_threads_as_here_and_no_network(monkeypatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    found = peers.variables()
    assert (found["OMP_NUM_THREADS"], found["HF_HUB_OFFLINE"]) == ("3", "1")
    assert list(Path(found["TIKTOKEN_CACHE_DIR"]).iterdir())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "mine")
    assert "TIKTOKEN_CACHE_DIR" not in peers.variables()


def test_every_peer_is_one_that_the_program_knows() -> None:
    assert {method.environment for method in peers.PEERS.values()} == set(peer_process.PEERS)


def test_what_a_peer_prints_is_no_answer(tmp_path) -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv.pop(1)); import peer_process\n"
        "def loud(*_):\n"
        "    os.system('echo loading'); print('Loading ...')\n"
        "    def compress(documents, question, target_tokens, recipe):\n"
        "        print('compressing'); os.write(1, b'really')\n"
        "        return {'bad': None}.get(recipe) or documents[0][:target_tokens]\n"
        "    return compress\n"
        "peer_process.PEERS = {'pip': loud}\n"
        "peer_process.version = lambda _: '1'\n"
        "peer_process.main()\n"
    )
    script = tmp_path / "loud.py"
    script.write_text(code)
    peer = Peer([sys.executable, str(script), str(peers.PROGRAM.parent), "pip", "model", "float32", "cpu"])
    answer = peer.compress(["abcdef"], "", 3, "r")
    assert answer.context == "abc"
    assert answer.seconds > 0 and answer.peak_bytes > 1_000_000
    with pytest.raises(PeerError, match="TypeError"):
        peer.compress(["abcdef"], "", "three", "r")  # type: ignore[arg-type]
    assert peer.compress(["abcdef"], "", 2, "r").context == "ab"


def installed(environment: str):
    there = (peers.ENVIRONMENTS / environment / ".installed").exists()
    return pytest.mark.skipif(not there, reason="`make peers` was not run")


@pytest.mark.model
@installed("llmlingua")
def test_a_peer_has_the_weights_of_the_embedded_model(real_float32_scorer, tmp_path, hotpot) -> None:
    text = " ".join(document["text"] for document in hotpot[0]["documents"][:3])
    tokens = real_float32_scorer.encode(text).tokens
    (scores,) = real_float32_scorer.score([ScoringRequest(tokens=tokens[1:], prefix=tokens[:1])])

    folder = peers.older_model(model_path(DEFAULT_MODEL), tmp_path / "model")
    code = (
        "import sys, torch; from llmlingua import PromptCompressor;"
        "options = {'torch_dtype': torch.float32, 'trust_remote_code': False};"
        "peer = PromptCompressor(sys.argv[1], device_map='cpu', model_config=options);"
        "print(len(peer.tokenizer(sys.argv[2]).input_ids), float(peer.get_ppl(sys.argv[2])))"
    )
    done = subprocess.run(
        [str(peers.ENVIRONMENTS / "llmlingua" / "bin" / "python"), "-I", "-c", code, str(folder), text],
        capture_output=True,
        text=True,
        env={**os.environ, **peers.variables()},
    )
    assert done.returncode == 0, done.stderr
    number, mean_loss = done.stdout.split()
    assert int(number) == len(tokens) > 200
    assert np.exp(float(mean_loss)) == pytest.approx(np.exp(-scores.mean()), abs=1e-3)


@pytest.mark.model
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("llmlingua-0.2.2/longllmlingua/float32", marks=installed("llmlingua")),
        pytest.param("selective-context-0.1.4/phrase/float32", marks=installed("selective-context")),
    ],
)
def test_the_real_peer(name, hotpot) -> None:
    question = Question.model_validate(hotpot[0])
    question = question.model_copy(update={"documents": question.documents[:4]})
    selection = peers.peer_approaches()[name](question, 150)
    assert 100 < len(selection.context) < 0.8 * len(question.context)
    assert not answer_kept(selection.context, [question.question]), "the question is not in the context"
    assert selection.seconds > 0
