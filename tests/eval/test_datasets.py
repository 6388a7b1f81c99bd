"""Questions are read as they stand, and what cannot be read is named."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import DATA
from tersely import Compressor, InvalidInputError
from tersely_eval.data.datasets import read_questions
from tersely_eval.data.evidence import evidence_of
from tersely_eval.measure.measures import answerable

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
    loaded = read_questions(path)
    assert len(loaded) == questions and {len(question.documents) for question in loaded} == {documents}
    for question, row in zip(loaded, rows, strict=True):
        assert question.model_dump(include={"id", "question"}) == {key: row[key] for key in ("id", "question")}
        assert [{"title": document.title, "text": document.text} for document in question.documents] == row["documents"]
        assert (list(question.answers), list(question.gold)) == (row["answers"], row["gold"])
        assert [sentence.model_dump() for sentence in question.support] == row.get("support", [])


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
        ({"question": None}, "question: input should be a valid string"),
        ({"question": " "}, "question: "),
        ({"answers": [1820]}, "answers.0: input should be a valid string"),
        ({"needs": [3376]}, "needs.0: input should be a valid string"),
        ({"needs": "3,376"}, "needs: input should be a valid tuple"),
        ({"signals": ["error"]}, "signals.0: input should be a valid tuple"),
        ({"answerable": "perhaps"}, "answerable: input should be a valid boolean"),
        ({"documents": []}, "documents: "),
        ({"documents": [{"text": " "}]}, "documents: all of them are empty"),
        ({"documents": "It was sold."}, "documents: input should be a valid tuple"),
        ({"documents": [7]}, "documents.0: input should be a valid dictionary"),
        ({"documents": [{"titel": "x"}]}, "documents.0.text: there is no field 'text'; there are titel"),
        ({"documents": [{"text": "a\0b"}]}, "documents.0.text has a NUL byte at character 1"),
        ({"documents": [{"text": None}] * 9}, "documents.0.text: input should be a valid string, got None; "),
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
    assert len(str(caught.value)) < 400, "not a reason for each of many documents"


def test_documents_may_be_strings_answers_one_string_or_none_and_a_question_without_id_has_its_line(path) -> None:
    bare = {"question": "When?", "documents": ["Sold in October 2009.", {"text": "Else.", "score": 0.5}]}
    write(path, bare, {**bare, "answers": "October 2009", "id": 7}, {**bare, "answers": None, "id": None})
    loaded = read_questions(path)
    assert [(question.id, question.answers) for question in loaded] == [("1", ()), ("7", ("October 2009",)), ("3", ())]
    assert [document.text for document in loaded[0].documents] == ["Sold in October 2009.", "Else."]
    assert not answerable(loaded[0]) and answerable(loaded[1])
    assert evidence_of(loaded[0]) == {}


def test_what_is_needed_may_be_said_in_place_of_answers(path) -> None:
    bare = {key: GOOD[key] for key in ("question", "documents", "gold")}
    needed = {**bare, "id": "n", "needs": ["October", "2009"]}
    signalled = {**bare, "id": "s", "signals": [["sold", "bought"], ["2009"]]}
    write(path, needed, signalled, {**bare, "id": "u", "answerable": False})
    first, second, third = read_questions(path)
    assert first.needs == first.answer_strings == ("October", "2009") and first.answerable
    assert second.signals == (("sold", "bought"), ("2009",)) and second.answer_strings == ("sold", "bought", "2009")
    assert not third.answerable and third.answer_strings == ()
    assert len(evidence_of(first)[0]) == len(evidence_of(second)[0]) == 1 and evidence_of(third) == {}


def test_packed_marked_with_dos_line_ends_in_an_array_or_alone_the_questions_are_the_same(path) -> None:
    rows = [GOOD, {**GOOD, "id": "two"}]
    write(path, *rows)
    plain = path.read_bytes()
    expected = read_questions(path)
    for data in (
        gzip.compress(plain),
        b"\xef\xbb\xbf" + plain,
        plain.replace(b"\n", b"\r\n"),
        json.dumps(rows).encode(),
        b"\n " + json.dumps(rows, indent=2).encode(),
    ):
        path.write_bytes(data)
        assert read_questions(path) == expected
    path.write_text(json.dumps(GOOD, indent=2), encoding="utf-8")
    assert read_questions(path) == expected[:1]
    path.with_suffix(".gz").write_bytes(plain)
    assert read_questions(path.with_suffix(".gz")) == expected, "what is packed is seen from the content"


def test_a_line_of_ten_megabytes_is_read(path) -> None:
    text = "It was sold in October 2009. " * 350_000
    write(path, {**GOOD, "documents": [{"text": text}]})
    assert len(text) > 10_000_000
    assert read_questions(path)[0].documents[0].text == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "questions.jsonl: holds no question"),
        (b"[]", "questions.jsonl: holds no question"),
        (b"\n", "questions.jsonl: holds no question"),
        (b'{"id": \n', "questions.jsonl, line 1: Invalid JSON: EOF while parsing a value at column 6"),
        (b'{"id": "a"}\n\nx', "questions.jsonl, line 3: Invalid JSON: expected value at column 1"),
        (b'{"a": "\\ud800"}', "questions.jsonl, line 1: Invalid JSON: "),
        (b"[" * 3000, "questions.jsonl: Invalid JSON: recursion limit exceeded"),
        (b"[{}, {}]", "questions.jsonl, item 1: question: there is no field 'question'; there are none"),
        (b'[{"a": 1}, 1]', "questions.jsonl, item 2: must be a JSON object with a question, got '1'"),
        (b'"text"', "questions.jsonl, line 1: must be a JSON object with a question, got 'text'"),
        (
            b'{\n "version": 1,\n "data": {"rows": []}\n}',
            "questions.jsonl, line 1: question: there is no field 'question'; there are version, data, data.rows",
        ),
        (b"\xff\xfe", "questions.jsonl: is no UTF-8 text (byte 0: invalid start byte)"),
        (gzip.compress(b"{}" * 99, mtime=0)[:-9], "questions.jsonl: is a damaged gzip file (Compressed file ended"),
        (b"\x1f\x8bnot", "questions.jsonl: is a damaged gzip file ("),
    ],
)
def test_what_is_no_data_is_named_with_its_place(path, data, message) -> None:
    path.write_bytes(data)
    with pytest.raises(InvalidInputError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path.parent}/{message}")


def test_a_file_that_cannot_be_read_is_named(path) -> None:
    with pytest.raises(InvalidInputError, match=r"questions.jsonl: cannot be read \(No such file"):
        read_questions(path)
    with pytest.raises(InvalidInputError, match=r"cannot be read \(Is a directory"):
        read_questions(path.parent)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "text", "title", "context", "_id", "ctxs"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_JSON, max_size=3) | st.fixed_dictionaries({key: _JSON for key in GOOD}), st.booleans())
def test_whatever_a_file_holds_it_is_questions_or_one_clear_error(path, value, lines) -> None:
    rows = value if isinstance(value, list) and lines else [value]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    try:
        assert read_questions(path)
    except InvalidInputError as error:
        assert str(path) in str(error)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_text_is_read_as_it_was_written(path, text) -> None:
    write(path, {"question": "q" + text, "documents": [text, "x"], "answers": text})
    (question,) = read_questions(path)
    assert (question.question, question.documents[0].text, question.answers) == ("q" + text, text, (text,))
