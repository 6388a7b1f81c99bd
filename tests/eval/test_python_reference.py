"""The questions that come with Tersely are answered by the running Python's reference, or left out and named."""

from __future__ import annotations

import sys
from pydoc_data.topics import topics

import pytest

from tersely import InvalidInputError
from tersely.budget.rendering import with_title
from tersely_eval.data.answers import answer_kept, normalise
from tersely_eval.data.evidence import evidence_of
from tersely_eval.data.python_reference import PUT_IN, python_reference_questions, written_questions
from tersely_eval.measure.measures import answerable

LONGEST_QUOTE = 15  # words: the reference is pointed at, not copied
MOST_DOCUMENTS_WITH_AN_ANSWER = 4  # of 20; an answer that stands everywhere would measure nothing


@pytest.fixture(scope="module")
def loaded():
    return python_reference_questions()


def replace_topic(monkeypatch: pytest.MonkeyPatch, topic: str, old: str, new: str) -> None:
    assert old in topics[topic]
    monkeypatch.setitem(topics, topic, topics[topic].replace(old, new))


def test_every_question_has_a_name_of_its_own_and_points_at_the_reference_briefly() -> None:
    written = written_questions()
    assert (
        len({question.id for question in written})
        == len({question.question for question in written})
        == len(written)
        >= 55
    )
    assert len({evidence.topic for question in written for evidence in question.evidence}) >= 30
    for question in written:
        assert all(len(evidence.quote.split()) <= LONGEST_QUOTE for evidence in question.evidence), question.id
        assert not answer_kept(question.question, question.answers), question.id


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other Pythons word some evidence differently")
def test_none_is_left_out_with_the_python_that_they_were_written_with(loaded) -> None:
    assert loaded.left_out == {}


def test_few_are_left_out_with_any_python(loaded) -> None:
    written = [question.id for question in written_questions()]
    assert [question.id for question in loaded.questions] == [name for name in written if name not in loaded.left_out]
    assert len(loaded.left_out) <= len(written) / 10
    assert sum(len(question.gold) == 2 for question in loaded.questions) >= 12


def test_evidence_and_answer_stand_in_the_gold_documents(loaded) -> None:
    for question in loaded.questions:
        assert answerable(question), question.id
        assert (
            {sentence.document for sentence in question.support} == set(question.gold) == set(evidence_of(question))
        ), question.id
        assert answer_kept(" ".join(sentence.text for sentence in question.support), question.answers), question.id


def test_an_answer_stands_in_few_of_the_documents(loaded) -> None:
    for question in loaded.questions:
        has_answer = [
            answer_kept(with_title(document.title, document.text), question.answers) for document in question.documents
        ]
        assert 1 <= sum(has_answer) <= MOST_DOCUMENTS_WITH_AN_ANSWER, (question.id, has_answer)


def test_the_documents_are_passages_under_their_headings_and_none_comes_twice(loaded) -> None:
    for question in loaded.questions:
        assert len(question.documents) == len({document.id for document in question.documents}) == 20
        for document in question.documents:
            assert document.title and not document.text.startswith(f"{document.title}\n")


def test_what_bm25_did_not_find_stands_last_and_is_marked(loaded) -> None:
    gold = retrieved = 0
    for question in loaded.questions:
        marks = [PUT_IN in document.metadata for document in question.documents]
        assert marks == sorted(marks), question.id
        assert {position for position, mark in enumerate(marks) if mark} <= set(question.gold), question.id
        gold += len(question.gold)
        retrieved += len(question.gold) - sum(marks)
    assert loaded.gold_retrieved == pytest.approx(retrieved / gold)
    assert 0.5 < loaded.gold_retrieved < 1


def test_few_documents_still_hold_the_evidence() -> None:
    few = python_reference_questions(documents=2)
    assert {len(question.documents) for question in few.questions} == {2}
    assert few.gold_retrieved < python_reference_questions(documents=40).gold_retrieved
    assert all(question.support and question.gold for question in few.questions)


@pytest.mark.parametrize("documents", [1, 0, -1])
def test_too_few_documents_are_refused(documents) -> None:
    with pytest.raises(
        InvalidInputError, match=rf"documents: '[\w-]+' has its evidence in .*, got {max(documents, 0)}$"
    ):
        python_reference_questions(documents)


def test_it_is_the_same_every_time(loaded) -> None:
    assert python_reference_questions() == loaded


def test_a_question_whose_evidence_is_gone_is_left_out_and_named(loaded, monkeypatch) -> None:
    replace_topic(monkeypatch, "break", "current value", "last one")
    changed = python_reference_questions()
    assert changed.left_out.keys() - loaded.left_out.keys() == {"variable-after-early-exit"}
    assert "no answer stands in the evidence" in changed.left_out["variable-after-early-exit"]
    assert len(changed.questions) == len(loaded.questions) - 1

    monkeypatch.setitem(topics, "lambda", "Lambdas\n*******\n\nNothing is said here.\n")
    changed = python_reference_questions()
    assert changed.left_out["lambda-limits"].startswith("the topic 'lambda' does not say 'functions created with")


def test_a_topic_that_is_gone_leaves_its_questions_out(loaded, monkeypatch) -> None:
    monkeypatch.delitem(topics, "break")
    changed = python_reference_questions()
    assert "variable-after-early-exit" in changed.left_out


def test_white_space_and_quotation_marks_need_not_agree(loaded, monkeypatch) -> None:
    replace_topic(
        monkeypatch, "break", '"for" loop is terminated by "break", the', "``for`` loop is  terminated\nby ’break’, the"
    )
    changed = python_reference_questions()
    assert changed.left_out == loaded.left_out


def test_answers_are_more_than_punctuation() -> None:
    assert all(normalise(answer) for question in written_questions() for answer in question.answers)
