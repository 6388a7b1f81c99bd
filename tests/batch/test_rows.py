"""A row in, a row out: what a row may be, and that a bad one comes back as it stood, with its reason."""

from __future__ import annotations

import base64
import json

import pytest

from tersely import CompressionSettings, Compressor, ModelError
from tersely_batch.rows import BadRow, CompressedRow, SourceRow, compress_row

TEXT = "The water mill on the river was opened in 1820. It closed a hundred years later. Nobody lived there since."


@pytest.fixture
def compress(fake_scorer):
    compressor = Compressor(fake_scorer, tokenizer="o200k_base", settings=CompressionSettings(rate=0.5))

    def compress(value, question=None, instruction=None, original=None):
        source = SourceRow("corpus.jsonl", 7, lambda: value, lambda: original or json.dumps(value))
        return compress_row(compressor, source, question, instruction)

    compress.compressor = compressor
    return compress


def test_a_document_of_a_plain_corpus(compress) -> None:
    row = compress({"id": 5, "title": "Mill", "text": TEXT, "url": "u", "rate": 7, "method": "scraped"})
    expected = compress.compressor.compress([{"text": TEXT, "title": "Mill"}])
    assert isinstance(row, CompressedRow)
    assert (row.file, row.row, row.id, row.context) == ("corpus.jsonl", 7, "5", expected.context)
    assert row.prompt == row.context and row.question is None
    assert row.compressed_tokens <= row.target_tokens < row.original_tokens
    (document,) = row.documents
    assert document.kept == expected.documents[0].kept and document.title == "Mill"
    # In a plain corpus these names are its own: here nothing but text, title and id is ours.
    assert row.metadata == {"url": "u", "rate": 7, "method": "scraped"}


def test_a_row_of_documents_may_set_its_own_question_budget_and_order(compress) -> None:
    value = {
        "documents": [TEXT, {"page_content": "Windmills turn when the wind blows.", "score": 0.5}],
        "question": "When was the mill opened?",
        "target_tokens": 20,
        "order": "original",
        "instruction": "Be brief.",
        "answers": ["1820"],
    }
    row = compress(value, question="unused", instruction="unused")
    assert isinstance(row, CompressedRow)
    assert (row.question, row.target_tokens, row.method) == (value["question"], 20, "evidence")
    assert row.prompt.startswith("Be brief.\n\n") and row.prompt.endswith(value["question"])
    assert row.metadata == {"answers": ["1820"]}


def test_what_did_not_fit_is_in_the_row(compress) -> None:
    call = {"documents": [TEXT, TEXT], "question": "When was the mill opened?", "target_tokens": 3}
    row = compress(call)
    expected = compress.compressor.compress(**call)
    assert row.context == "" and row.smallest_useful_budget == expected.smallest_useful_budget > 3
    assert row.notes == expected.notes and "more than 3: nothing is kept" in row.notes[0]
    assert row.left_out == expected.left_out != []
    assert [document.copy_of for document in row.documents] == [None, 0]


def test_nulls_are_what_a_table_has_where_a_row_has_nothing(compress) -> None:
    row = compress(
        {"documents": [{"text": TEXT, "title": None, "keep": None}], "text": None, "question": None, "rate": None},
        question="When?",
    )
    assert isinstance(row, CompressedRow) and row.question == "When?"


