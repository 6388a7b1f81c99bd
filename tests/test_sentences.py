"""Sentences with exact positions, whatever the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tersely.text.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith came at 10 a.m. on Monday.", "He left.", "Did he return?"],
        ["It cost $3.50 in the U.S. market.", "It sold well!"],
        ["北京是中国的首都。", "上海很大！", "真的吗？"],
        ["東京は日本の首都です。", "大阪は西にあります。"],
        ["هل هذا صحيح؟", "نعم."],
        ["“真的吗？”", "我不知道。", "“你好。”老师说。"],
        ["「行こう。」", "彼は歩き出した。", "「待って！」と叫んだ。"],
        ["Das war im 19. Jahrhundert und nicht am 2. Tag.", "Es waren 19.", "Danach kam nichts."],
        ["She is the one of 19.", "The others left."],
    ],
)
def test_splits(expected) -> None:
    joiner = "" if ord(expected[0][1]) > 0x3000 else " "
    assert sentences(joiner.join(expected)) == expected


def test_a_blank_line_ends_a_sentence_and_a_stray_quote_does_not_swallow_the_rest() -> None:
    assert sentences("A heading\n\nThe text.") == ["A heading", "The text."]
    long = "He is 6'2\" tall. " + "This is a sentence. " * 400
    assert len(sentences(long)) > 300


@given(st.text(max_size=400) | st.text(alphabet="aB1.!?。 \n\xa0\u3000\"'(", max_size=400))
def test_sentences_cover_the_text(text) -> None:
    found = split_sentences(text)
    assert "".join(text[start:end] for start, end in found) == text
    assert all(text[start:end].strip() for start, end in found[1:])


def test_linear_time() -> None:
    started = time.monotonic()
    for text in (
        "中" * 50_000,
        "«" * 50_000,
        "1. abc\n" * 20_000,
        "a" * 1_000_000,
        "“a. " * 20_000,
        "a " + "\n" * 300_000 + "b",
        "Hello there my friend. " * 80_000,
    ):
        split_sentences(text)
    assert time.monotonic() - started < 60
