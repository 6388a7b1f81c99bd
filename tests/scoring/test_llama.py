"""The Llama that is computed without transformers, against transformers: each form of its files and matmuls."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from conftest import TINY_CONFIGURATION, save_tiny_model
from tersely import ModelError
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.llama import Llama, load_configuration, matmul
from tersely.scoring.llama import decoder as llama
from tersely.scoring.models import DEFAULT_MODEL, model_path
from tersely.scoring.packing import run
from tersely.scoring.pass_items import PassItem
from tersely.scoring.scorer import ScoringRequest
from tersely.scoring.transformers_decoder import TransformersDecoder

TOKENS = [3, 141, 59, 26, 5, 35, 89, 79, 32, 38, 46, 26]


def expected_of(folder: Path) -> np.ndarray:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        scores = model(torch.tensor([TOKENS])).logits[0].log_softmax(-1)
    return np.array([scores[i - 1, TOKENS[i]].item() for i in range(1, len(TOKENS))])


def assert_scores_are_right(folder: Path, decoder: type) -> None:
    scorer = CausalLanguageModelScorer(str(folder), dtype="float32")
    assert isinstance(scorer._decoder, decoder)
    (scores,) = scorer.score([ScoringRequest(TOKENS)])
    np.testing.assert_allclose(scores[1:], expected_of(folder), atol=1e-4)


@pytest.mark.parametrize("fused", [True, False])
def test_matmuls_are_the_same_fused_and_plain(tiny_llama, monkeypatch, fused) -> None:
    if fused and not matmul.fuses(torch.float32, "cpu"):
        pytest.skip("this build of torch fuses nothing")
    monkeypatch.setattr(llama, "fuses", lambda *_: fused)
    assert_scores_are_right(tiny_llama, Llama)


def test_a_build_that_cannot_fuse_is_noticed(monkeypatch) -> None:
    monkeypatch.setattr(matmul.Matmul, "silu", lambda self, rows: rows)
    assert not matmul.fuses(torch.float32, "cpu"), "it computes something else"
    assert not matmul.fuses(torch.float32, "cuda")


@pytest.mark.parametrize(
    "changes",
    [
        {"tie_word_embeddings": True},
        {"head_dim": 16},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1, "rms_norm_eps": 1e-2},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
    ],
)
def test_what_a_configuration_says_counts(tmp_path, changes) -> None:
    model = LlamaForCausalLM(LlamaConfig(**{**TINY_CONFIGURATION, **changes}))
    assert_scores_are_right(save_tiny_model(tmp_path / "model", model), Llama)


@pytest.mark.parametrize(
    "changes",
    [
        {"attention_bias": True},
        {"mlp_bias": True},
        {"hidden_act": "gelu"},
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 2.0}},
    ],
)
def test_what_is_not_computed_here_goes_through_transformers(tmp_path, changes) -> None:
    model = LlamaForCausalLM(LlamaConfig(**{**TINY_CONFIGURATION, **changes}))
    assert_scores_are_right(save_tiny_model(tmp_path / "model", model), TransformersDecoder)


def test_a_configuration_that_transformers_4_wrote(tiny_llama, tmp_path) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "older")
    configuration = json.loads((folder / "config.json").read_text())
    configuration["rope_theta"] = configuration.pop("rope_parameters")["rope_theta"]
    configuration["rope_scaling"] = None
    del configuration["head_dim"]
    (folder / "config.json").write_text(json.dumps(configuration))
    assert_scores_are_right(folder, Llama)
    configuration["rope_scaling"] = {"rope_type": "dynamic", "factor": 2.0}
    (folder / "config.json").write_text(json.dumps(configuration))
    assert load_configuration(folder) is None


def test_weights_in_several_files(tiny_llama, tmp_path) -> None:
    folder = tmp_path / "shards"
    AutoModelForCausalLM.from_pretrained(tiny_llama).save_pretrained(folder, max_shard_size="20KB")
    for file in tiny_llama.glob("tokenizer*"):
        shutil.copy(file, folder)
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert_scores_are_right(folder, Llama)


def test_a_missing_weight_is_named(tiny_llama, tmp_path) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "damaged")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.layers\.1\.mlp\.up_proj"):
        CausalLanguageModelScorer(str(folder))


def test_the_fingerprint_is_that_of_the_same_weights_in_transformers(tiny_llama) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_llama)
    here = Llama(tiny_llama, load_configuration(tiny_llama), dtype="float32", device="cpu")
    assert here.fingerprint == TransformersDecoder(model, "tiny").fingerprint


@pytest.mark.model
def test_the_embedded_model_is_the_same_as_through_transformers(real_float32_scorer, hotpot) -> None:
    folder = model_path(DEFAULT_MODEL)
    text = hotpot[0]["documents"][0]["text"]
    tokens = real_float32_scorer.encode(text).tokens
    assert tokens == AutoTokenizer.from_pretrained(folder).backend_tokenizer.encode(text).ids
    assert isinstance(real_float32_scorer._decoder, Llama)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        scores = model(torch.tensor([tokens])).logits[0].log_softmax(-1)
    expected = [scores[i - 1, tokens[i]].item() for i in range(1, len(tokens))]
    np.testing.assert_allclose(real_float32_scorer.score([ScoringRequest(tokens)])[0][1:], expected, atol=1e-3)


@pytest.mark.model
def test_the_embedded_model_needs_nothing_of_transformers(tmp_path) -> None:
    """Its import takes longer than all else of a cold start."""
    program = (
        "import sys, tersely\n"
        "tersely.compress(['The old mill. It was built in 1820.'], 'When was it built?', rate=0.5)\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('transformers', 'torch._dynamo', 'sympy')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.strip() == "[]"


def test_a_tokenizer_of_a_folder_is_its_file(tiny_llama) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_llama))
    text = "Plain words, naïve 日本 😀."
    assert scorer.encode(text).tokens == Tokenizer.from_file(str(tiny_llama / "tokenizer.json")).encode(text).ids


@pytest.mark.parametrize("layers", [1, 2, 3, 9, None])
def test_past_its_layers_a_prefix_has_keys_and_values_of_its_last_hidden_states(tiny_llama, layers) -> None:
    plain = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32).eval()
    with torch.no_grad():
        states = plain(torch.tensor([TOKENS]), output_hidden_states=True).hidden_states
        expected = []
        for number, layer in enumerate(plain.model.layers):
            stopped = states[number if layers is None else min(number, layers)]
            values = layer.self_attn.v_proj(layer.input_layernorm(stopped))[0]
            expected.append(values.view(len(TOKENS), 2, -1).transpose(0, 1).numpy())
    decoder = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")._decoder
    neighbour = PassItem(TOKENS[::-1], prefix_length=5, layers=1, score_from=6)
    items = (PassItem([*TOKENS, *after], prefix_length=len(TOKENS), layers=layers) for after in ([], [7, 8, 9]))
    alone, followed = (run(decoder, [neighbour, item, neighbour])[1].key_values for item in items)
    np.testing.assert_allclose(alone.values, expected, atol=1e-4)
    for tensor, tensor_followed in zip(alone, followed, strict=True):
        assert torch.equal(tensor, tensor_followed), "the same bits whatever follows"


def test_what_follows_is_computed_to_the_end(tiny_llama) -> None:
    """A prefix stops at an earlier layer, the tokens after it do not."""
    scorer = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")
    decoder = scorer._decoder
    prefix = run(decoder, [PassItem(TOKENS[:7], prefix_length=7, layers=1)])[0].key_values
    (expected,) = run(decoder, [PassItem(TOKENS[7:], (prefix,), score_from=1)])
    (together,) = run(decoder, [PassItem(TOKENS, prefix_length=7, layers=1, score_from=8)])
    (whole,) = run(decoder, [PassItem(TOKENS, prefix_length=7, score_from=8)])
    np.testing.assert_array_equal(together.log_probabilities, expected.log_probabilities)
    assert np.abs(together.log_probabilities - whole.log_probabilities).max() > 1e-3
    np.testing.assert_allclose(whole.log_probabilities, expected_of(tiny_llama)[7:], atol=1e-4)
