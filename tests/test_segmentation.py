"""Words, sentences and what must never be cut."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_grows_with_the_text
from tersely import Document, InvalidInputError, Span
from tersely.text import segmentation
from tersely.text.segmentation import segment_documents
from tersely.text.words import split_words


def words(text: str) -> list[str]:
    return [text[word.start : word.end] for word in split_words(text)]


@pytest.mark.parametrize(
    "whole",
    [
        "word",
        "naïve",
        "don't",
        "1820",
        "1,850.75",
        "-3.5e-7",
        "2009-10-12",
        "12/10/2009",
        "October 2009",
        "October 12, 2009",
        "12 October 2009",
        "12th of October 2009",
        "3. Oktober 2009",
        "3 de octubre de 2009",
        "Oct. 26",
        "26 November",
        "10:30 pm",
        "$1,820.50",
        "$ 5 million",
        "€3.2 bn",
        "5 million dollars",
        "20 %",
        "1 820 000",
        "10 km",
        "21 °C",
        "+1 (555) 123-4567",
        "https://example.org/a?b=c&d=(e),f;g#h-and-a-tail-that-makes-it-long",
        "www.example.org/path",
        "first.last+tag@mail.example.org",
        "AB-1234-X",
        "B/AB-1234/X_9",
        "550e8400-e29b-41d4-a716-446655440000",
        "/usr/local/lib/python3.11/site-packages/some_package/module.py:120",
        "`pip install --no-deps tersely`",
        "foo.bar(baz)",
        "京A12345",
        "2009年10月12日",
        "10月12日",
        "``a ` b``",
        "state-of-the-art",
    ],
)
def test_is_one_word(whole) -> None:
    assert any(whole in word for word in words(f"It says {whole}, so there.")), words(f"It says {whole}, so there.")
    assert whole in words(whole)[0]


def test_reference_issues_93_and_213_numbers_and_plates_are_whole() -> None:
    text = "Built in 1820 for 1850 guilders, sold in October 2009 with plates AB-1234-X."
    assert {"1820", "1850", "AB-1234-X."} <= {piece for word in words(text) for piece in word.split()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("东京是日本的首都。", ["东", "京", "是", "日", "本", "的", "首", "都。"]),
        ("東京は日本の首都です。", ["東京は", "日本の", "首都です。"]),
        ("データベースを使う", ["データベース", "を", "使う"]),
        ("使用Python3编程", ["使", "用", "Python3编", "程"]),
        ("هذا نص عربي.", ["هذا", "نص", "عربي."]),
        ("ภาษาไทย ไม่มีช่องว่าง", ["ภาษาไทย", "ไม่มีช่องว่าง"]),
        ("한국어 문장입니다.", ["한국어", "문장입니다."]),
        ("before—after", ["before—", "after"]),
    ],
)
def test_words_of_other_scripts(text, expected) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Revenue(2009)=1,820,500;Costs(2009)=1,350,200;Margin(2009)=470,300",
        '{"name":"Acme","revenue":"1,820,500","employees":"12,400","founded":"1850"}',
        "|Revenue|1,820,500|Costs|1,350,200|Margin|470,300|Total|12,400,000|",
    ],
)
def test_numbers_in_a_long_chain_of_separators_are_whole(text) -> None:
    for number in re.findall(r"\d+(?:,\d+)*", text):
        assert any(number in word for word in words(text))


def test_marks_and_joined_emoji_stay_with_their_characters() -> None:
    assert words("kaか\u3099くせい") == ["kaか\u3099", "くせい"]
    assert any("👨\u200d👩\u200d👧" in word for word in words("我爱👨\u200d👩\u200d👧家"))


def test_a_slow_machine_does_not_make_a_pattern_hostile(monkeypatch) -> None:
    """Only the search for matches counts, not what else is done to the documents meanwhile."""
    monkeypatch.setattr(segmentation, "_PATTERN_SECONDS", 0.3)
    documents = [(i, Document(text="Some words, one after the other. " * 40)) for i in range(300)]
    assert len(segment_documents(documents, [r"\b[A-Z]\w*\d\b"])) == 300


def test_a_long_chain_of_separators_is_split_after_them() -> None:
    text = '{"name":"value","list":[1,2,3],"inner":{"flag":true},"last":"end of it all"}'
    assert "".join(words(text)) == text.replace(" ", "")
    assert max(map(len, words(text))) < 30


@given(st.text(max_size=300))
def test_words_cover_all_but_white_space_and_do_not_overlap(text) -> None:
    end = 0
    for word in split_words(text):
        assert word.start < word.end and not text[end : word.start].strip()
        assert word.start >= end
        end = word.end
    assert not text[end:].strip()


@given(st.text(alphabet="ab1 中ひカー,.—(\n", max_size=60))
def test_dropping_words_never_joins_two_of_them_to_a_new_one(text) -> None:
    found = split_words(text)
    for left, right in pairwise(found):
        if left.end == right.start:
            before, after = text[left.end - 1], text[right.start]
            joins = before.isascii() and before.isalnum() and after.isascii() and after.isalnum()
            assert not joins
            # Whatever ends without white space after it must not end in a letter or digit that could meet another.
            assert not (before.isascii() and before.isalnum()), (text, words(text))


def protected(text: str, *patterns: str, **fields) -> list[str]:
    (segmented,) = segment_documents([(0, Document(text=text, **fields))], patterns)
    return [text[word.start : word.end] for word in segmented.words if word.protected]


def test_what_must_survive() -> None:
    text = "Call Jane Doe at noon. Never share it. Not ever."
    assert protected(text) == []
    assert protected(text, r"Jane \w+") == ["Jane Doe"]
    assert protected(text, r"(?i)NEVER", r"\bnoon\b") == ["noon.", "Never"]
    assert protected(text, keep_passages=("share it",)) == ["share it."]
    assert protected(text, keep_passages=(Span(0, 4), "ever")) == ["Call", "Never", "ever."]
    assert protected("  spaces around\n", keep=True) == ["  spaces around\n"]


def test_a_hostile_pattern_is_stopped() -> None:
    with pytest.raises(InvalidInputError, match=r"still searching"):
        protected("a" * 60 + "!" * 3, r"(a|aa)+$")


def test_a_megabyte_in_one_line_is_cut_in_linear_time() -> None:
    for text in ("word " * 200_000, "a" * 1_000_000, "(" * 1_000_000, "1 " * 50_000, "`" * 50_000, "$ " * 50_000,
                 "a@" * 40_000, "." * 1_000_000, "中" * 30_000, "1,2;" * 25_000):  # fmt: skip
        assert_grows_with_the_text(lambda part: segment_documents([(0, Document(text=part))]), text)
