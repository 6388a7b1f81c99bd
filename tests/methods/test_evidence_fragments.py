"""Fragments, where a caller allows them: one phrase, marked, never of a sentence with a qualifier."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import threading

import numpy as np
import pytest
from evidence_texts import BAKERY, GUIDE, MILL, OTHER, QUESTION, choice, compressor
from hypothesis import given
from hypothesis import strategies as st

from tersely import CompressionResult, CompressionSettings, Document
from tersely.methods.evidence.fragments import _growing_phrase


def test_a_fragment_is_one_phrase_with_a_mark_at_each_cut(compressor) -> None:
    text = "The mill on the river was sold in October 2009 to a man from the city who lived there with his dog"
    result = compressor.compress([text], QUESTION, settings=CompressionSettings(rate=0.6, fragments=True))
    (cut,) = choice(result).cut
    assert cut.runs == 1, "a small budget had better not be used up than leave a hole in a phrase"
    assert result.context.endswith(" [...]") and result.compressed_tokens >= 0.7 * result.target_tokens
    assert result.compressed_tokens == compressor.tokenizer.count(result.context)


@pytest.mark.parametrize(
    "qualifier", ["never", "not", "unless it rained", "only", "until May", "if asked", "except May"]
)
def test_a_sentence_with_a_qualifier_is_never_cut(compressor, qualifier) -> None:
    text = (
        f"The mill on the river was {qualifier} sold in October 2009 to a man from the city who lived there with a dog"
    )
    for rate in (0.3, 0.5, 0.7, 0.9):
        result = compressor.compress([text], QUESTION, settings=CompressionSettings(rate=rate, fragments=True))
        assert result.context == ""
        assert result.smallest_useful_budget == result.original_tokens
        assert f"needs a budget of {result.original_tokens} tokens" in result.notes[0]


def test_protected_words_stay_and_the_rest_is_chosen_as_ever(compressor) -> None:
    result = compressor.compress([MILL, BAKERY], QUESTION, rate=0.5, protect=["Mondays", r"closed long"])
    assert "Mondays" in result.context and "closed long" in result.context
    assert result.compressed_tokens <= result.target_tokens


def test_the_same_twice_and_from_threads(tiny_compressor, compressor) -> None:
    documents = [MILL, Document(text=GUIDE, title="Guide"), OTHER, BAKERY]
    for one in (compressor, tiny_compressor):
        expected = one.compress(documents, QUESTION, rate=0.4)
        found: list[CompressionResult] = []
        threads = [
            threading.Thread(
                target=lambda one=one, found=found: found.append(one.compress(documents, QUESTION, rate=0.4))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        for result in found:
            assert result.model_dump(exclude={"seconds"}) == expected.model_dump(exclude={"seconds"})


def grown(worth, clauses=()):
    begins = np.zeros(len(worth), dtype=bool)
    begins[[0, *clauses]] = True
    return _growing_phrase(np.array(worth), begins)


def test_a_phrase_begins_with_its_unit_where_the_best_word_is_near() -> None:
    assert grown([1.0]) == [0]
    assert grown([0.0, 3.0, 1.0, 9.0, 2.0], clauses=[2]) == [0, 1, 2, 3, 4]


def test_a_phrase_begins_with_a_clause_where_the_best_word_is_far() -> None:
    worth = [0.0] * 20 + [9.0, 0.0]
    assert grown(worth, clauses=[5, 15, 18])[:6] == [15, 16, 17, 18, 19, 20]
    assert grown(worth, clauses=[5])[:2] == [20, 21], "a long clause does not keep it from its best word"


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=1, max_size=30))
def test_the_first_words_of_a_phrase_always_stand_side_by_side(words) -> None:
    worth, begins = map(list, zip(*words, strict=True))
    phrase = grown(worth, np.flatnonzero(begins))
    assert sorted(phrase) == list(range(len(worth)))
    for number in range(1, len(phrase) + 1):
        assert max(phrase[:number]) - min(phrase[:number]) == number - 1


def test_the_words_that_fill_a_budget_begin_a_clause(fake_compressor) -> None:
    text = (
        "Through all those long and quiet years the mill stood by the river, and nobody had lived in it since the war, "
        "which nobody there remembers now."
    )
    text = text.replace("nobody had lived in it", "all had left it").replace("nobody there", "everybody there")
    for target in range(6, 27):
        settings = CompressionSettings(target_tokens=target, fragments=True)
        context = fake_compressor.compress([text], QUESTION, settings=settings).context.removeprefix("[...] ")
        assert context == "" or context.startswith(("Through all", "and all", "which everybody")), context