def test_an_empty_document_is_no_error(compress) -> None:
    row = compress({"id": "a", "text": "  "})
    assert isinstance(row, CompressedRow)
    assert row.context == "" and row.skipped[0].reason == "empty or only white space"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], 'a row must be an object with "text" or "documents", not [1]'),
        ({"id": "x", "body": "b"}, 'the row: has no "text"; its keys are id, body'),
        ({"id": "x", "text": 3}, "the row: text: input should be a valid string, got 3"),
        ({"id": "x", "documents": "abc"}, "\"documents\" must be a list, got 'abc'"),
        ({"id": "x", "documents": []}, "documents is empty"),
        ({"id": "x", "documents": [{"title": "t"}]}, 'documents[0] has no "text" but title'),
        ({"id": "x", "documents": ["a"], "text": "b"}, 'a row holds either "documents" or "text", not both'),
        ({"id": "x", "documents": ["a"], "rate": 2}, "rate: input should be less than or equal to 1, got 2"),
        ({"id": "x", "documents": ["a"], "question": " "}, "question is empty"),
        ({"id": "x", "documents": ["a"], "question": 3}, "question must be a string, got int 3"),
        ({"id": "x", "documents": ["a"], "method": "evidence"}, "needs a question"),
        ({"id": ["x"], "documents": ["a"]}, "\"id\" must be a string or a number, got ['x']"),
        ({"id": "x", "documents": ["a"], "metadata": 3}, '"metadata" must be an object, got 3'),
        ({"id": "x", "documents": ["a"], "\ud800": 3}, "a key of the row has a lone surrogate"),
    ],
)
def test_a_bad_row_comes_back_with_its_reason(compress, value, message) -> None:
    row = compress(value)
    assert isinstance(row, BadRow)
    assert message in row.error
    assert json.loads(row.original) == value
    assert row.id == ("x" if isinstance(value, dict) and value["id"] == "x" else None)
    row.model_dump_json().encode()


def test_what_no_file_can_hold_is_named_instead(compress) -> None:
    row = compress({"id": "\ud800", "note": "\udfff"})
    assert isinstance(row, BadRow) and row.id == "\\ud800"
    row = compress({"id": "\ud800", "text": "a", "note": "\udfff"})
    assert isinstance(row, CompressedRow) and row.id == "\\ud800" and row.documents[0].id == "\ufffd"
    row.model_dump_json().encode()
    row = compress({"id": "a", "text": "a b c", "note": {"\ud800": 1}})
    assert isinstance(row, CompressedRow)
    row.model_dump_json().encode()


def test_one_bad_document_does_not_spoil_its_row(compress) -> None:
    value = {"documents": [TEXT, {"title": "t"}, {"page_content": "Sales of \ud800.", "id": "sales"}, 5]}
    row = compress(value)
    assert isinstance(row, CompressedRow)
    assert [(one.index, one.reason[:13]) for one in row.skipped] == [(1, 'has no "text"'), (3, "must be a str")]
    (repaired,) = row.repaired
    assert (repaired.index, repaired.id) == (2, "sales") and "lone surrogate" in repaired.reason
    row.model_dump_json().encode()
    plain = compress({"id": "x", "text": "a\0b"})
    assert isinstance(plain, CompressedRow) and plain.repaired[0].reason.startswith("a NUL byte at character 1")


def test_a_strict_row_is_bad_for_one_bad_document(compress, fake_scorer) -> None:
    settings = CompressionSettings(rate=0.5, strict=True)
    compressor = Compressor(fake_scorer, tokenizer="o200k_base", settings=settings)
    for value in ({"documents": [TEXT, {"title": "t"}]}, {"documents": [TEXT, "a\0"]}, {"text": "a\0b"}):
        source = SourceRow("corpus.jsonl", 7, lambda value=value: value, lambda value=value: json.dumps(value))
        assert isinstance(compress_row(compressor, source, None, None), BadRow)


def test_a_row_that_is_no_text_is_kept_as_bytes(compress) -> None:
    row = compress({"text": 1}, original=b"\xff")
    assert isinstance(row, BadRow)
    assert row.original is None and base64.b64decode(row.original_base64) == b"\xff"


def test_an_error_that_nobody_foresaw_is_the_rows_own(compress, monkeypatch) -> None:
    def fails(*_, **__):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(compress.compressor, "compress", fails)
    row = compress({"text": TEXT})
    assert isinstance(row, BadRow) and row.error == "ZeroDivisionError: by zero"


@pytest.mark.parametrize("error", [ModelError("gone"), OSError("disk full"), MemoryError()])
def test_an_error_of_the_machine_is_not(compress, monkeypatch, error) -> None:
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(compress.compressor, "compress", fails)
    with pytest.raises(type(error)):
        compress({"text": TEXT})
