"""The method `salience`: whole units without a question, by where they stand, what they add and what they cost."""

from __future__ import annotations

import json

import numpy as np
import pytest

from doubles import FakeScorer
from tersely import CompressionResult, Compressor, Document
from tersely.methods.salience import _best_first, _places
from tersely.text.segmentation import segment_documents

MILL = (
    "The old mill stands on the river. It was built in 1820 by Jan de Vries. Many people walk there on Sundays. "
    "It was sold in October 2009 for 1,850,000 euros. The garden is closed in winter."
)
BAKERY = (
    "The bakery opens at seven. Bread from rye costs four euros. Cakes are made on Fridays. The owner came from Ghent."
)
GUIDE = """# Guide

## Prices

| Year | Price |
|------|-------|
| 2008 | 1,700,000 |
| 2009 | 1,850,000 |

## Use

It is a museum now. Groups must call ahead.
"""


class SilentScorer(FakeScorer):
    """Fails if anything is asked of it."""

    def score(self, requests, progress=None):
        raise AssertionError("the model was asked")

    attend = chain = score


@pytest.fixture
def compressor() -> Compressor:
    return Compressor(SilentScorer(), tokenizer="o200k_base")


def only_whole_units(result: CompressionResult) -> bool:
    """Whether every unit of which a word is kept is whole and has its heads."""
    for document in result.documents:
        (segmented,) = segment_documents([(document.index, document.document)])
        there = np.array(
            [any(start <= word.start and word.end <= end for start, end in document.kept) for word in segmented.words]
        )
        for unit in segmented.units:
            if there[unit.words.start : unit.words.stop].any() and not all(
                there[part.start : part.stop].all() for part in (unit.words, *unit.context)
            ):
                return False
    return True


def test_is_what_is_done_where_there_is_no_question(compressor) -> None:
    result = compressor.compress([MILL, BAKERY], rate=0.5)
    assert result.method == "salience"
    assert result.context == compressor.compress([MILL, BAKERY], rate=0.5, method="salience").context


def test_neither_a_question_nor_the_model_is_looked_at(compressor) -> None:
    results = [
        compressor.compress([MILL, BAKERY], question, rate=0.5, method="salience")
        for question in (None, "When?", "Who?")
    ]
    assert len({result.context for result in results}) == 1
    assert all(result.model is None for result in results)


def test_nothing_is_read_ahead(compressor) -> None:
    compressor.index([MILL, BAKERY], method="salience")


@pytest.mark.parametrize("rate", [0.15, 0.3, 0.5, 0.8])
def test_only_whole_units_are_kept_and_each_with_its_heads(compressor, rate) -> None:
    result = compressor.compress([MILL, Document(text=GUIDE, title="Guide"), BAKERY], rate=rate)
    assert result.compressed_tokens <= result.target_tokens
    assert any(document.kept for document in result.documents) and only_whole_units(result)


def test_documents_stay_in_their_order(compressor) -> None:
    result = compressor.compress([BAKERY, MILL, GUIDE], rate=0.6)
    there = [document.index for document in result.documents if document.kept]
    assert there == sorted(there) and len(there) > 1


def test_the_first_sentence_of_every_document_comes_first(compressor) -> None:
    context = compressor.compress([MILL, BAKERY], rate=0.3).context
    assert "The old mill stands on the river." in context and "The bakery opens at seven." in context


def test_a_sentence_that_repeats_what_was_said_comes_after_one_that_adds_something(compressor) -> None:
    repeats = "The mill was sold to a baker in Ghent. The baker in Ghent was sold the mill. It has nine red windows."
    context = compressor.compress([repeats], rate=0.75).context
    assert context == "The mill was sold to a baker in Ghent. It has nine red windows."


def test_turns_that_say_nothing_come_last(compressor) -> None:
    turns = [
        "The batteries last nine months.",
        "The case is of rubber.",
        "Buttons glow in the dark.",
        "Sales start in June.",
    ]
    context = compressor.compress(["\n".join(f"Ann: {turn}\nBen: Yeah." for turn in turns)], rate=0.8).context
    assert all(turn in context for turn in turns) and context.count("Yeah") < len(turns)


def test_the_first_sentence_of_a_paragraph_comes_before_the_last_of_another() -> None:
    text = "First of one. Second of one. Third of one.\n\nFirst of two. Second of two.\n\n# Head\n\nFirst of three."
    (segmented,) = segment_documents([(0, Document(text=text))])
    assert _places(segmented) == [0, 1, 2, 1, 2, 2]


def test_what_a_unit_adds_is_told_anew_after_each_choice() -> None:
    order = _best_first(np.log([0.5, 0.45, 0.3]), [{"mill", "river"}, {"mill", "river"}, {"bread", "rye"}])
    assert [unit for unit, _ in order] == [0, 2, 1]
    worth = [worth for _, worth in order]
    assert worth == sorted(worth, reverse=True)


@pytest.mark.parametrize(
    "documents",
    [
        ["One sentence of some words and no more."],
        ["word"],
        ["a" * 500],
        ["word " * 800],
        ["!!! ??? ... --- !!!", "*** ### @@@"],
        ["😀 😀 😀 🎉 🎉", "1820 2009 1,850,000"],
        [Document(text="!!!", title="The mill"), MILL],
        [MILL, MILL, MILL],
        ["# Only\n\n## Headings\n\n### Here"],
        ["图书馆收藏了二十三万本书。这座楼最早是一家纺织厂。一楼的咖啡馆卖茶和点心。"],
        ["بنى القلعة السلطان سليم لحماية الميناء. يزورها السياح في فصل الصيف."],
    ],
)
def test_odd_documents(compressor, documents) -> None:
    for rate in (0.1, 0.5, 0.9):
        result = compressor.compress(documents, rate=rate)
        assert result.compressed_tokens <= result.target_tokens and only_whole_units(result)
        assert all(document.relevance is None or np.isfinite(document.relevance) for document in result.documents)


def test_records_stay_whole(compressor) -> None:
    records = [{"id": number, "name": f"Part {number}", "stock": 7 * number} for number in range(12)]
    for text in (json.dumps(records), json.dumps(records, indent=2), "\n".join(map(json.dumps, records))):
        result = compressor.compress([text], rate=0.5)
        assert '"name": "Part 0"' in result.context and only_whole_units(result)


def test_sentences_of_chinese_are_chosen_whole(compressor) -> None:
    sentences = ["图书馆收藏了二十三万本书。", "图书馆收藏了二十三万本书，很多。", "一楼的咖啡馆卖茶和点心。"]
    context = compressor.compress(["".join(sentences)], rate=0.7).context
    assert context == sentences[0] + sentences[2]
