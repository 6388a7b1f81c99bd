"""Each measure on cases of which the right answer is known."""

from __future__ import annotations

import pytest

from tersely import Compressor, Span
from tersely_eval.data.answers import answer_kept, normalise
from tersely_eval.data.datasets import Question
from tersely_eval.measure.measures import answer_share, answerable, broken_words, gold_found, recall, support_kept
from tersely_eval.peers.selection import Selection

TEXT = "The old mill was built in 1820.  It was sold in October 2009. It is a museum now."
FIRST, SECOND = "The old mill was built in 1820.", "It was sold in October 2009."


def ask(*answers: str, support=(), gold=(0,)) -> Question:
    return Question.model_validate(
        {
            "id": "mill",
            "question": "When was the mill sold?",
            "answers": answers or ("October 2009",),
            "documents": [{"title": "A mill", "text": TEXT}, {"text": "Windmills turn."}, {"text": "So it goes."}],
            "gold": gold,
            "support": [{"document": 0, "text": sentence} for sentence in support],
        }
    )


def keep(*spans: tuple[int, int], document: int = 0) -> Selection:
    return Selection("", {document: [Span(*span) for span in spans]})


def where(sentence: str) -> Span:
    start = TEXT.index(sentence)
    return Span(start, start + len(sentence))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Old\nMill!", "old mill"),
        ("an answer, a question", "answer question"),
        ("Anna's theatre", "anna s theatre"),
        ("$1,850,000.50", "1 850 000 50"),
        ("“Zürich” – Straße…", "zürich straße"),
        ("snake_case", "snake case"),
        ("The", ""),
        ("हिन्दी", "हिन्दी"),  # its vowel signs are no punctuation
    ],
)
def test_normalise(text, expected) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("context", "answers", "kept"),
    [
        ("It was sold in October 2009.", ["October 2009"], True),
        ("sold in OCTOBER, 2009", ["October 2009"], True),
        ("the band The Who played", ["Who"], True),
        ("the band Who played", ["The Who"], True),
        ("Old mill", ["the old mill"], True),
        ("end of\nline", ["of line"], True),
        ("October 20091", ["October 2009"], False),
        ("in 18201 or 11820", ["1820"], False),
        ("Germany", ["German"], False),
        ("October was cold in 2009", ["October 2009"], False),
        ("nothing here", ["October 2009", "nothing"], True),
        ("", ["mill"], False),
        ("the a an !", ["The"], False),  # an answer of which nothing is left is found nowhere, not everywhere
        ("anything", [], False),
        ("球队洛杉矶国王队位于南加州", ["洛杉矶国王队"], True),  # without spaces any characters in a row are words
        ("洛杉矶的国王队", ["洛杉矶国王队"], False),
        ("NBA球队", ["NBA"], True),
        ("เขาไปกรุงเทพ", ["กรุงเทพ"], True),
    ],
)
def test_answer_kept(context, answers, kept) -> None:
    assert answer_kept(context, answers) is kept


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["October 2009"], True),
        (["never there", "2009"], True),
        (["a mill"], True),
        (["never there"], False),
        (["yes"], False),
        (["No."], False),
        (["museum", "yes"], False),
    ],
)
def test_answerable(answers, expected) -> None:
    assert answerable(ask(*answers)) is expected


def test_an_answer_in_a_title_alone_is_answerable() -> None:
    question = Question.model_validate(
        {"id": "1", "question": "Who?", "answers": ["Jan"], "documents": [{"title": "Jan", "text": "A miller."}]}
    )
    assert answerable(question)


def want(**keys) -> Question:
    return Question.model_validate({"id": "1", "question": "Which?", "documents": [{"text": TEXT}], **keys})


@pytest.mark.parametrize(
    ("keys", "context", "share"),
    [
        ({"answers": ["1820", "2009"]}, "in 2009", 1.0),
        ({"answers": ["1820"]}, "in 2009", 0.0),
        ({"needs": ["1820", "2009"]}, "in 1820 and 2009", 1.0),
        ({"needs": ["1820", "2009"]}, "in 2009", 0.0),
        ({"needs": ["1820"], "answers": ["mill", "museum"]}, "a museum of 1820", 1.0),
        ({"needs": ["1820"], "answers": ["mill", "museum"]}, "in 1820", 0.0),
        ({"signals": [["1820"], ["museum", "2009"], ["sold"], ["built"]]}, "sold in 2009", 0.5),
        ({"signals": [["1820"]], "answers": ["2009"], "needs": ["sold"]}, "sold in 2009", 0.0),
        ({"signals": [["1820"]], "answers": ["2009"], "needs": ["sold"]}, "in 1820", 1.0),
        ({"signals": [["1820"]], "answers": ["yes"]}, "in 1820", 1.0),
        ({"signals": [["1820"], ["never there"]]}, "in 1820", 1.0),
        ({"signals": [["never there"]]}, "in 1820", None),
        ({"needs": ["1820", "never there"]}, "in 1820", None),
        ({"needs": ["1820", "-"]}, "in 1820", None),
        ({"answers": ["1820"], "answerable": False}, "in 1820", None),
        ({"answers": ["yes"], "needs": ["1820"]}, "in 1820", None),
        ({}, "in 1820", None),
    ],
)
def test_how_much_of_what_was_wanted_is_kept(keys, context, share) -> None:
    assert answer_share(want(**keys), context) == share
    assert answerable(want(**keys)) is (share is not None)


