"""The method on real questions, in several languages, and what it costs the model."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import numpy as np
import pytest
from evidence_texts import GUIDE, MILL, OTHER, QUESTION, choice, compressor, is_one_phrase
from test_profile import write

from doubles import FakeScorer
from tersely import CompressionResult, Compressor
from tersely_eval.data import answer_kept

LANGUAGES = {
    "Chinese": (
        "图书馆收藏了多少本书？",
        [
            "市立图书馆位于河边的一座红砖楼里。",
            "这座楼最早是一家纺织厂。",
            "图书馆现在收藏了二十三万本书和许多古老的地图。",
            "周末常有家长带着孩子来听故事。",
            "一楼的咖啡馆卖茶和点心。",
            "附近有一个小公园，可以散步。",
        ],
        "二十三万本",
    ),
    "Japanese": (
        "この橋は何年に完成しましたか？",
        [
            "川の上に古い石の橋がかかっている。",
            "橋の近くには茶店が三軒ある。",
            "この橋は1874年に完成しました。",
            "春になると桜を見に人が集まる。",
            "冬は雪で道がすべりやすい。",
            "子どもたちは夏に川で泳ぐ。",
        ],
        "1874年",
    ),
    "Arabic": (
        "من بنى القلعة؟",
        [
            "تقع المدينة على شاطئ البحر بين جبلين.",
            "يعمل معظم أهلها في صيد السمك.",
            "بنى القلعة السلطان سليم لحماية الميناء.",
            "في السوق تباع الفواكه والتوابل كل صباح.",
            "يزورها السياح في فصل الصيف.",
        ],
        "السلطان سليم",
    ),
    "German": (
        "Wie hoch ist der Turm der Kirche?",
        [
            "Das Dorf liegt in einem engen Tal am Rand der Alpen.",
            "Im Winter fährt nur ein Bus am Tag dorthin.",
            "Der Turm der Kirche ist 67 Meter hoch und aus hellem Sandstein.",
            "Auf dem Markt gibt es Käse, Brot und Honig.",
            "Viele junge Leute sind in die Stadt gezogen.",
            "Abends hört man die Kühe auf den Wiesen.",
        ],
        "67 Meter",
    ),
}


@pytest.mark.model
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_that_answers_is_kept_whole_in_any_language(real_compressor, language) -> None:
    question, sentences, answer = LANGUAGES[language]
    joiner = "" if language in ("Chinese", "Japanese") else " "
    result = real_compressor.compress([joiner.join(sentences)], question, rate=0.4)
    found = choice(result)
    (answering,) = [sentence for sentence in sentences if answer in sentence]
    assert answering in found.whole
    assert set(found.whole) <= set(sentences) and is_one_phrase(found.cut)


@pytest.mark.model
def test_answers_survive_and_more_of_them_than_with_longllmlingua(real_compressor, hotpot, natural_questions) -> None:
    rows = [row for row in [*hotpot, *natural_questions] if not {"yes", "no"} & set(map(str.lower, row["answers"]))]
    assert len(rows) >= 5

    def compressed(method: str, rate: float) -> list[CompressionResult]:
        return [real_compressor.compress(row["documents"], row["question"], rate=rate, method=method) for row in rows]

    def answers(results: list[CompressionResult]) -> int:
        return sum(answer_kept(result.context, row["answers"]) for result, row in zip(results, rows, strict=True))

    def support(results: list[CompressionResult]) -> float:
        shares = []
        for result, row in zip(results, rows, strict=True):
            texts = {one.index: one.text for one in result.documents}
            shares += [one["text"].strip() in texts[one["document"]] for one in row.get("support", [])]
        return float(np.mean(shares))

    assert answers(compressed("evidence", 0.5)) >= len(rows) - 1
    ours, theirs = compressed("evidence", 0.25), compressed("longllmlingua", 0.25)
    assert answers(ours) >= answers(theirs)
    assert support(ours) > support(theirs)


@pytest.mark.model
def test_the_documents_with_the_evidence_come_first(real_compressor, hotpot, natural_questions) -> None:
    found = []
    for row in [*hotpot, *natural_questions]:
        result = real_compressor.compress(row["documents"], row["question"], rate=0.25)
        found += [one.index in row["gold"] for one in result.documents[:4]]
    assert sum(found) >= 0.8 * sum(len(row["gold"]) for row in [*hotpot, *natural_questions])


@pytest.mark.model
def test_a_real_budget_keeps_whole_units(real_compressor, hotpot, natural_questions) -> None:
    for row in (hotpot[0], natural_questions[0]):
        for rate in (0.5, 0.25, 0.125):
            result = real_compressor.compress(row["documents"], row["question"], rate=rate)
            found = choice(result)
            assert found.whole and len(found.cut) <= 2 and all(one.runs == 1 for one in found.cut)


def test_documents_are_shallow_where_heads_are_known(fresh_home) -> None:
    asked: list[bool] = []

    class Recording(FakeScorer):
        def attend(self, requests, heads, progress=None):
            asked.extend(request.shallow for request in requests)
            return super().attend(requests, heads, progress)

        def prepare(self, requests, progress=None):
            asked.extend(request.shallow for request in requests)

    write()
    compressor = Compressor(Recording())
    compressor.index([GUIDE])
    compressor.compress([GUIDE, MILL], QUESTION, rate=0.3)
    assert asked == [True] * 3


def test_what_was_said_already_comes_last(compressor) -> None:
    result = compressor.compress([MILL, MILL, MILL], QUESTION, rate=0.3)
    sentences = [line for one in result.documents if one.kept for line in one.text.split(". ")]
    assert len(sentences) == len(set(sentences)), "no sentence twice"


def test_a_long_question_is_not_read_again_and_again(fresh_home) -> None:
    write()
    read: list[int] = []

    class Recording(FakeScorer):
        def attend(self, requests, heads, **options):
            read.extend(len(request.tokens) for request in requests)
            return super().attend(requests, heads, **options)

    Compressor(Recording()).compress([MILL, OTHER], f"{'Tell me this. ' * 500} {QUESTION}", rate=0.5)
    assert max(read) <= 128
