"""What holds for every input: hypothesis looks for the one for which it does not."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import is_used_or_explained
from doubles import FakeScorer
from tersely import CompressionResult, Compressor, Document, ProtectedTextError
from tersely.budget.rendering import DOCUMENT_SEPARATOR, with_title
from tersely.methods import methods_of

WORDS = [
    "alpha",
    "Beta,",
    "1820",
    "October",
    "2009",
    "AB-1234-X",
    "of",
    "the",
    "(see",
    "below).",
    "naïve",
    "日本語",
    "$5",
]
text = st.lists(st.sampled_from(WORDS) | st.text("ab1. \n", max_size=6), max_size=60).map(" ".join)
document = st.builds(Document, text=text, title=st.none() | st.sampled_from(["Title", "A longer title"]))
documents = st.lists(document, min_size=1, max_size=6).filter(lambda found: any(one.text.strip() for one in found))
method = st.sampled_from(methods_of(FakeScorer()))
order = st.sampled_from(["original", "best_first", "best_at_both_ends"])
budget = st.fixed_dictionaries({"rate": st.floats(0.01, 1.0)}) | st.fixed_dictionaries(
    {"target_tokens": st.integers(1, 300)}
)
COMPRESSOR = Compressor(FakeScorer(), tokenizer="o200k_base")
anything = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def compress(found, **arguments) -> CompressionResult:
    return COMPRESSOR.compress(found, "What is alpha?", **arguments)


@anything
@given(documents, method, order, budget)
def test_the_budget_is_never_exceeded_and_the_counts_are_true(found, method, order, budget) -> None:
    result = compress(found, method=method, order=order, **budget)
    count = COMPRESSOR.tokenizer.count
    assert result.compressed_tokens == count(result.context) <= result.target_tokens
    if "target_tokens" in budget:
        assert result.target_tokens == budget["target_tokens"]
    for one in result.documents:
        expected = count(with_title(one.document.title, one.text)) if one.kept else 0
        assert one.compressed_tokens == expected


@anything
@given(documents, method, budget)
def test_output_is_the_kept_spans_of_the_input(found, method, budget) -> None:
    result = compress(found, method=method, **budget)
    for one in result.documents:
        original = one.document.text
        assert one.document == found[one.index]
        assert one.text == "".join(original[start:end] for start, end in one.kept)
        edges = [edge for span in one.kept for edge in span]
        assert edges == sorted(set(edges)), "in order, none empty, none touching"
        assert sum(end - start for start, end in [*one.kept, *one.dropped]) == len(original)
    there = [with_title(one.document.title, one.text) for one in result.documents if one.kept]
    assert result.context == DOCUMENT_SEPARATOR.join(there)
    assert {one.index for one in result.documents} | {one.index for one in result.skipped} == set(range(len(found)))


@anything
@given(documents, method, budget)
def test_no_word_is_cut_and_none_is_made(found, method, budget) -> None:
    result = compress(found, method=method, **budget)
    for one in result.documents:
        # Japanese is written without spaces: a character of it is a word.
        whole = set(re.findall(r"[^\W日本語]+(?:[-.,][^\W日本語]+)*|[日本語]", one.document.text))
        for word in re.findall(r"[^\W日本語]+(?:[-.,][^\W日本語]+)*|[日本語]", one.text):
            assert word in whole
        assert not re.search(r"October(?! 2009)", one.text) or re.search(r"October(?! 2009)", one.document.text)


@anything
@given(documents, method, order, budget)
def test_order_is_as_asked(found, method, order, budget) -> None:
    result = compress(found, method=method, order=order, **budget)
    there = [one for one in result.documents if one.kept]
    if order == "original":
        assert [one.index for one in there] == sorted(one.index for one in there)
    if order == "best_first":
        relevance = [one.relevance for one in there]
        assert relevance == sorted(relevance, reverse=True)


@anything
@given(documents, method, budget)
def test_same_input_same_output(found, method, budget) -> None:
    first, second = (compress(found, method=method, **budget) for _ in range(2))
    assert first.model_dump(exclude={"seconds"}) == second.model_dump(exclude={"seconds"})


@anything
@given(documents, method, budget)
def test_protected_text_survives_byte_for_byte_or_the_error_says_by_how_much(found, method, budget) -> None:
    found = [
        *found,
        Document(text="never kept otherwise  KEEP\tme  and KEEP us ."),
        Document(text=" all of\nit ", keep=True),
    ]
    try:
        result = compress(found, method=method, protect=[r"KEEP\s+\w+", r"1820"], **budget)
    except ProtectedTextError as error:
        assert error.needed > error.target
        assert str(error.needed - error.target) in str(error)
        return
    for one in result.documents:
        for phrase in re.findall(r"KEEP\s+\w+|1820", one.document.text):
            assert phrase in one.text
        if one.document.keep:
            assert one.text == one.document.text


@anything
@given(documents)
def test_what_fits_comes_back_as_it_was(found) -> None:
    result = compress(found, rate=1.0, method="llmlingua")
    assert [one.text for one in result.documents] == [one.text for one in found if one.text.strip()]
    assert result.compressed_tokens == result.original_tokens and result.rate == 1.0
    assert result.model is None, "nothing had to be scored"


@anything
@given(documents, budget)
def test_json_both_ways(found, budget) -> None:
    result = compress(found, **budget)
    assert CompressionResult.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize("method", methods_of(FakeScorer()))
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_nearly_all_of_a_budget_is_used_or_the_result_says_why_not(method, rate) -> None:
    found = [
        f"Document {i} tells of {' '.join(f'word{j} and' for j in range(i, 3 * i))} the end." for i in range(5, 40)
    ]
    result = compress(found, method=method, rate=rate)
    assert is_used_or_explained(result)
