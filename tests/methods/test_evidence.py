"""The method `evidence`: whole units, what they stand under, and one phrase to fill the budget; in any language."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_profile import write

from conftest import FakeScorer, is_used_or_explained
from tersely import CompressionResult, CompressionSettings, Compressor, Document, InvalidInputError
from tersely.methods.evidence.fragments import _growing_phrase
from tersely.text.segmentation import SegmentedDocument, segment_documents
from tersely_eval.data.answers import answer_kept

QUESTION = "When was the mill sold, and for how much?"
MILL = (
    "The old mill on the river was built in 1820 by Jan Smit. In October 2009 the mill was sold for 1,850,000 euros. "
    "Its new owner turned the building into a museum. It is open daily but for Mondays."
)
OTHER = "Windmills turn when the wind blows. Water mills turn when water flows. Both have ground corn for centuries."
BAKERY = "A bakery across the street sold bread and cake. It closed long ago. Nobody knows why it did."
GUIDE = """# Guide

The mill was built in 1820. It stands on the river, which is wide there. Nobody knows who built it.

## Prices

| Year | Price in euros |
|------|----------------|
| 1820 | 1,850 |
| 2009 | 1,850,000 |

## Use

To open the door of the mill:

1. Turn the big wheel slowly.
2. Run:

   ```sh
   open --door
   ```

- Never stand behind it.
- Mind the gap!
"""


class Cut(NamedTuple):
    """A unit of which some words are kept and some are not."""

    text: str
    kept: int  # words
    runs: int


class Choice(NamedTuple):
    """What became of the units of a result."""

    whole: list[str]
    cut: list[Cut]
    dropped: list[str]


def shown(segmented: SegmentedDocument, words: range) -> str:
    return segmented.document.text[segmented.words[words.start].start : segmented.words[words.stop - 1].end]


def choice(result: CompressionResult) -> Choice:
    """Checks on the way that headings, table heads and the like stand wherever something under them stands."""
    found = Choice([], [], [])
    for one in result.documents:
        (segmented,) = segment_documents([(one.index, one.document)])
        kept = np.array(
            [any(start <= word.start and word.end <= end for start, end in one.kept) for word in segmented.words]
        )
        for unit in segmented.units:
            text, there = shown(segmented, unit.words), kept[unit.words.start : unit.words.stop]
            if there.any():
                assert all(kept[part.start : part.stop].all() for part in unit.context), (
                    f"without its context: {text!r}"
                )
            if there.all():
                found.whole.append(text)
            elif there.any():
                assert unit.divisible, f"kept in part: {text!r}"
                runs = int(np.count_nonzero(np.diff(np.concatenate([[0], there.astype(int)])) == 1))
                found.cut.append(Cut(text, int(there.sum()), runs))
            else:
                found.dropped.append(text)
    return found


def is_one_phrase(cut: list[Cut]) -> bool:
    return len(cut) <= 1 and all(one.runs == 1 for one in cut)


@pytest.fixture(params=["contrast", "heads"])
def compressor(request: pytest.FixtureRequest, fresh_home: Path) -> Compressor:
    """Without a profile of its own, and with one."""
    if request.param == "heads":
        write()
    return Compressor(FakeScorer(), tokenizer="o200k_base")


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
