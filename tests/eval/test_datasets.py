"""Questions are read as they stand, and what cannot be read is named."""

from __future__ import annotations

import json

import pytest

from conftest import DATA
from tersely import Compressor, InvalidInputError
from tersely_eval.datasets import read_questions

GOOD = {
    "id": "one",
    "question": "When was the mill sold?",
    "answers": ["October 2009"],
    "documents": [{"title": "The mill", "text": "It was sold in October 2009. "}, {"text": "Something else."}],
    "gold": [0],
    "support": [{"document": 0, "text": " It was sold in October 2009. "}],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "questions.jsonl"


def write(path, *rows) -> None:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


@pytest.mark.parametrize(("name", "questions", "documents"), [("hotpot", 4, 10), ("nq20", 2, 20)])
def test_the_samples_are_read_whole(name, questions, documents) -> None:
    path = DATA / f"{name}-sample.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = read_questions(path)
    assert len(found) == questions and {len(one.documents) for one in found} == {documents}
    for one, row in zip(found, rows, strict=True):
        assert one.model_dump(include={"id", "question"}) == {key: row[key] for key in ("id", "question")}
        assert [{"title": document.title, "text": document.text} for document in one.documents] == row["documents"]
        assert (list(one.answers), list(one.gold)) == (row["answers"], row["gold"])
        assert [sentence.model_dump() for sentence in one.support] == row.get("support", [])


def test_the_context_is_what_tersely_compresses(fake_compressor: Compressor) -> None:
    for question in [*read_questions(DATA / "hotpot-sample.jsonl"), *read_questions(DATA / "nq20-sample.jsonl")]:
        whole = fake_compressor.compress(question.documents, rate=1.0)
        assert whole.context == question.context
        assert whole.original_tokens == fake_compressor.tokenizer.count(question.context)


def test_what_is_not_marked_is_empty_and_blank_lines_and_separators_do_no_harm(path) -> None:
    bare = {key: GOOD[key] for key in ("question", "answers")}
    bare["documents"] = [{"text": "a line\u2028separator"}, {"text": " "}]
    path.write_text(f"\n{json.dumps({'id': 'a', **bare}, ensure_ascii=False)}\n\n", encoding="utf-8")
    (question,) = read_questions(path)
    assert question.gold == () and question.support == ()
    assert question.context == "a line\u2028separator"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": None}, "question: Input should be a valid string"),
        ({"question": " "}, "question: "),
        ({"answers": []}, "answers: "),
        ({"documents": []}, "documents: "),
        ({"documents": [{"text": " "}]}, "documents: all of them are empty"),
        ({"documents": [{"titel": "x"}]}, "documents.0.text: Field required; documents.0.titel: "),
        ({"gold": [2]}, "gold: 2 is no position of one of 2 documents"),
        ({"gold": [-1]}, "gold: -1 is no position"),
        ({"support": [{"document": 5, "text": "It"}]}, "support.0.document: 5 is no position"),
        ({"support": [{"document": 1, "text": "It was"}]}, "support.0.text: 'It was' does not stand in document 1"),
        ({"support": [{"document": 1, "text": " "}]}, "support.0.text: "),
        ({"id": "first"}, "id: 'first' is there twice"),
    ],
)
def test_a_bad_line_is_named_with_its_field(path, change, message) -> None:
    write(path, {**GOOD, "id": "first"}, {**GOOD, **change})
    with pytest.raises(InvalidInputError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path}, line 2: {message}")


def test_a_file_that_cannot_be_read_is_named(path) -> None:
    with pytest.raises(InvalidInputError, match=r"questions.jsonl: cannot be read \(No such file"):
        read_questions(path)
    path.write_text("\n")
    with pytest.raises(InvalidInputError, match=r"questions.jsonl: holds no question"):
        read_questions(path)
    path.write_text('{"id": \n')
    with pytest.raises(InvalidInputError, match=r"questions.jsonl, line 1: Invalid JSON"):
        read_questions(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInputError, match=r"questions.jsonl: is no UTF-8 text"):
        read_questions(path)
