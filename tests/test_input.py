"""One bad document among others: repaired or left out, and said; refused where the caller is strict."""

from __future__ import annotations

import copy

import pytest

from tersely import CompressionResult, CompressionSettings, Document, InvalidInputError

QUESTION = "Where did the meeting take place?"

BAD_DOCUMENTS = [
    (5, r"documents\[1\] must be a string, .*int 5"),
    ({"txt": "x"}, r'documents\[1\] has no "text" but txt'),
    ({"text": 5}, r"documents\[1\] cannot be read \(text: .*got 5"),
    ({"text": "x", "title": 5}, r"documents\[1\] cannot be read \(title: .*got 5"),
    ({"text": "x", "colour": "red"}, r"documents\[1\] cannot be read \(colour: "),
    ({"text": "x", "keep_passages": ["y"]}, r"documents\[1\] cannot be read \(keep_passages: 'y' does not stand"),
]
BROKEN_DOCUMENTS = [
    ("a\0b", "a NUL byte at character 1 of the text became U+FFFD", r"documents\[1\] has a NUL byte at character 1"),
    ("ab\ud800", r"a lone surrogate '\ud800' at character 2 of the text became U+FFFD", "has a lone surrogate"),
    (
        {"text": "\ud83d\ude00 and \0", "id": "smile"},
        r"3 characters of the text that are no text became U+FFFD, first a lone surrogate '\ud83d' at 0",
        r"documents\[1\] has a NUL byte",
    ),
    (
        {"text": "x", "title": "\udfff", "id": "\0"},
        r"a lone surrogate '\udfff' at character 0 of the title became U+FFFD; "
        "a NUL byte at character 0 of the id became U+FFFD",
        r"the title of documents\[1\] has a lone surrogate",
    ),
    (
        Document(text="x", id="\ud800"),
        r"a lone surrogate '\ud800' at character 0 of the id became U+FFFD",
        r"the id of documents\[1\] has a lone surrogate",
    ),
]
STRICT = CompressionSettings(rate=1.0, strict=True)


@pytest.mark.parametrize(("document", "message"), BAD_DOCUMENTS)
def test_a_document_that_cannot_be_used_is_left_out_and_said(fake_compressor, caplog, document, message) -> None:
    documents = ["One mill stands here.", document, "Another stands there."]
    result = fake_compressor.compress(documents, QUESTION, rate=1.0)
    assert sorted(one.index for one in result.documents) == [0, 2] and not result.repaired
    assert [one.index for one in result.skipped] == [1] and not result.skipped[0].has_no_text
    assert [one.index for one in result.left()] == [0, 2]
    (warning,) = _said(caplog)
    assert warning == f"documents[1] is left out: it {result.skipped[0].reason}"
    for refused in (documents, [document]):
        with pytest.raises(InvalidInputError, match=message if refused is documents else message.replace("1", "0", 1)):
            fake_compressor.compress(refused, QUESTION, settings=STRICT if refused is documents else None, rate=1.0)


@pytest.mark.parametrize(("document", "reason", "message"), BROKEN_DOCUMENTS)
def test_what_is_no_text_is_repaired_and_said(fake_compressor, caplog, document, reason, message) -> None:
    documents = ["One mill stands here.", document, "Another stands there."]
    before = copy.deepcopy(documents)
    result = fake_compressor.compress(documents, QUESTION, rate=1.0)
    (repaired,) = result.repaired
    assert (repaired.index, repaired.reason) == (1, reason) and not result.skipped
    (warning,) = _said(caplog)
    assert reason in warning
    (broken,) = [one for one in result.documents if one.index == 1]
    assert repaired.id == broken.document.id
    text = getattr(document, "text", document if isinstance(document, str) else None) or document["text"]
    assert len(broken.document.text) == len(text)  # what was kept stands where the caller's own text has it
    assert result.account_of(broken)["repaired"] == reason
    assert "repaired" not in result.account_of(next(one for one in result.documents if one.index == 0))
    assert CompressionResult.model_validate_json(result.model_dump_json()).repaired == result.repaired
    assert documents == before
    with pytest.raises(InvalidInputError, match=message):
        fake_compressor.compress(documents, QUESTION, settings=STRICT)
    with pytest.raises(InvalidInputError, match=message):
        fake_compressor.index(documents, settings=STRICT)
    fake_compressor.index(documents)


def test_passages_of_a_repaired_document_still_stand_in_it(fake_compressor) -> None:
    text = "Sales of \ud800 were 40 euros. " + "Nothing else happened in the town that day. " * 5
    document = {"text": text, "keep_passages": ["Sales of \ud800", [14, 27]]}
    result = fake_compressor.compress([document], QUESTION, target_tokens=25)
    assert result.documents[0].text.startswith("Sales of \ufffd were 40 euros")


def test_a_key_that_is_no_text_does_not_spoil_the_account(fake_compressor) -> None:
    result = fake_compressor.compress(["A mill.", {"text": "x", "\ud800": 3}, {"\ud800": 3}], QUESTION, rate=1.0)
    assert len(CompressionResult.model_validate_json(result.model_dump_json()).skipped) == 2


def test_a_warning_names_the_first_of_many_bad_documents(fake_compressor, caplog) -> None:
    fake_compressor.compress(["A mill.", *["a\0"] * 20], QUESTION, rate=1.0)
    (warning,) = _said(caplog)
    assert warning.count("documents[") == 5 and warning.endswith("; and 15 more")


def test_documents_without_text_are_nothing_to_warn_of(fake_compressor, caplog) -> None:
    assert fake_compressor.compress(["", "A mill."], QUESTION, rate=1.0).skipped[0].has_no_text
    assert not _said(caplog)


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings about documents; there may be another one about the model."""
    return [message for message in caplog.messages if message.startswith("documents[")]
