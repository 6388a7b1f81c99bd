"""What the baselines choose, and that none of them is ever above the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tersely import Document, Span
from tersely.budget.counting import TokenCounter, token_counter
from tersely.budget.rendering import DOCUMENT_SEPARATOR, with_title
from tersely_eval.peers.baselines import (
    BASELINES,
    best_sentences,
    bm25,
    bm25_documents,
    bm25_sentences,
    full,
    sum_of_standardised,
    tail,
    truncation,
)
from tersely_eval.peers.selection import Selection

DOCUMENTS = [
    Document(title="Wind", text="Windmills turn in the wind. They have ground corn for centuries."),
    Document(text=" "),
    Document(title="The old mill", text="It was built in 1820. It was sold in October 2009. It is a museum now."),
    Document(title="Corn", text="Corn is ground to flour. Nobody sold any in 1820."),
]
QUESTION = "When was the old mill sold?"

WORDS = ["alpha", "Beta,", "1820", "October", "2009", "of", "the", "end.", "naïve", "日本語", "AB-1234-X"]
text = st.lists(st.sampled_from(WORDS) | st.text("ab1. \n", max_size=6), max_size=40).map(" ".join)
document = st.builds(Document, text=text, title=st.none() | st.sampled_from(["Title", "A longer title"]))
documents = st.lists(document, min_size=1, max_size=5).filter(
    lambda retrieved: any(entry.text.strip() for entry in retrieved)
)


def words(text: str) -> int:
    return len(text.split())


def no_fallback() -> TokenCounter:
    raise AssertionError("the encoding must be there")


COUNT = token_counter("o200k_base", no_fallback).count


def test_truncation_is_the_beginning_of_the_context() -> None:
    selection = truncation(DOCUMENTS, QUESTION, 16, words)
    assert selection.context == (
        "Wind\nWindmills turn in the wind. They have ground corn for centuries.\n\nThe old mill\nIt"
    )
    assert selection.kept == {0: [Span(0, len(DOCUMENTS[0].text))], 2: [Span(0, 2)]}


def test_truncation_never_skips_a_word_that_is_too_long() -> None:
    selection = truncation([Document(text="one veryverylong two")], QUESTION, 5, len)
    assert selection.context == "one"


def test_the_tail_is_the_end_of_the_context() -> None:
    selection = tail(DOCUMENTS, QUESTION, 16, words)
    assert selection.context == "The old mill\nmuseum now.\n\nCorn\nCorn is ground to flour. Nobody sold any in 1820."
    start = DOCUMENTS[2].text.index("museum")
    assert selection.kept == {2: [Span(start, len(DOCUMENTS[2].text))], 3: [Span(0, len(DOCUMENTS[3].text))]}


def test_a_title_counts_and_does_not_stand_alone() -> None:
    assert truncation(DOCUMENTS, QUESTION, 15, words).context.endswith("centuries.")
    assert truncation(DOCUMENTS, QUESTION, 1, words) == Selection("", {})


def test_bm25_documents_puts_the_best_first_and_cuts_the_last() -> None:
    selection = bm25_documents(DOCUMENTS, QUESTION, 23, words)
    assert selection.context == (
        "The old mill\nIt was built in 1820. It was sold in October 2009. It is a museum now.\n\nCorn\nCorn is ground"
    )
    assert set(selection.kept) == {2, 3}


def test_bm25_sentences_keeps_whole_sentences_with_their_title_in_the_order_of_the_text() -> None:
    selection = bm25_sentences(DOCUMENTS, QUESTION, 14, words)
    assert selection.context == "The old mill\nIt was built in 1820. It was sold in October 2009."
    few = bm25_sentences(DOCUMENTS, QUESTION, 9, words)
    assert few.context == "The old mill\nIt was sold in October 2009."


def test_bm25_takes_pairs_of_characters_for_words_where_a_script_has_no_spaces() -> None:
    texts = ["天气很好。", "磨坊于1820年建成。", "玉米磨成面粉。"]
    scores = bm25(texts, "磨坊何时建成？")
    assert scores[1] > 0 == scores[0] == scores[2]


def test_sentences_are_chosen_by_any_relevance() -> None:
    def longest(texts, question):
        return np.array([len(text) for text in texts])

    selection = best_sentences(longest, DOCUMENTS, QUESTION, 10, words)
    assert selection.context == "Wind\nThey have ground corn for centuries."


def test_a_sum_weighs_both_alike_whatever_their_scale() -> None:
    def first(texts, question):
        return np.array([0.0, 1.0, 2.0])

    def second(texts, question):
        return np.array([3000.0, 2000.0, 0.0])

    def constant(texts, question):
        return np.ones(3)

    both = sum_of_standardised(first, second)([""] * 3, "")
    assert int(both.argmax()) == 1
    alone = sum_of_standardised(first, constant)([""] * 3, "")
    assert np.argsort(alone).tolist() == [0, 1, 2]


compressing = pytest.mark.parametrize(
    "baseline", [choose for name, choose in BASELINES.items() if name != "full"], ids=lambda choose: choose.__name__
)


@pytest.mark.parametrize("question", ["?!", "is it the", "zebra"])
@compressing
def test_where_nothing_matches_documents_come_in_their_order(baseline, question) -> None:
    kept = set(baseline(DOCUMENTS, question, 14, words).kept)
    assert kept == ({3} if baseline is tail else {0})


@compressing
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents, st.sampled_from(["What is alpha?", "?", "October Beta"]), st.integers(1, 200))
def test_no_baseline_is_above_the_budget_and_spans_are_the_context(baseline, retrieved, question, target) -> None:
    selection = baseline(retrieved, question, target, COUNT)
    assert COUNT(selection.context) <= target
    rendered = {
        position: with_title(
            retrieved[position].title, "".join(retrieved[position].text[start:end] for start, end in spans)
        )
        for position, spans in selection.kept.items()
    }
    assert sorted(selection.context) == sorted(DOCUMENT_SEPARATOR.join(rendered.values()))
    assert all(text in selection.context for text in rendered.values())


@compressing
def test_what_fits_is_whole(baseline) -> None:
    selection = baseline(DOCUMENTS, QUESTION, 1000, words)
    assert selection.kept == {i: [Span(0, len(DOCUMENTS[i].text))] for i in (0, 2, 3)}


def test_no_compression_keeps_everything() -> None:
    documents = [Document(text="One. Two.", title="A"), Document(text="Three.")]
    selection = full(documents, "Which?", 1, len)
    assert selection.context == "A\nOne. Two.\n\nThree."
    assert selection.kept == {0: [Span(0, 9)], 1: [Span(0, 6)]}
