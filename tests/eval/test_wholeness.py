"""Contexts made by hand of which it is known what is whole, what is cut, and what misses something."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import DATA
from tersely import Compressor, Span
from tersely_eval.data.datasets import Question, read_questions
from tersely_eval.measure.wholeness import Wholeness, wholeness
from tersely_eval.peers.baselines import bm25_documents, bm25_sentences, full, truncation
from tersely_eval.peers.selection import Selection

FIRST = "The old mill was built in 1820 by Anna Sand."
SECOND = "It was sold in October 2009 to the town."
THIRD = "It is a museum now."
PROSE = f"{FIRST} {SECOND} {THIRD}"
TABLE = "# Mills\n\nThose that turn:\n\n| mill | built |\n| --- | --- |\n| Old Mill | 1820 |\n| New Mill | 1931 |\n"
# A short table is one unit.
TABLE += "".join(f"| Mill {number} | {1700 + number} |\n" for number in range(20))


def ask(*texts: str) -> Question:
    return Question(id="1", question="When?", documents=tuple({"title": "A mill", "text": text} for text in texts))


def of_text(context: str, *texts: str) -> tuple[int, int, int]:
    return tuple(wholeness(ask(*(texts or (PROSE,))), Selection(context, None)))


def of_parts(text: str, *parts: str) -> tuple[int, int, int]:
    """What becomes of a text of which these parts are kept."""
    spans = [Span(text.index(part), text.index(part) + len(part)) for part in parts]
    return tuple(wholeness(ask(text), Selection("", {0: spans} if spans else {})))


class TestWhereTheCharactersAreKnown:
    def test_whole_and_cut(self) -> None:
        assert of_parts(PROSE, PROSE) == (3, 0, 0)
        assert of_parts(PROSE, FIRST, SECOND) == (2, 0, 0)
        assert of_parts(PROSE, FIRST, "It was sold") == (1, 1, 0)
        assert of_parts(PROSE) == (0, 0, 0)

    def test_a_word_is_enough_to_be_cut_and_a_word_less_than_all(self) -> None:
        assert of_parts(PROSE, "sold") == (0, 1, 0)
        assert of_parts(PROSE, "The old", "was built in 1820 by Anna Sand.") == (0, 1, 0)
        assert of_parts(PROSE, FIRST[:-1]) == (0, 1, 0), "a sentence has its full stop"

    def test_a_fragment_that_had_to_stay_leaves_a_cut_unit(self, fake_compressor: Compressor) -> None:
        question = ask(PROSE)
        (document,) = question.documents
        protected = document.model_copy(update={"keep_passages": ("October 2009",)})
        result = fake_compressor.compress([protected], "When?", target_tokens=12)
        standing = wholeness(question, Selection.of_result(result))
        assert standing == (0, 1, 0), result.context

    def test_white_space_is_nothing(self) -> None:
        assert of_parts("One mill.\n\nTwo mills.", "One mill.\n\n") == (1, 0, 0)
        assert of_parts("One mill.\n\nTwo  mills.", "Two ", " mills.") == (1, 0, 0)

    def test_context_that_is_missing(self) -> None:
        header = "| mill | built |\n| --- | --- |"
        row = "| Old Mill | 1820 |"
        assert of_parts(TABLE, "# Mills", "Those that turn:", header, row) == (1, 0, 0)
        for part in ("# Mills", "Those that turn:", header):
            lines = [line for line in ("# Mills", "Those that turn:", header, row) if line != part]
            assert of_parts(TABLE, *lines) == (1, 0, 1), part
        assert of_parts(TABLE, "# Mills", "Those that", header, row) == (1, 0, 1)

    def test_a_heading_alone_is_no_unit(self) -> None:
        assert of_parts(TABLE, "# Mills") == (0, 0, 0)


class TestWhereOnlyTheContextIsKnown:
    def test_whole_and_cut(self) -> None:
        assert of_text(PROSE) == (3, 0, 0)
        assert of_text(f"A mill\n{FIRST}\n{THIRD}") == (2, 0, 0)
        assert of_text(f"{FIRST} It was sold") == (1, 1, 0)
        assert of_text("") == (0, 0, 0)

    def test_deleted_tokens_are_seen(self) -> None:
        assert of_text("old mill built 1820 Anna Sand. sold October 2009 town. museum now.") == (0, 2, 0)
        assert of_text("The old mill was built in 1820 Anna Sand.") == (0, 1, 0)

    def test_letters_and_digits_alone_count(self) -> None:
        assert of_text("the OLD mill\nwas  built in 1820, by Anna Sand") == (1, 0, 0)

    def test_a_word_put_in_between_makes_it_cut(self) -> None:
        assert of_text("The old mill was apparently built in 1820 by Anna Sand.") == (0, 1, 0)

    def test_a_few_words_are_no_sign_of_a_unit(self) -> None:
        assert of_text("October 2009") == (0, 0, 0)
        assert of_text("Windmills grind corn, as everybody knows, in 1820.") == (0, 0, 0)

    def test_words_of_several_units_are_no_unit(self) -> None:
        assert of_text("mill sold museum") == (0, 0, 0)

    def test_a_unit_that_stands_there_twice_is_one(self) -> None:
        assert of_text(f"{FIRST} {FIRST}") == (1, 0, 0)
        assert of_text(f"{FIRST} The old mill was built") == (1, 0, 0)

    def test_documents_in_another_order(self) -> None:
        texts = ("Windmills turn in the wind. They grind corn.", PROSE)
        assert of_text(f"{PROSE}\n\nThey grind corn.", *texts) == (4, 0, 0)

    def test_context_that_is_missing(self) -> None:
        assert of_text(TABLE, TABLE) == (22, 0, 0)
        assert of_text("Mills\nThose that turn:\nmill built\nOld Mill 1820", TABLE) == (1, 0, 0)
        assert of_text("Those that turn:\nmill built\nOld Mill 1820", TABLE) == (1, 0, 1)
        assert of_text("| Old Mill | 1820 |\n| New Mill | 1931 |", TABLE) == (2, 0, 2)

    def test_scripts_without_spaces(self) -> None:
        text = "老磨坊建于1820年。它于2009年10月出售。现在是博物馆。"
        assert of_text("老磨坊建于1820年。现在是博物馆。", text) == (2, 0, 0)
        assert of_text("磨坊建1820年。现在是博物馆。", text) == (1, 1, 0)

    @pytest.mark.parametrize("choose", [truncation, bm25_documents, bm25_sentences, full])
    def test_it_finds_what_the_characters_say(self, choose) -> None:
        for question in read_questions(DATA / "hotpot-sample.jsonl"):
            selection = choose(question.documents, question.question, 300, lambda text: len(text.split()))
            known = wholeness(question, selection)
            seen = wholeness(question, selection._replace(kept=None))
            assert (seen.whole, seen.without_context) == (known.whole, known.without_context)
            assert known.cut - 1 <= seen.cut <= known.cut, "of the last unit less than three words may be left"


def test_shares() -> None:
    assert Wholeness(whole=3, cut=1, without_context=2).units_whole == 0.75
    assert Wholeness(whole=4, cut=1, without_context=2).context_missing == 0.5
    assert Wholeness(0, 1, 0).units_whole == 0.0
    assert Wholeness(0, 0, 0).units_whole is None and Wholeness(0, 1, 0).context_missing is None


odd = st.text("ab1.|#-:\n \u0301\u200d\ufeff的は{}[]\"'", max_size=80)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(odd, min_size=1, max_size=3).filter(lambda texts: any(text.strip() for text in texts)), odd)
def test_no_text_is_too_odd(texts, context) -> None:
    question = ask(*texts)
    for selection in (
        Selection(context, None),
        Selection(question.context, None),
        full(question.documents, "?", 1, len),
    ):
        standing = wholeness(question, selection)
        assert 0 <= standing.without_context <= standing.whole
    assert standing.cut == 0
