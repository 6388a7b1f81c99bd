"""The peers by name: how each is called with `tersely eval`, and the real ones where `make peers` was run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import DATA
from tersely import DEFAULT_MODEL, Document
from tersely.budget.counting import TokenCounter, token_counter
from tersely.scoring import ScoringRequest
from tersely.scoring.models import model_path
from tersely_cli.app import app
from tersely_eval.data import Question, answer_kept
from tersely_eval.measure import read_run
from tersely_eval.peers import PeerError, peers

LLMLINGUA, BFLOAT16 = "llmlingua-0.2.2/llmlingua/float32", "llmlingua-0.2.2/llmlingua/bfloat16"
OBEDIENT = Path(__file__).with_name("obedient_peer.py")


def no_fallback() -> TokenCounter:
    raise AssertionError("the encoding must be there")


@pytest.fixture
def obedient_peers(monkeypatch) -> None:
    """Every peer's process runs the obedient program."""
    monkeypatch.setattr(peers, "command", lambda method, device: [sys.executable, str(OBEDIENT), method.dtype, device])


def test_a_peer_gets_documents_with_their_titles_and_none_that_are_empty(obedient_peers) -> None:
    documents = (Document(text="It is old.", title="A mill"), Document(text=" \n"), Document(text="No title."))
    question = Question(id="1", question="How old?", answers=("old",), documents=documents)
    available = peers.peer_approaches()
    assert set(available) == set(peers.PEERS)
    selection = available["llmlingua-0.2.2/longllmlingua/float32"](question, 5)
    asked = json.loads(selection.context)
    assert asked["documents"] == ["A mill\nIt is old.", "No title."]
    assert (asked["question"], asked["target_tokens"], asked["recipe"]) == ("How old?", 5, "longllmlingua")
    assert selection.kept is None and selection.seconds == 0.5


def test_peers_of_one_environment_and_one_dtype_share_a_process(obedient_peers) -> None:
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

    def measure():
        chosen = ["--methods", f"truncation,{LLMLINGUA}", "--limit", "1", "--rates", "0.5"]
        data, out = str(DATA / "hotpot-sample.jsonl"), tmp_path / "out"
        done = CliRunner().invoke(app, ["eval", "--data", data, *chosen, "--out", str(out)])
        assert done.exit_code == 0, done.output
        return {measurement.method: measurement for measurement in read_run(out).measurements}

    return measure


def test_a_peer_is_a_row_of_the_table(obedient_peers, measured) -> None:
    measurement = measured()[LLMLINGUA]
    assert measurement.error is None
    assert (measurement.seconds, measurement.peak_bytes) == (0.5, 7), "the peer's own"
    assert measurement.gold_found is None, "nobody knows of which documents something is kept"


def test_a_peer_that_is_not_installed_is_a_row_too(measured, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    measurements = measured()
    assert (measurements[LLMLINGUA].error or "").startswith("PeerError: run `make peers`: there is no environment")
    assert measurements["truncation"].error is None


def test_as_many_threads_as_here_and_no_network(monkeypatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    variables = peers.variables()
    assert (variables["OMP_NUM_THREADS"], variables["HF_HUB_OFFLINE"]) == ("3", "1")
    assert list(Path(variables["TIKTOKEN_CACHE_DIR"]).iterdir())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "mine")
    assert "TIKTOKEN_CACHE_DIR" not in peers.variables()


def test_a_peer_that_needs_minilm_says_where_its_weights_come_from(monkeypatch, tmp_path) -> None:
    method = peers.PEERS["langchain-1.0.8/embeddings-filter"]
    python = tmp_path / method.module.NAME / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    with pytest.raises(PeerError, match="run `make peers`: there are no weights"):
        peers.command(method, "cpu")


def test_a_peer_without_a_model_needs_none(monkeypatch, tmp_path) -> None:
    method = peers.PEERS["headroom-0.42.0/text-crusher"]
    python = tmp_path / method.module.NAME / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    assert Path(peers.command(method, "cpu")[3]).name == "headroom.py"


def test_two_peers_share_neither_an_environment_nor_a_name() -> None:
    assert len({module.NAME for module in peers.MODULES}) == len(peers.MODULES)
    assert len(peers.PEERS) == sum(len(module.METHODS) for module in peers.MODULES)


def test_a_command_names_the_file_of_the_peer(monkeypatch, tmp_path) -> None:
    python = tmp_path / "llmlingua" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(peers, "older_model", lambda model, folder: folder)
    command = peers.command(peers.PEERS[BFLOAT16], "cpu")
    assert command[:3] == [str(python), "-I", str(peers.PROGRAM)]
    assert Path(command[3]).name == "llmlingua.py" and command[5:] == ["bfloat16", "cpu"]


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
        pytest.param("llama-index-0.14.25/sentence-embedding-optimizer", marks=installed("llama-index")),
        pytest.param("langchain-1.0.8/embeddings-filter", marks=installed("langchain")),
        pytest.param("headroom-0.42.0/text-crusher", marks=installed("headroom")),
        pytest.param("litellm-1.110.2/compress", marks=installed("litellm")),
    ],
)
def test_the_real_peer(name, hotpot) -> None:
    question = Question.model_validate(hotpot[0])
    question = question.model_copy(update={"documents": question.documents[:4]})
    selection = peers.peer_approaches()[name](question, 150)
    assert 100 < len(selection.context) < 0.8 * len(question.context)
    if peers.PEERS[name].module.MODEL != "causal":  # these count with their own tokenizers
        assert token_counter("o200k_base", no_fallback).count(selection.context) <= 150
    assert not answer_kept(selection.context, [question.question]), "the question is not in the context"
    assert selection.seconds > 0


@pytest.mark.model
@installed("headroom")
def test_a_peer_that_cannot_run_offline_says_so(hotpot) -> None:
    question = Question.model_validate(hotpot[0])
    with pytest.raises(PeerError, match="kompress-v2-base, are only on the Hugging Face hub"):
        peers.peer_approaches()["headroom-0.42.0/kompress"](question, 150)
