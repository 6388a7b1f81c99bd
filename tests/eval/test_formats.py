"""Other people's files of questions: what of them is read, and what is said where they are not as they should be."""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from conftest import DATA
from tersely import InvalidInputError
from tersely_eval.data.datasets import SupportSentence, read_questions
from tersely_eval.data.formats import parse_fields

MILL = {
    "_id": "5a8b57f25542995d1e6f1371",
    "question": "Who built the mill that was sold in 2009?",
    "answer": "Jan de Vries",
    "supporting_facts": [["The old mill", 1], ["Mills", 0], ["Mills", 7], ["Elsewhere", 0]],
    "context": [
        ["Mills", ["Jan de Vries built the old mill.", " He died in 1850."]],
        ["Wind", ["It blows."]],
        ["The old mill", ["It stands on the river.", " It was sold in 2009.", ""]],
    ],
    "type": "bridge",
    "level": "hard",
}
NOBEL = {
    "question": "who got the first nobel prize in physics",
    "answers": ["Wilhelm Conrad Röntgen"],
    "ctxs": [
        {
            "id": "71445",
            "title": "Nobel Prize",
            "text": "It is given every year.",
            "score": "1.05",
            "hasanswer": False,
            "original_retrieval_index": 0,
            "isgold": False,
        },
        {"title": "Physics", "text": "The first went to Wilhelm Conrad Röntgen.", "hasanswer": True, "isgold": True},
        {"id": "3", "title": "", "text": "Röntgen, Wilhelm.", "score": "0.9", "hasanswer": True, "isgold": False},
    ],
    "nq_annotated_gold": {"title": "Physics", "short_answers": ["Wilhelm Conrad Röntgen"]},
}
HITS = {
    "query": "When was the mill sold?",
    "meta": {"expected": "October 2009", "a.b": "x"},
    "retrieved": {"passages": [{"body": "It was sold in October 2009.", "of": {"name": "Mill"}}, {"body": "Else."}]},
}
FIELDS = {
    "question": "query",
    "answers": "meta.expected",
    "documents": "retrieved.passages",
    "text": "body",
    "title": "of.name",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data"


def read(path, *rows, fields=None):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_questions(path, fields)


def error_of(path, *rows, fields=None) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(path, *rows, fields=fields)
    return str(caught.value).removeprefix(str(path)).lstrip(":, ")


def test_hotpotqa(path) -> None:
    path.write_text(json.dumps([MILL]))
    (question,) = read_questions(path)
    assert (question.id, question.question) == (MILL["_id"], MILL["question"])
    assert question.answers == ("Jan de Vries",)
    assert [(entry.title, entry.text) for entry in question.documents] == [
        ("Mills", "Jan de Vries built the old mill. He died in 1850."),
        ("Wind", "It blows."),
        ("The old mill", "It stands on the river. It was sold in 2009."),
    ]
    assert question.gold == (0, 2)
    # The fact behind the paragraph's end and that of a paragraph which was not retrieved can be kept by nobody.
    assert question.support == (
        SupportSentence(document=0, text="Jan de Vries built the old mill."),
        SupportSentence(document=2, text=" It was sold in 2009."),
    )


def test_hotpotqas_test_set_has_neither_answers_nor_facts(path) -> None:
    bare = {key: MILL[key] for key in ("_id", "question", "context")}
    (question,) = read(path, [bare])
    assert (question.answers, question.gold, question.support) == ((), (), ())


def test_full_wiki_questions_without_paragraphs_are_left_out_and_it_is_said(path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        questions = read(path, [MILL, {**MILL, "_id": "b", "context": []}])
    assert [entry.id for entry in questions] == [MILL["_id"]]
    assert "left out, for they have no documents: 1 questions" in caplog.text
    assert error_of(path, [{**MILL, "context": []}]) == "no question in it has documents"


def test_hotpotqa_as_the_samples_have_it(path, hotpot) -> None:
    """The other way round: our samples in HotpotQA's form give the same questions."""
    expected = read_questions(DATA / "hotpot-sample.jsonl")
    rows = []
    for entry in expected:
        context, facts = [], []
        for position, document in enumerate(entry.documents):
            marked = [sentence.text.strip() for sentence in entry.support if sentence.document == position]
            sentences, rest = [], document.text
            for text in marked:
                before, rest = rest.split(text, 1)
                facts.append([document.title, len(sentences) + 1])
                sentences += [before, text]
            context.append([document.title, [*sentences, rest]])
        (answer,) = entry.answers
        row = {"_id": entry.id, "question": entry.question, "answer": answer, "context": context}
        rows.append({**row, "supporting_facts": facts})
    questions = read(path, rows)
    assert [entry.model_dump(exclude={"support", "gold"}) for entry in questions] == [
        entry.model_dump(exclude={"support", "gold"}) for entry in expected
    ]
    for entry, other in zip(questions, expected, strict=True):
        assert sorted(entry.gold) == sorted({sentence.document for sentence in other.support})
        assert {(sentence.document, sentence.text.strip()) for sentence in entry.support} == {
            (sentence.document, sentence.text.strip()) for sentence in other.support
        }


def test_lost_in_the_middle(path) -> None:
    path.write_bytes(gzip.compress((json.dumps(NOBEL) + "\n" + json.dumps(NOBEL) + "\n").encode()))
    first, second = read_questions(path)
    assert (first.id, second.id) == ("1", "2")
    assert first.answers == ("Wilhelm Conrad Röntgen",)
    assert [entry.title for entry in first.documents] == ["Nobel Prize", "Physics", None]
    assert first.gold == (1,)


def test_without_a_gold_passage_those_with_the_answer_are_gold(path) -> None:
    retrieved = [{key: value for key, value in entry.items() if key != "isgold"} for entry in NOBEL["ctxs"]]
    (question,) = read(path, {**NOBEL, "ctxs": retrieved})
    assert question.gold == (1, 2)
    (question,) = read(path, {**NOBEL, "ctxs": [{**entry, "hasanswer": None} for entry in retrieved]})
    assert question.gold == ()


def test_fields_of_other_names(path) -> None:
    second = {"query": "What else?", "meta": {}, "retrieved": {"passages": ["A passage."]}}
    first, other = read(path, HITS, second, fields=FIELDS)
    assert (first.id, first.question, first.answers) == ("1", "When was the mill sold?", ("October 2009",))
    assert [(entry.title, entry.text) for entry in first.documents] == [
        ("Mill", "It was sold in October 2009."),
        (None, "Else."),
    ]
    assert (other.id, other.answers, other.documents[0].text) == ("2", (), "A passage.")
    (question,) = read(path, HITS, fields={**FIELDS, "answers": "meta.a.b"})
    assert question.answers == ("x",), "a dot may belong to the name itself"


def test_with_names_given_no_format_is_guessed(path) -> None:
    (question,) = read(path, NOBEL, fields={"documents": "ctxs"})
    assert question.gold == () and len(question.documents) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"question": "text"},
            "question: no question has a field 'text'; the first has query, meta, meta.expected, meta.a.b, "
            "retrieved, retrieved.passages",
        ),
        ({"answers": "meta.answer"}, "answers: no question has a field 'meta.answer'; the first has query, "),
        ({"documents": "retrieved.hits"}, "documents: no question has a field 'retrieved.hits'; "),
        ({"text": "content"}, "text: no document has a field 'content'; the first has body, of, of.name"),
        ({"title": "of.title"}, "title: no document has a field 'of.title'; the first has body, of, of.name"),
        ({"queston": "query"}, "fields: there is no 'queston'; there are id, question, answers, documents, "),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_those_that_are(path, fields, message) -> None:
    assert error_of(path, HITS, fields={**FIELDS, **fields}).startswith(message)


