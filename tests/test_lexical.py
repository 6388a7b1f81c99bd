"""What texts have in common in words: which words count, BM25 by its formula, and titles that are named."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tersely.text.lexical import LexicalIndex, content_words, word_parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The mills were BUILT by the builders.", ["mill", "built", "builder"]),
        ("Straße, naïve, café", ["strass", "naïv", "café"]),
        ("in 1820, for $1,850.50", ["1820", "1", "850", "50"]),
        ("AB-1234-X and snake_case", ["ab", "1234", "x", "snake_cas"]),
        ("東京大学", ["東京", "京大", "大学"]),
        ("東", ["東"]),
        ("図書館は2009年にABCと", ["図書", "書館", "館は", "2009", "年に", "abc", "と"]),
        ("тихий Дон", ["тихий", "дон"]),
        ("", []),
        ("the of and ?!…", []),
    ],
)
def test_content_words(text, expected) -> None:
    assert content_words(text) == expected


@pytest.mark.parametrize("text", ["المكتبة المدينة", "हिन्दी भाषा", "Ελληνική γλώσσα"])
def test_words_of_other_scripts_stay_whole(text) -> None:
    assert content_words(text) == text.casefold().split()


@given(st.text(max_size=80))
def test_any_text_has_content_words_of_its_own_case_and_order(text) -> None:
    words = content_words(text)
    assert all(word and word == word.casefold() for word in words)
    assert content_words(f"{text} \n") == words == content_words(text)


def test_threads_stem_alike() -> None:
    text = " ".join(f"running{i} houses{i} nationalities{i}" for i in range(200))
    expected, found = content_words(text), []
    threads = [threading.Thread(target=lambda: found.append(content_words(text))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def naive_bm25(texts: list[list[str]], words: set[str]) -> list[float]:
    """The formula of Lucene with k1 = 1.5 and b = 0.75."""
    mean = sum(map(len, texts)) / len(texts)
    scores = []
    for text in texts:
        score = 0.0
        for word in words:
            number = sum(word in other for other in texts)
            rarity = math.log(1 + (len(texts) - number + 0.5) / (number + 0.5))
            score += rarity * text.count(word) / (text.count(word) + 1.5 * (0.25 + 0.75 * len(text) / mean))
        scores.append(score)
    return scores


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=8), min_size=1, max_size=8).filter(any),
    st.sets(st.sampled_from("abcdxyz")),
)
def test_scores_are_bm25(texts, words) -> None:
    found = LexicalIndex(texts).scores(words)
    assert found.dtype == np.float32 and found.shape == (len(texts),) and (found >= 0).all()
    np.testing.assert_allclose(found, naive_bm25(texts, words), atol=1e-5)


@pytest.mark.parametrize("texts", [[[]], [[], []], [["mill"], []]])
def test_texts_and_questions_without_words_have_scores_of_0(texts) -> None:
    for words in (set(), {"zebra"}):
        assert LexicalIndex(texts).scores(words).tolist() == [0.0] * len(texts)


def test_a_longer_text_is_worth_less_and_a_rare_word_more() -> None:
    index = LexicalIndex([["mill", "old"], ["mill", "old", "and", "grey", "and", "far"], ["river", "far"], ["far"]])
    mill, river = index.scores({"mill"}), index.scores({"river"})
    assert mill[0] > mill[1] > mill[2] == mill[3] == 0
    assert river[2] > mill[0]


class TestNamedShare:
    INDEX = LexicalIndex([["jan", "smit"], ["jan", "mill"], ["jan", "river"], ["mill"]])

    def test_is_from_0_to_1(self) -> None:
        assert self.INDEX.named_share(["jan", "smit"], {"jan", "smit", "other"}) == pytest.approx(1)
        assert self.INDEX.named_share(["jan", "smit"], {"other"}) == 0
        assert self.INDEX.named_share(["jan", "smit"], set()) == 0
        assert self.INDEX.named_share([], {"jan"}) == 0
        assert self.INDEX.named_share(["nowhere"], {"nowhere"}) == pytest.approx(1), "a word of no text is a word"

    def test_a_rare_word_of_the_title_counts_more(self) -> None:
        rare, common = (self.INDEX.named_share(["jan", "smit"], {word}) for word in ("smit", "jan"))
        assert rare > 0.5 > common > 0
        assert rare + common == pytest.approx(1)

    def test_a_word_that_stands_twice_counts_once(self) -> None:
        twice = self.INDEX.named_share(["jan", "jan", "smit"], {"jan"})
        assert twice == pytest.approx(self.INDEX.named_share(["jan", "smit"], {"jan"}))


def test_a_long_vowel_does_not_part_a_katakana_word() -> None:
    assert content_words("コーヒー") == ["コー", "ーヒ", "ヒー"]


def test_the_same_letters_in_other_codes_are_the_same_words() -> None:
    assert content_words("cafe\u0301 １８２０") == content_words("café 1820")


def test_parts_of_a_word_are_three_characters_with_its_ends_marked() -> None:
    assert word_parts(["haus", "a"]) == ["<ha", "hau", "aus", "us>", "<a>"]


def test_words_of_a_script_without_spaces_have_no_parts() -> None:
    assert word_parts(content_words("磨坊何时出售")) == content_words("磨坊何时出售")
