"""8-bit matmuls: how near they are to those of floating point, and where there are none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from conftest import TINY_CONFIGURATION, in_eight_bits, save_tiny_model
from tersely import Compressor, ModelError
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.llama import eight_bits
from tersely.scoring.llama.eight_bits import (
    EXACT_LEVELS,
    SATURATING_LEVELS,
    EightBitMatmul,
    RowwiseEightBitMatmul,
    eight_bit_levels,
    quantized,
    rotated,
)
from tersely.scoring.scorer import ScoringRequest

LEVELS = eight_bit_levels() or SATURATING_LEVELS


def unit_scale(rows: torch.Tensor) -> torch.Tensor:
    return rows.square().mean(dim=1, keepdim=True).rsqrt()


@given(st.integers(1, 70))
def test_the_rotation_is_orthogonal_and_spreads_each_number_over_the_row(width: int) -> None:
    matrix = rotated(torch.eye(width))
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(width), atol=1e-5, rtol=0)
    assert matrix.abs().max() <= (2 / width) ** 0.5 + 1e-5


@in_eight_bits
def test_a_weight_in_blocks_is_the_same_as_whole() -> None:
    weight, rows = torch.randn(40, 24), quantized(torch.randn(16, 24), torch.ones(16, 1), LEVELS)
    whole, blocks = (EightBitMatmul(parts, torch.float32, LEVELS)(rows) for parts in ([weight], weight.split(16)))
    assert torch.equal(whole, blocks)


@in_eight_bits
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("outlier", [0.0, 30.0])
def test_a_matmul_is_near_that_of_floating_point_also_with_outliers(scale, outlier) -> None:
    generator = torch.Generator().manual_seed(0)
    rows, weight = (torch.randn(n, 576, generator=generator) for n in (40, 64))
    rows[:, 7] += outlier  # as a few channels of every language model are
    weight[:, 7] /= max(outlier, 1)
    rows *= scale
    states = rotated(rows)
    exact = (rows * unit_scale(rows)) @ weight.T
    output = EightBitMatmul([rotated(weight)], torch.float32, LEVELS)(quantized(states, unit_scale(states), LEVELS))
    assert (output - exact).norm() / exact.norm() < (0.05 if outlier else 0.02) * EXACT_LEVELS / LEVELS
    if outlier:  # what the rotation is for
        plain = EightBitMatmul([weight], torch.float32, LEVELS)(quantized(rows, unit_scale(rows), LEVELS))
        assert (plain - exact).norm() > 1.3 * (output - exact).norm()


@in_eight_bits
def test_a_single_column_for_each_row() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = quantized(torch.randn(20, 576, generator=generator), torch.ones(20, 1), LEVELS)
    matmul = EightBitMatmul(torch.randn(40, 576, generator=generator).split(16), torch.float32, LEVELS, gathers=True)
    columns = torch.randint(0, 40, (20,), generator=generator)
    expected = matmul(rows).gather(1, columns[:, None])[:, 0]
    torch.testing.assert_close(matmul.gather(rows, columns), expected)
    assert torch.equal(matmul.gather(rows[3:4], columns[3:4]), matmul.gather(rows, columns)[3:4])


@in_eight_bits
def test_what_follows_a_matmul() -> None:
    rows = quantized(torch.randn(20, 32), torch.ones(20, 1), LEVELS)
    factor = torch.randn(20, 48)
    matmul = EightBitMatmul([torch.randn(48, 32)], torch.float32, LEVELS)
    torch.testing.assert_close(matmul.silu(rows), torch.nn.functional.silu(matmul(rows)), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(matmul.times(rows, factor), matmul(rows) * factor)


@in_eight_bits
def test_a_row_or_a_weight_of_zeros_gives_zeros() -> None:
    rows = quantized(torch.zeros(3, 32), torch.full((3, 1), 1e3), LEVELS)
    assert not EightBitMatmul([torch.randn(16, 32)], torch.float32, LEVELS)(rows).any()
    rows = quantized(torch.randn(3, 32), torch.ones(3, 1), LEVELS)
    assert not EightBitMatmul([torch.zeros(16, 32)], torch.float32, LEVELS)(rows).any()
    zeros, addend = torch.zeros(3, 32), torch.randn(3, 16)
    assert torch.equal(RowwiseEightBitMatmul(torch.randn(16, 32), LEVELS).plus(zeros, addend), addend)


@in_eight_bits
@pytest.mark.parametrize("width", [576, 1536, 48, 7])
def test_rows_of_any_size_have_a_step_of_their_own(width) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(12, width, generator=generator) * torch.logspace(-4, 4, 12)[:, None]
    weight, addend = (torch.randn(*shape, generator=generator) for shape in ((24, width), (12, 24)))
    exact = rows @ weight.T
    output = RowwiseEightBitMatmul(weight, LEVELS).plus(rows, addend) - addend
    assert ((output - exact).norm(dim=1)[4:] / exact.norm(dim=1)[4:]).max() < 0.04  # smaller rows drown in the addend


@in_eight_bits
def test_a_few_large_numbers_in_such_a_row_do_not_drown_the_others() -> None:
    generator = torch.Generator().manual_seed(0)
    rows, weight = (torch.randn(n, 1536, generator=generator) for n in (40, 64))
    rows[:, ::100] *= 30
    exact, nothing = rows @ weight.T, torch.zeros(40, 64)
    error = (RowwiseEightBitMatmul(weight, LEVELS).plus(rows, nothing) - exact).norm()
    largest = rows.abs().amax(dim=1, keepdim=True)
    plain = quantized(rows, eight_bits._LARGEST / largest, LEVELS)
    unrotated = EightBitMatmul([weight], torch.float32, LEVELS)(plain) * largest / eight_bits._LARGEST
    assert error < 0.7 * (unrotated - exact).norm()


@pytest.mark.parametrize(("levels", "last"), [(127, [1, 255]), (90, [1, 181])])
def test_rows_are_rounded_to_the_nearest_step_and_cut_at_the_last(levels, last) -> None:
    step = eight_bits._LARGEST / levels
    zero = levels + 1
    rows = torch.tensor([[0.0, 0.4, 0.6, -0.4, -0.6, levels - 0.4, 1000, -1000]]) * step
    expected = [zero, zero, zero + 1, zero, zero - 1, last[1], last[1], last[0]]
    assert quantized(rows, torch.ones(1, 1), levels).tolist() == [expected]


def test_sums_of_two_products_fit_16_bits_where_they_must() -> None:
    assert 2 * (2 * SATURATING_LEVELS + 1) * SATURATING_LEVELS < 2**15


@pytest.fixture
def tried_anew() -> Iterator[None]:
    """The levels are found out once a process: here again, and afterwards, too."""
    eight_bit_levels.cache_clear()
    yield
    eight_bit_levels.cache_clear()


@pytest.mark.usefixtures("tried_anew")
def test_a_processor_without_8_bit_matmuls_is_noticed(monkeypatch, tiny_llama) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"sse4_2": True})
    assert eight_bit_levels() is None
    assert CausalLanguageModelScorer(str(tiny_llama)).dtype == "float32"
    with pytest.raises(ModelError, match=r"int8 on cpu.*leave dtype out"):
        CausalLanguageModelScorer(str(tiny_llama), dtype="int8")


@in_eight_bits
def test_a_build_whose_matmuls_overflow_has_fewer_steps_or_none(monkeypatch) -> None:
    exact = EightBitMatmul.__call__
    monkeypatch.setattr(EightBitMatmul, "__call__", lambda self, rows: exact(self, rows.clamp(max=200)))
    assert eight_bit_levels.__wrapped__() in (SATURATING_LEVELS, None)
    monkeypatch.setattr(EightBitMatmul, "__call__", lambda self, rows: exact(self, rows.clamp(max=150)))
    assert eight_bit_levels.__wrapped__() is None


# A program that says how many steps there are, and scores 60 tokens in 8 bits and in float32.
ON_AVX2 = """
import sys
import numpy as np
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.llama import eight_bit_levels
from tersely.scoring.scorer import ScoringRequest