def test_a_field_that_one_line_lacks_is_named_with_its_line(path) -> None:
    lacking = {**HITS, "retrieved": {"passages": [{"body": "x"}, {"content": "y"}]}}
    assert error_of(path, HITS, lacking, fields=FIELDS) == (
        "line 2: documents.1.text: there is no field 'body'; there are content"
    )
    many = {f"field {number}": number for number in range(50)}
    assert error_of(path, HITS, many, fields=FIELDS).endswith("field 18, field 19, ...")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**MILL, "context": [["Mills", "Jan"]]}, "line 1: context.0.1: input should be a valid list"),
        ({**MILL, "context": [["Mills"]]}, "line 1: context.0.1: field required"),
        ({**MILL, "context": [["Mills", [" "]]]}, "line 1: documents: all of them are empty"),
        ({**MILL, "supporting_facts": [["Mills", "first"]]}, "line 1: supporting_facts.0.1: input should be a valid"),
        ({**MILL, "question": None}, "line 1: question: input should be a valid string"),
        ({**NOBEL, "ctxs": [{"title": "x"}]}, "line 1: ctxs.0.text: field required"),
        ({**NOBEL, "ctxs": []}, "line 1: documents: "),
        ({**NOBEL, "answers": "Röntgen"}, "line 1: answers: input should be a valid list"),
        ({"ordered_kv_records": []}, "line 1: question: there is no field 'question'; there are ordered_kv_records"),
        ({"question": "When?", "hits": []}, "line 1: documents: there is no field 'documents'; there are question, "),
    ],
)
def test_what_a_format_does_not_allow_is_named_with_line_and_field(path, row, message) -> None:
    assert error_of(path, row).startswith(message)


def test_fields_on_a_command_line() -> None:
    assert parse_fields([]) == {}
    assert parse_fields(["question=query", "documents = retrieved.passages"]) == {
        "question": "query",
        "documents": "retrieved.passages",
    }
    assert parse_fields(["text=a=b"]) == {"text": "a=b"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["query"], "--field 'query' must be our name and yours, such as question=query"),
        (["question="], "--field 'question=' must be"),
        (["text=a", "text=b"], "--field text is given twice: 'a' and 'b'"),
        (["query=question"], "there is no 'query'; there are id, question, answers"),
    ],
)
def test_fields_that_cannot_be_meant_are_refused(given, message) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_fields(given)
    assert message in str(caught.value)
