"""Pruners equal their published code on tiny checkpoints of every layout, and keep to our budgets and sentences."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tiny_encoders
import tiny_pruners
from safetensors.torch import load_file, save_file
from tiny_pruners import PASSAGES, QUESTION

from tersely import CompressionSettings, Compressor, Document, InvalidInputError, ModelError
from tersely.scoring import load_scorer
from tersely.scoring.kinds import kind_of_configuration

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "pruners_reference.json").read_text(encoding="utf-8"))
LONG = tiny_encoders.TEXTS[2]


class Layout(NamedTuple):
    name: str
    compressor: Compressor


@pytest.fixture(scope="module", params=tiny_pruners.PRUNERS)
def layout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    folder = tiny_pruners.PRUNERS[request.param](tmp_path_factory.mktemp("pruners") / request.param)
    return Layout(request.param, Compressor(folder, tokenizer="cl100k_base"))


@pytest.fixture(scope="module")
def compressor(tmp_path_factory: pytest.TempPathFactory) -> Compressor:
    return Compressor(tiny_pruners.save_open_provence_deberta(tmp_path_factory.mktemp("pruners") / "open"))


def test_tokens_have_the_probabilities_of_the_published_code(layout: Layout) -> None:
    passages = layout.compressor.scorer.prune(QUESTION, PASSAGES, [[] for _ in PASSAGES])
    for passage, reference in zip(passages, REFERENCE[layout.name], strict=True):
        assert passage.probabilities == pytest.approx(reference["probabilities"], abs=1e-4)
        is_open = layout.name.startswith("open")
        score = 1 / (1 + np.exp(-passage.relevance)) if is_open else passage.relevance
        assert score == pytest.approx(reference["ranking_score"], abs=1e-4)


def test_the_authors_ways_are_the_defaults(layout: Layout) -> None:
    scorer = layout.compressor.scorer
    is_open = layout.name.startswith("open")
    assert (scorer.threshold, scorer.rounds) == ((0.2, False) if is_open else (0.1, True))


def test_whole_sentences_within_an_exact_budget(layout: Layout) -> None:
    for rate in (0.2, 0.5, 0.8):
        result = layout.compressor.compress([*PASSAGES, LONG], QUESTION, rate=rate)
        assert (result.method, result.model) == ("pruner", layout.compressor.scorer.name)
        assert 0.5 * result.target_tokens < result.compressed_tokens <= result.target_tokens
        for document in result.documents:
            for start, end in document.kept:
                assert document.document.text[start:end].strip()[0].isupper()
                assert document.document.text[start:end].strip()[-1] in ".!"


def test_documents_are_ranked_by_the_ranking_head(layout: Layout) -> None:
    result = layout.compressor.compress(PASSAGES, QUESTION, rate=0.9)
    relevance = {document.index: document.relevance for document in result.documents}
    passages = layout.compressor.scorer.prune(QUESTION, PASSAGES, [[] for _ in PASSAGES])
    assert [relevance[index] for index in range(3)] == pytest.approx(
        [passage.relevance for passage in passages], abs=1e-4
    )


def test_a_text_longer_than_the_model_is_cut_at_sentences(compressor: Compressor) -> None:
    scorer = compressor.scorer
    ends = [at + 1 for at, sign in enumerate(LONG) if sign == "."]
    (passage,) = scorer.prune(QUESTION, [LONG], [ends])
    assert len(passage.probabilities) == len(scorer.encode(LONG).tokens) > 3 * scorer.context_length
    # The first part is read as if nothing came after it.
    room = scorer.context_length - len(scorer.encode(QUESTION).tokens) - 3
    first = max(end for end in ends if len(scorer.encode(LONG[:end]).tokens) <= room)
    (alone,) = scorer.prune(QUESTION, [LONG[:first]], [[]])
    assert passage.probabilities[: len(alone.probabilities)] == pytest.approx(alone.probabilities, abs=1e-4)
    assert passage.relevance >= alone.relevance - 1e-4


def test_a_question_longer_than_the_model_leaves_room_for_the_text(compressor: Compressor) -> None:
    result = compressor.compress(PASSAGES, LONG, rate=0.5)
    assert 0 < result.compressed_tokens <= result.target_tokens


def test_a_threshold_decides_alone_where_the_budget_holds_all(compressor: Compressor) -> None:
    texts = [*PASSAGES, LONG]

    def kept(threshold: float | None, labels: str | None = None) -> str:
        settings = CompressionSettings(rate=1.0, method="pruner", threshold=threshold, token_labels=labels)
        return compressor.compress(texts, QUESTION, settings=settings).context

    everything = kept(None)
    assert all(text in everything for text in texts)
    lengths = [len(kept(threshold)) for threshold in (0.0, 0.2, 0.25, 1.0)]
    assert lengths == sorted(lengths, reverse=True) and lengths[0] > lengths[1] > lengths[2] > lengths[3] == 0
    assert kept(0.2, "mean") != kept(0.2, "rounded")


def test_units_above_the_threshold_are_those_whose_mean_is(compressor: Compressor) -> None:
    settings = CompressionSettings(rate=1.0, method="pruner", threshold=0.25, token_labels="mean")
    result = compressor.compress([PASSAGES[1]], QUESTION, settings=settings)
    (passage,) = compressor.scorer.prune(QUESTION, [PASSAGES[1]], [[len(PASSAGES[1])]])
    text = PASSAGES[1]
    borders = [0, *(at + 2 for at, sign in enumerate(text) if sign in ".!" and at + 1 < len(text)), len(text)]
    expected = []
    for start, end in pairwise(borders):
        inside = [
            probability
            for (first, _), probability in zip(passage.offsets, passage.probabilities, strict=True)
            if start <= first < end
        ]
        if np.mean(inside) > 0.25:
            expected.append(text[start:end].strip())
    assert result.context == " ".join(expected)


def test_protected_text_survives_a_threshold(compressor: Compressor) -> None:
    settings = CompressionSettings(rate=1.0, method="pruner", threshold=1.0, protect=["Jan de Vries"])
    assert "Jan de Vries" in compressor.compress(PASSAGES, QUESTION, settings=settings).context


def test_a_title_is_read_and_no_unit_is_scored_by_it(compressor: Compressor) -> None:
    documents = [Document(text=text, title="The old mill") for text in PASSAGES]
    result = compressor.compress(documents, QUESTION, rate=0.6)
    assert 0 < result.compressed_tokens <= result.target_tokens
    assert all(document.text.startswith(("The", "It", "In")) for document in result.documents if document.kept)


def test_it_needs_a_question_and_says_so(compressor: Compressor) -> None:
    with pytest.raises(InvalidInputError, match="'pruner' needs a question"):
        compressor.compress(PASSAGES, rate=0.5, method="pruner")
    assert compressor.compress(PASSAGES, rate=0.5).method == "salience"


def test_weights_of_no_known_layout_are_refused(tmp_path: Path) -> None:
    folder = tiny_pruners.save_provence(tmp_path / "provence")
    path = folder / "model.safetensors"
    weights = load_file(path)
    lacking = {name: weight for name, weight in weights.items() if name != "classifier.weight"}
    save_file(lacking, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"(?s)could not be loaded.*classifier\.weight"):
        load_scorer(str(folder))
    headless = {name: weight for name, weight in weights.items() if not name.startswith("token_classifier")}
    save_file(headless, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="of no layout that is known"):
        load_scorer(str(folder))
    path.rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no safetensors weights; pickled ones are never read"):
        load_scorer(str(folder))


@pytest.mark.parametrize(
    ("configuration", "kind"),
    [
        ({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}, "language model"),
        ({"architectures": ["XLMRobertaForTokenClassification"]}, "token classifier"),
        ({"architectures": ["ProvenceForSequenceClassification"]}, "pruner"),
        ({"architectures": ["DebertaV2ForCompressionAndRanking"], "model_type": "deberta-v2"}, "pruner"),
        ({"model_type": "open_provence"}, "pruner"),
        ({}, "language model"),
    ],
)
def test_a_configuration_tells_the_kind_of_model(configuration: dict[str, object], kind: str) -> None:
    assert kind_of_configuration(configuration) == kind
