"""The method `evidence`: whole units, what they stand under, and one phrase to fill the budget; in any language."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import numpy as np
import pytest
from evidence_texts import BAKERY, GUIDE, MILL, OTHER, QUESTION, choice, compressor, is_one_phrase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import is_used_or_explained
from doubles import FakeScorer
from tersely import CompressionResult, CompressionSettings, Compressor, Document, InvalidInputError


def test_is_what_is_done_where_there_is_a_question(compressor) -> None:
    with_question = compressor.compress([MILL, OTHER], QUESTION, rate=0.5)
    assert with_question.method == "evidence"
    assert with_question.context == compressor.compress([MILL, OTHER], QUESTION, rate=0.5, method="evidence").context
    assert compressor.compress([MILL, OTHER], rate=0.5).method == "salience"


def test_needs_a_question(compressor) -> None:
    with pytest.raises(InvalidInputError, match="method 'evidence' needs a question"):
        compressor.compress([MILL], rate=0.5, method="evidence")
    with pytest.raises(InvalidInputError, match="question is empty"):
        compressor.compress([MILL], " ", rate=0.5)


@pytest.mark.parametrize("rate", [0.15, 0.3, 0.5, 0.8])
def test_whole_sentences_are_kept_and_fragments_only_when_asked_for(compressor, rate) -> None:
    documents = [OTHER, MILL, BAKERY, Document(text=f"{OTHER} {BAKERY}", title="Both")]
    result = compressor.compress(documents, QUESTION, rate=rate)
    assert is_used_or_explained(result)
    whole = choice(result)
    assert whole.whole and not whole.cut
    result = compressor.compress(documents, QUESTION, settings=CompressionSettings(rate=rate, fragments=True))
    assert result.compressed_tokens <= result.target_tokens
    with_fragments = choice(result)
    assert is_one_phrase(with_fragments.cut)
    assert result.context.count("[...]") >= len(with_fragments.cut)


@pytest.mark.parametrize("rate", np.linspace(0.05, 0.95, 10).round(2).tolist())
def test_rows_items_and_code_are_kept_whole_under_their_heads(compressor, rate) -> None:
    result = compressor.compress([GUIDE, Document(text=GUIDE, title="Guide to it")], QUESTION, rate=rate)
    assert not choice(result).cut
    for one in result.documents:
        if "1,850,000" in one.text:
            head = "# Guide\n\n", "## Prices\n\n", "| Year | Price in euros |\n|------|----------------|\n"
            assert all(part in one.text for part in head) and "| 2009 | 1,850,000 |" in one.text
        if "open --door" in one.text:
            assert "2. Run:\n\n   ```sh\n   open --door\n   ```" in one.text and "## Use" in one.text


def test_the_row_that_answers_comes_with_its_head(compressor) -> None:
    question = "Which price in euros was paid in 2009?"
    row = "# Guide\n\n## Prices\n\n| Year | Price in euros |\n|------|----------------|\n| 2009 | 1,850,000 |"
    target = compressor.tokenizer.count(row)
    result = compressor.compress([GUIDE, BAKERY], question, target_tokens=target)
    assert "| 2009 | 1,850,000 |" in choice(result).whole or not choice(result).cut
    assert result.compressed_tokens <= target


def test_a_title_stands_over_whatever_is_kept(compressor) -> None:
    documents = [Document(text=text, title=f"Title {number}") for number, text in enumerate([MILL, OTHER, BAKERY])]
    for rate in (0.2, 0.4, 0.7):
        result = compressor.compress(documents, QUESTION, rate=rate)
        for one in result.documents:
            assert (f"{one.document.title}\n{one.text}" in result.context) == bool(one.kept)


def test_the_best_document_comes_first_by_default(compressor) -> None:
    result = compressor.compress([BAKERY, OTHER, MILL], QUESTION, rate=0.6)
    relevance = [one.relevance for one in result.documents if one.kept]
    assert relevance == sorted(relevance, reverse=True)
    assert result.documents[0].index == 2


@pytest.mark.parametrize("order", ["original", "best_first", "best_at_both_ends"])
def test_the_order_changes_where_documents_stand_and_not_what_is_relevant(compressor, order) -> None:
    documents = [BAKERY, OTHER, MILL, f"{BAKERY} {OTHER}"]
    plain = {one.index: one.relevance for one in compressor.compress(documents, QUESTION, rate=0.9).documents}
    result = compressor.compress(documents, QUESTION, rate=0.9, order=order)
    assert {one.index: one.relevance for one in result.documents} == plain
    there = [one.index for one in result.documents if one.kept]
    if order == "original":
        assert there == sorted(there)
    if order == "best_at_both_ends":
        best_first = sorted(there, key=lambda index: -plain[index])
        assert there == best_first[::2] + best_first[1::2][::-1]


def test_the_relevance_of_a_document_is_that_of_its_best_unit(compressor) -> None:
    """More text around the best sentence takes nothing from it but what it takes from all."""
    result = compressor.compress([MILL, OTHER, BAKERY], QUESTION, rate=0.5)
    relevance = {one.index: one.relevance for one in result.documents}
    assert relevance[0] == max(relevance.values())
    assert all(np.isfinite(value) for value in relevance.values())


@pytest.mark.parametrize(
    "documents",
    [
        [MILL],
        ["One sentence of some words and no more."],
        ["One sentence is here.", "Another is here.", "The mill was sold."],
        ["word"],
        ["a" * 500],
        ["word " * 800],
        ["!!! ??? ... --- !!!", "*** ### @@@"],
        ["…", "—"],
        ["😀 😀 😀 🎉 🎉", "1820 2009 1,850,000"],
        [Document(text="!!!", title="The mill"), MILL],
        ["| a | b |\n|---|---|\n| 1 | 2 |"],
        ["```\ncode = 1\n```"],
        [MILL, MILL, MILL],
        ["# Only\n\n## Headings\n\n### Here"],
        [" \n\n The mill was sold. \n\n", "\tIt is old.\t"],
    ],
)
@pytest.mark.parametrize("question", [QUESTION, "?", "is it the", "坊はいつ売られましたか？"])
def test_odd_documents_and_questions(compressor, documents, question) -> None:
    for rate in (0.1, 0.5, 0.9):
        result = compressor.compress(documents, question, rate=rate)
        assert result.compressed_tokens <= result.target_tokens
        choice(result)
        assert CompressionResult.model_validate_json(result.model_dump_json()) == result
        assert all(one.relevance is None or np.isfinite(one.relevance) for one in result.documents)


PARTS = st.sampled_from(
    [*MILL.split(". "), *BAKERY.split(". "), "# Head\n\n", "- item one\n", "- item two\n", "日本語。", "\n\n"]
)
TEXTS = st.lists(PARTS, min_size=1, max_size=25).map(lambda parts: f"{'. '.join(parts)} .") | st.just(GUIDE)
ANY = Compressor(FakeScorer(), tokenizer="o200k_base")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(Document, text=TEXTS, title=st.none() | st.sampled_from(["Mill", "Old bakery"])),
        max_size=4,
        min_size=1,
    ),
    st.floats(0.05, 1.0),
)
def test_units_are_whole_and_never_without_what_they_need(documents, rate) -> None:
    assert not choice(ANY.compress(documents, QUESTION, rate=rate)).cut  # checks what they need, too