def test_a_sentence_is_whole_or_it_is_not() -> None:
    question = ask(support=[SECOND])
    start, end = where(SECOND)
    assert support_kept(question, keep((0, len(TEXT)))) == 1.0
    assert support_kept(question, keep((start, end))) == 1.0
    assert support_kept(question, keep((0, 3), (start - 1, start + 9), (start + 9, end + 4))) == 1.0
    assert support_kept(question, keep((start, end - 1))) == 0.0
    assert support_kept(question, keep((start + 3, end))) == 0.0
    was = TEXT.index("was ", start)
    assert support_kept(question, keep((0, was), (was + len("was "), len(TEXT)))) == 0.0, "cut by one word"
    assert support_kept(question, keep((start, end), document=1)) == 0.0
    assert support_kept(question, Selection("", {})) == 0.0


def test_white_space_at_the_ends_of_a_sentence_does_not_count() -> None:
    question = ask(support=[f"  {SECOND} "])
    assert support_kept(question, keep(where(SECOND))) == 1.0


def test_support_is_a_share_of_the_sentences() -> None:
    question = ask(support=[FIRST, SECOND])
    assert support_kept(question, keep(where(FIRST))) == 0.5
    assert support_kept(question, keep(where(FIRST), where(SECOND))) == 1.0
    assert support_kept(ask(), keep((0, 5))) is None


def test_gold_found_is_the_share_of_documents_of_which_anything_is_left() -> None:
    assert gold_found(ask(gold=[0, 2]), keep((0, 3))) == 0.5
    assert gold_found(ask(gold=[0]), keep((0, 3), document=1)) == 0.0
    assert gold_found(ask(gold=[]), keep((0, 3))) is None


def test_where_only_the_context_is_known_a_sentence_is_whole_if_it_stands_there() -> None:
    question = ask(support=[FIRST, SECOND])
    assert support_kept(question, Selection(f"A mill\nIt WAS sold in October, 2009 {FIRST}", None)) == 1.0
    assert support_kept(question, Selection(f"{FIRST} It sold in October 2009.", None)) == 0.5
    assert gold_found(question, Selection(question.context, None)) is None


def test_a_result_of_tersely_is_measured_like_any_selection(fake_compressor: Compressor) -> None:
    question = ask(support=[FIRST, SECOND], gold=[0, 1])
    result = fake_compressor.compress(question.documents, question.question, rate=1.0)
    whole = Selection.of_result(result)
    assert whole.context == result.context
    assert (support_kept(question, whole), gold_found(question, whole)) == (1.0, 1.0)

    result = fake_compressor.compress(question.documents, question.question, target_tokens=3)
    little = Selection.of_result(result)
    assert set(little.kept) == {document.index for document in result.documents if document.text}
    assert support_kept(question, little) == 0.0


@pytest.mark.parametrize(
    ("context", "broken"),
    [
        ("The mill was built in 1820 for 1,850,000 euros.", 0),
        ("mill: 1820!", 0),
        ("The mil was built in 820", 2),
        ("for 1,850 euros", 1),
        ("The millwas built", 1),
        ("風車", 0),
    ],
)
def test_words_and_numbers_that_are_none_of_the_documents(context, broken) -> None:
    text = "The mill was built in 1820 for 1,850,000 euros. 風車小屋"
    question = Question(id="1", question="When?", answers=("1820",), documents=({"text": text},))
    assert broken_words(question, context) == broken


def test_recall_of_the_ranking() -> None:
    documents = tuple({"text": f"Text {number}."} for number in range(9))
    question = Question(id="1", question="Which?", answers=("Text",), documents=documents, gold=(0, 8))
    assert recall(question, Selection("", {}, ranking=[8, 7, 6, 5, 4, 3, 2, 1, 0])) == 0.5
    assert recall(question, Selection("", {}, ranking=[8, 0, 1, 2, 3])) == 1.0
    assert recall(question, Selection("", {})) is None
