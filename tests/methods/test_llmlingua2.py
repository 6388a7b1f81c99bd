"""LLMLingua-2 equals llmlingua 0.2.2 on tiny checkpoints of both families, and keeps to our budgets and words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tiktoken
import tiny_encoders

from tersely import CompressionSettings, Compressor, Document, InvalidInputError, ModelError
from tersely.methods.papers.labelled_words import LabelledWord, labelled_words, without_repeats
from tersely.scoring import load_scorer
from tersely.text.words import split_words

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "llmlingua2_reference.json").read_text(encoding="utf-8"))
FAMILIES = {"bert": tiny_encoders.save_bert, "xlm-roberta": tiny_encoders.save_xlm_roberta}


class Family(NamedTuple):
    name: str
    compressor: Compressor


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    folder = FAMILIES[request.param](tmp_path_factory.mktemp("encoders") / request.param)
    return Family(request.param, Compressor(folder, tokenizer="cl100k_base"))


def words_of(compressor: Compressor, text: str, arguments: dict[str, Any]) -> list[list[LabelledWord]]:
    """The words of each chunk of a text, as a call of the reference has them."""
    settings = CompressionSettings(
        **{name: value for name, value in arguments.items() if name in CompressionSettings.model_fields}
    )
    (chunks,) = compressor.scorer.label([text], settings.chunk_end_tokens)
    words = [
        labelled_words(chunk, settings.token_to_word, settings.force_tokens, settings.force_reserve_digit)
        for chunk in chunks
    ]
    if settings.drop_consecutive:
        words = [without_repeats(chunk, settings.force_tokens, arguments["rate"]) for chunk in words]
    return words


@pytest.mark.parametrize("number", range(len(REFERENCE["bert"]["calls"])))
def test_words_have_the_probabilities_of_the_reference(family: Family, number: int) -> None:
    call = REFERENCE[family.name]["calls"][number]
    arguments = {**call["arguments"], "drop_consecutive": False}  # which comes after the probabilities were noted
    ours = [
        [word.own if call["relevance"] else word.probability for word in chunk]
        for text in tiny_encoders.TEXTS
        for chunk in words_of(family.compressor, text, arguments)
    ]
    theirs = call["chunks"][: len(ours)]
    assert [len(chunk) for chunk in ours] == [len(chunk) for chunk in theirs]
    for own, reference in zip(ours, theirs, strict=True):
        assert own == pytest.approx(reference, abs=1e-4)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_the_threshold_of_the_reference_keeps_the_same_words(family: Family, number: int) -> None:
    call = REFERENCE[family.name]["calls"][number]
    if family.name == "xlm-roberta" and call["arguments"].get("drop_consecutive"):
        pytest.skip("there the reference compares `▁the` with `the`, and drops no repeat")
    count = tiktoken.get_encoding("cl100k_base").encode
    ours = []
    for text in tiny_encoders.TEXTS:
        for words in words_of(family.compressor, text, call["arguments"]):
            of_tokens = [np.float32(word.probability) for word in words for _ in count(marked(family, text, word))]
            threshold = np.percentile(of_tokens, int(100 * (1 - call["arguments"]["rate"]) + 1))
            ours += [
                f"{word.text} {int(word.probability > threshold or threshold == word.probability == 1)}"
                for word in words
            ]
    assert ours == call["labels"]


def marked(family: Family, text: str, word: LabelledWord) -> str:
    """A word as the reference counts its tokens: with the mark that XLM-RoBERTa puts for the white space before it."""
    after_space = word.start == 0 or text[word.start].isspace()
    return f"▁{word.text}" if family.name == "xlm-roberta" and after_space else word.text


@pytest.mark.parametrize("number", [4, 5])
def test_documents_are_chosen_as_the_reference_chooses_them(family: Family, number: int) -> None:
    call = REFERENCE[family.name]["calls"][number]
    arguments = call["arguments"]
    settings = CompressionSettings(
        method="llmlingua2",
        rate=arguments.get("rate"),
        target_tokens=arguments.get("target_token"),
        granularity=(1 + arguments["rate"]) / 2 / arguments["rate"] if "rate" in arguments else 2.0,
    )
    result = family.compressor.compress(tiny_encoders.TEXTS, settings=settings)
    relevance = {document.index: document.relevance for document in result.documents}
    assert [relevance[index] for index in range(3)] == pytest.approx(call["relevance"], abs=1e-4)
    kept = {document.index for document in result.documents if document.kept}
    chosen = sorted(relevance, key=lambda index: -relevance[index])[: len(call["kept"])]
    assert kept >= set(chosen)
    if (
        sum(document.original_tokens for document in result.documents if document.index in chosen)
        >= result.target_tokens
    ):
        assert kept == set(chosen)  # else there is room for another


def test_documents_below_the_percentile_go(family: Family) -> None:
    texts = [f"In room {number} the visitors see stones and {number * 3} ropes." for number in range(1, 11)]
    result = family.compressor.compress(texts, target_tokens=30)
    best = sorted(result.documents, key=lambda document: -document.relevance)
    total = sum(document.original_tokens for document in best)
    threshold = np.percentile([document.relevance for document in best], int(100 * (1 - 2 * 30 / total)))
    chosen = {document.index for document in best if document.relevance >= threshold}
    assert 2 <= len(chosen) < 10
    assert {document.index for document in best if document.kept} <= chosen


def test_the_budget_is_exact_and_words_stay_whole(family: Family) -> None:
    for rate in (0.1, 0.3, 0.6, 0.9):
        result = family.compressor.compress(tiny_encoders.TEXTS, rate=rate)
        assert result.method == "llmlingua2" and result.model == family.compressor.scorer.name
        assert 0.9 * result.target_tokens <= result.compressed_tokens <= result.target_tokens
        for document in result.documents:
            words = split_words(document.document.text)
            for start, end in document.kept:
                inside = [start <= word.start and word.end <= end for word in words]
                outside = [word.end <= start or end <= word.start for word in words]
                assert all(whole or gone for whole, gone in zip(inside, outside, strict=True))


def test_protected_text_and_forced_words_stay(family: Family) -> None:
    text = tiny_encoders.TEXTS[2]
    kept = family.compressor.compress([text], rate=0.1, protect=["ropes and sails"]).documents[0].text
    assert kept.count("ropes and sails") == 30
    settings = CompressionSettings(rate=0.2, method="llmlingua2", force_tokens=["visitors"])
    kept = family.compressor.compress([text], settings=settings).documents[0].text
    assert kept.split().count("visitors") == 30


def test_a_title_is_kept_and_takes_no_word_of_its_document(family: Family) -> None:
    document = Document(text=tiny_encoders.TEXTS[1], title="The mill")
    result = family.compressor.compress([document], rate=0.5)
    assert result.context.startswith("The mill\n")
    assert result.documents[0].text.split()[0] in tiny_encoders.TEXTS[1].split()


def test_labels_are_remembered(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = family.compressor.scorer
    first = family.compressor.compress(tiny_encoders.TEXTS, rate=0.3)
    monkeypatch.setattr(scorer, "run", lambda sequences, *_: [] if not sequences else pytest.fail("it ran again"))
    assert family.compressor.compress(tiny_encoders.TEXTS, rate=0.3).context == first.context


def test_a_model_that_cannot_do_what_a_method_needs_is_named(family: Family, tiny_compressor: Compressor) -> None:
    with pytest.raises(InvalidInputError, match=r"'evidence' needs attention, .* serves salience, llmlingua2"):
        family.compressor.compress(["a b c"], "a?", rate=0.5, method="evidence")
    with pytest.raises(InvalidInputError, match=r"'llmlingua2' needs token labels.*microsoft/llmlingua-2-"):
        tiny_compressor.compress(["a b c"], rate=0.5, method="llmlingua2")
    with pytest.raises(ModelError, match="no causal language model"):
        family.compressor.scorer.score([])


def test_a_classifier_with_other_labels_is_refused(tmp_path: Path) -> None:
    folder = tiny_encoders.save_bert(tmp_path / "names", labels=9)
    with pytest.raises(ModelError, match="'bert' with 9 labels"):
        load_scorer(str(folder))
