"""Which words of a source the words of a text are, where that is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tersely_eval.measure.alignment import Source, spoken_words


def align(text: str, *units: str) -> list[int]:
    """Places of the text's words in the source of these units."""
    words = [unit.split() for unit in units]
    numbers = [number for number, unit in enumerate(words) for _ in unit]
    source = Source([word for unit in words for word in unit], np.array(numbers, dtype=int))
    return source.align(text.split()).tolist()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's 1,850 km.", ["it", "s", "1", "850", "km"]),
        ("snake_case — ÉCOLE", ["snake", "case", "école"]),
        ("NBA球队2009年", ["nba", "球", "队", "2009", "年"]),
        ("हिन्दी", ["हिन्दी"]),
        ("... — !", []),
        ("", []),
    ],
)
def test_words_are_letters_and_digits(text, words) -> None:
    assert [spoken.word for spoken in spoken_words(text)] == words


def test_where_a_word_begins() -> None:
    assert [spoken.start for spoken in spoken_words(" (a) bc\n日本")] == [2, 5, 8, 9]


def test_words_that_were_left_out_and_words_of_its_own() -> None:
    assert align("b x d", "a b c", "d e") == [1, -1, 3]
    assert align("", "a b") == []
    assert align("x y", "a b") == [-1, -1]
    assert align("a b", "") == [-1, -1]


def test_of_several_places_it_is_the_one_that_goes_on() -> None:
    assert align("the mill turns", "the wind", "the mill turns", "the end") == [2, 3, 4]
    assert align("the mill", "the wind the mill", "a mill") == [2, 3]


def test_units_that_begin_alike_are_told_apart() -> None:
    assert align("he slept he was old he was rich", "he slept", "he ate", "he was old", "he ran", "he was rich") == [
        *(0, 1),
        *(4, 5, 6),
        *(9, 10, 11),
    ]


def test_another_order() -> None:
    assert align("d e f a b c", "a b c", "d e f") == [3, 4, 5, 0, 1, 2]


def test_what_was_said_twice_is_the_same() -> None:
    assert align("a b c a b c", "a b c", "d") == [0, 1, 2, 0, 1, 2]


def test_a_word_with_more_places_than_are_looked_at() -> None:
    units = ["a b"] * 3000 + ["c a d"]
    assert align("c a d", *units) == [6000, 6001, 6002]
    aligned = align("a " * 2000, *units)
    assert len(aligned) == 2000 and min(aligned) >= 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=6), st.lists(st.sampled_from("abcd")))
def test_a_word_is_aligned_with_its_like_and_with_nothing_where_there_is_none(units, text) -> None:
    source = [word for unit in units for word in unit]
    aligned = align(" ".join(text), *map(" ".join, units))
    assert len(aligned) == len(text)
    for word, place in zip(text, aligned, strict=True):
        assert source[place] == word if place >= 0 else word not in source
