"""An example in pieces: what was kept, what was dropped, where the answer is."""

from __future__ import annotations

import pytest

from tersely import Span
from tersely_eval.measure.measurement import Example
from tersely_eval.report.kept_text import ANSWER, DROPPED, KEPT, Piece, show

TEXT = "The mill was built in 1820. It was sold on 22 October, 2009. It is a museum."
SOLD = Span(28, 60)


def example(*kept: list[Span], text: str = TEXT, answers: tuple[str, ...] = ("22 October 2009",)) -> Example:
    return Example(
        data_set="some",
        question_id="1",
        question="When was it sold?",
        answers=answers,
        documents=[("Mill", text)],
        kept={f"method {number}": [spans] for number, spans in enumerate(kept)},
        rate=0.5,
    )


def pieces(example: Example) -> list[Piece]:
    return show(example).methods[0].documents[0].pieces


def test_kept_and_dropped_make_up_the_document() -> None:
    shown = pieces(example([Span(4, 8), SOLD]))
    assert "".join(piece.text for piece in shown) == TEXT
    assert [(piece.fate, piece.text) for piece in shown[:3]] == [
        (DROPPED, "The "),
        (KEPT, "mill"),
        (DROPPED, " was built in 1820. "),
    ]


def test_the_answer_is_found_as_it_is_measured() -> None:
    assert Piece(ANSWER, "22 October, 2009") in pieces(example([SOLD]))


def test_an_answer_of_which_a_part_is_dropped_is_not_marked() -> None:
    assert all(piece.fate != ANSWER for piece in pieces(example([Span(28, 46), Span(55, 60)])))


def test_words_kept_one_by_one_are_an_answer_too() -> None:
    assert Piece(ANSWER, "22 October, 2009") in pieces(example([Span(43, 45), Span(46, 54), Span(55, 59)]))


@pytest.mark.parametrize("answer", ["yes", "No.", "82", "the", "wa"])
def test_no_answer_is_marked_inside_a_word_nor_where_it_says_nothing(answer) -> None:
    text = f"{TEXT} No, yes."
    assert {piece.fate for piece in pieces(example([Span(0, len(text))], text=text, answers=(answer,)))} == {KEPT}


def test_the_longest_of_several_answers_is_marked() -> None:
    shown = pieces(example([SOLD], answers=("2009", "October 2009")))
    assert [piece.text for piece in shown if piece.fate == ANSWER] == ["October, 2009"]


def test_of_a_long_dropped_piece_the_ends_are_shown_in_whole_words() -> None:
    text = "start " + "word " * 100 + "kept"
    long, kept = pieces(example([Span(len(text) - 4, len(text))], text=text))
    assert kept == Piece(KEPT, "kept")
    assert long.text.startswith("start word") and long.text.endswith("word") and long.end.startswith("word ")
    assert long.left_out == len(text) - len("kept") - len(long.text) - len(long.end) > 300


def test_documents_that_no_method_kept_are_named_once() -> None:
    both = example([SOLD], []).model_copy(update={"documents": [("Mill", TEXT), ("", "Windmills turn.")]})
    shown = show(both.model_copy(update={"kept": {"one": [[SOLD], []], "two": [[], []]}}))
    assert shown.dropped == ["Document 2"]
    first, second = shown.methods
    assert (
        [document.title for document in first.documents]
        == ["Mill"]
        == [document.title for document in second.documents]
    )
    assert first.documents[0].pieces and not second.documents[0].pieces
    assert [document.title for document in shown.originals] == ["Mill", "Document 2"]


def test_a_method_that_failed_has_no_documents() -> None:
    shown = show(example([SOLD]).model_copy(update={"kept": {"one": [[SOLD]], "broken": []}}))
    assert shown.methods[1].documents is None