requests = [ScoringRequest(np.random.default_rng(0).integers(0, 256, 60).tolist())]
scorers = [CausalLanguageModelScorer(sys.argv[1], dtype=dtype) for dtype in (None, "float32")]
scores, exact = (scorer.score(requests)[0][1:] for scorer in scorers)
print(eight_bit_levels(), scorers[0].dtype, np.corrcoef(scores, exact)[0, 1])
"""


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("avx2"), reason="this processor has no AVX2")
def test_a_processor_with_avx2_only_computes_in_8_bits_by_all_matmuls(tiny_llama) -> None:
    limits = {"DNNL_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_VERBOSE": "1"}
    program = [sys.executable, "-c", ON_AVX2, str(tiny_llama)]
    done = subprocess.run(program, capture_output=True, encoding="utf-8", check=True, env={**os.environ, **limits})
    *library, line = done.stdout.splitlines()
    levels, dtype, correlation = line.split()
    assert (levels, dtype) == ("90", "int8")
    assert float(correlation) > 0.99
    assert not any("avx512" in step or "vnni" in step for step in library if ",exec," in step)
    integer = [step for step in library if ",exec,cpu,matmul," in step and "src:u8" in step]
    assert len(integer) >= 2 * 5  # of each layer queries with keys and values, output, gate, up and down


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
    exact, scores = (CausalLanguageModelScorer(folder, dtype=dtype).score(requests)[0] for dtype in ("float32", "int8"))
    assert np.corrcoef(exact[1:], scores[1:])[0, 1] > 0.99


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
    scorers = scorer, real_float32_scorer
    scores, exact = (np.concatenate([text[1:] for text in each.score(alone)]) for each in scorers)
    assert np.corrcoef(scores, exact)[0, 1] > (0.998 if LEVELS == EXACT_LEVELS else 0.996)
    assert abs(scores.mean() - exact.mean()) < (0.01 if LEVELS == EXACT_LEVELS else 0.03)
    means, exact_means = (np.array([asked.mean() for asked in each.score(after)]) for each in scorers)
    assert np.corrcoef(means, exact_means)[0, 1] > 0.99


@in_eight_bits
@pytest.mark.model
def test_a_compressor_can_do_without() -> None:
    assert Compressor(dtype="bfloat16").scorer.dtype == "bfloat16"
