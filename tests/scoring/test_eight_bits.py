"""Products of 8 bits: how near they are to those of floating point, and where they are not to be had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from conftest import TINY_CONFIGURATION, in_eight_bits, save_tiny_model
from tersely import Compressor, ModelError
from tersely.scoring import eight_bits
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.eight_bits import EightBitProduct, multiplies_eight_bits, rounded, turned
from tersely.scoring.scorer import ScoringRequest


def unit_scale(rows: torch.Tensor) -> torch.Tensor:
    return rows.square().mean(dim=1, keepdim=True).rsqrt()


@given(st.integers(1, 70))
def test_turning_is_orthogonal_and_spreads_each_number_over_the_row(width: int) -> None:
    matrix = turned(torch.eye(width))
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(width), atol=1e-5, rtol=0)
    assert matrix.abs().max() <= (2 / width) ** 0.5 + 1e-5


@in_eight_bits
def test_a_weight_in_blocks_is_the_same_as_whole() -> None:
    weight, rows = torch.randn(40, 24), rounded(torch.randn(16, 24), torch.ones(16, 1))
    whole, blocks = (EightBitProduct(some, torch.float32)(rows) for some in ([weight], weight.split(16)))
    assert torch.equal(whole, blocks)


@in_eight_bits
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("outlier", [0.0, 30.0])
def test_a_product_is_near_that_of_floating_point_also_with_outliers(scale, outlier) -> None:
    generator = torch.Generator().manual_seed(0)
    rows, weight = (torch.randn(n, 576, generator=generator) for n in (40, 64))
    rows[:, 7] += outlier  # as a few channels of every language model are
    weight[:, 7] /= max(outlier, 1)
    rows *= scale
    states = turned(rows)
    exact = (rows * unit_scale(rows)) @ weight.T
    found = EightBitProduct([turned(weight)], torch.float32)(rounded(states, unit_scale(states)))
    assert (found - exact).norm() / exact.norm() < (0.05 if outlier else 0.02)
    if outlier:  # what turning is for
        plain = EightBitProduct([weight], torch.float32)(rounded(rows, unit_scale(rows)))
        assert (plain - exact).norm() > 1.5 * (found - exact).norm()


@in_eight_bits
def test_a_row_with_one_row_of_the_weight_only() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = rounded(torch.randn(20, 576, generator=generator), torch.ones(20, 1))
    product = EightBitProduct(torch.randn(40, 576, generator=generator).split(16), torch.float32, singly=True)
    which = torch.randint(0, 40, (20,), generator=generator)
    expected = product(rows).gather(1, which[:, None])[:, 0]
    torch.testing.assert_close(product.singly(rows, which), expected)
    assert torch.equal(product.singly(rows[3:4], which[3:4]), product.singly(rows, which)[3:4])


@in_eight_bits
def test_what_follows_a_product() -> None:
    rows = rounded(torch.randn(20, 32), torch.ones(20, 1))
    factor = torch.randn(20, 48)
    product = EightBitProduct([torch.randn(48, 32)], torch.float32)
    torch.testing.assert_close(product.silu(rows), torch.nn.functional.silu(product(rows)), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(product.times(rows, factor), product(rows) * factor)


@in_eight_bits
def test_a_row_or_a_weight_of_zeros_gives_zeros() -> None:
    rows = rounded(torch.zeros(3, 32), torch.full((3, 1), 1e3))
    assert not EightBitProduct([torch.randn(16, 32)], torch.float32)(rows).any()
    assert not EightBitProduct([torch.zeros(16, 32)], torch.float32)(
        rounded(torch.randn(3, 32), torch.ones(3, 1))
    ).any()


def test_rows_are_rounded_to_the_nearest_step_and_cut_at_the_last() -> None:
    step = eight_bits._LARGEST / 127
    rows = torch.tensor([[0.0, 0.4 * step, 0.6 * step, -0.4 * step, -0.6 * step, 126.6 * step, 9.0, -9.0]])
    assert rounded(rows, torch.ones(1, 1)).tolist() == [[128, 128, 129, 128, 127, 255, 255, 1]]


def test_a_processor_without_such_products_is_found_out(monkeypatch, tiny_llama) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert not multiplies_eight_bits()
    assert CausalLanguageModelScorer(str(tiny_llama)).dtype == "float32"
    with pytest.raises(ModelError, match=r"int8 on cpu.*leave dtype out"):
        CausalLanguageModelScorer(str(tiny_llama), dtype="int8")


@in_eight_bits
def test_a_build_whose_products_overflow_is_found_out(monkeypatch) -> None:
    exact = EightBitProduct.__call__
    monkeypatch.setattr(EightBitProduct, "__call__", lambda self, rows: exact(self, rows.clamp(max=200)))
    assert not multiplies_eight_bits()


@in_eight_bits
def test_it_is_what_a_llama_is_computed_in(tiny_llama) -> None:
    assert CausalLanguageModelScorer(str(tiny_llama)).dtype == "int8"
    assert CausalLanguageModelScorer(str(tiny_llama), dtype="bfloat16").dtype == "bfloat16"


def test_other_families_are_not(tiny_mistral) -> None:
    assert CausalLanguageModelScorer(str(tiny_mistral)).dtype in ("bfloat16", "float32")
    with pytest.raises(ModelError, match="takes a model of the Llama family"):
        CausalLanguageModelScorer(str(tiny_mistral), dtype="int8")


@in_eight_bits
@pytest.mark.parametrize("changes", [{}, {"tie_word_embeddings": True}, {"hidden_size": 48, "head_dim": 8}])
@pytest.mark.parametrize("norms", [False, True])
def test_a_model_scores_nearly_as_in_float32(tmp_path: Path, changes, norms) -> None:
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(**{**TINY_CONFIGURATION, **changes, "initializer_range": 0.2}))
    if norms:  # a trained model's are far from 1
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.data.uniform_(0.2, 3)
    folder = str(save_tiny_model(tmp_path / "model", model))
    requests = [ScoringRequest(np.random.default_rng(0).integers(0, 256, 60).tolist())]
    exact, found = (CausalLanguageModelScorer(folder, dtype=dtype).score(requests)[0] for dtype in ("float32", "int8"))
    assert np.corrcoef(exact[1:], found[1:])[0, 1] > 0.99


@in_eight_bits
@pytest.mark.model
def test_the_embedded_model_keeps_its_judgement(real_compressor, real_float32_scorer, hotpot) -> None:
    """Log-probabilities, and of each document how likely it makes the question."""
    scorer = real_compressor.scorer
    assert scorer.dtype == "int8"
    texts = [scorer.encode(document["text"]).tokens for row in hotpot[:3] for document in row["documents"]]
    question = scorer.encode(f"\n\nQuestion: {hotpot[0]['question']}").tokens
    alone = [ScoringRequest(tokens) for tokens in texts]
    after = [ScoringRequest(question, tokens) for tokens in texts]
    found, exact = (np.concatenate([one[1:] for one in each.score(alone)]) for each in (scorer, real_float32_scorer))
    assert np.corrcoef(found, exact)[0, 1] > 0.998
    assert abs(found.mean() - exact.mean()) < 0.01
    found, exact = (np.array([one.mean() for one in each.score(after)]) for each in (scorer, real_float32_scorer))
    assert np.corrcoef(found, exact)[0, 1] > 0.99


@in_eight_bits
@pytest.mark.model
def test_a_compressor_can_do_without() -> None:
    assert Compressor(dtype="bfloat16").scorer.dtype == "bfloat16"
