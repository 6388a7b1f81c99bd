"""Files, folders and standard input as documents, and what is said where they cannot be read."""

from __future__ import annotations

import io
import json
import os

import pytest

from tersely import Document, InvalidInputError
from tersely_batch.input_files import read_sources


def read(*sources, stdin: bytes = b"", strict: bool = False) -> tuple[list[Document], list[str]]:
    notes: list[str] = []
    return read_sources([str(source) for source in sources], io.BytesIO(stdin), notes.append, strict), notes


def test_a_file_is_one_document_byte_for_byte(tmp_path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes("\ufeffZwei\r\nZeilen – fünf\n".encode())
    documents, notes = read(path)
    assert documents == [Document(text="Zwei\r\nZeilen – fünf\n", id=str(path))]
    assert notes == []


def test_a_folder_is_its_text_files_in_order(tmp_path) -> None:
    for name, data in {
        "b.md": b"b",
        "a/z.txt": b"z",
        "a/lines.jsonl": b'{"text": "l"}\n',
        "a.TXT": b"a",
        ".hidden.md": b"h",
        ".git/config.txt": b"g",
        "picture.png": b"p",
        "binary.txt": b"x\0y",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    documents, notes = read(tmp_path)
    assert [document.text for document in documents] == ["l", "z", "a", "b"]
    assert notes == [f"{tmp_path}: skipped what is hidden or no text file: .git, .hidden.md, binary.txt and 1 more"]


def test_jsonl_keeps_what_it_knows_and_puts_the_rest_into_metadata(tmp_path) -> None:
    path = tmp_path / "d.jsonl"
    lines = [
        {"text": "one", "title": "T", "id": 7, "metadata": {"k": 1}, "score": 0.5},
        {"page_content": "two", "metadata": None},
        {"text": "three\u2028still three", "id_": "n3", "embedding": None},
    ]
    path.write_text("\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    assert read(path)[0] == [
        Document(text="one", title="T", id="7", metadata={"k": 1, "score": 0.5}),
        Document(text="two"),
        Document(text="three\u2028still three", id="n3", metadata={"embedding": None}),
    ]


def test_standard_input_is_plain_text() -> None:
    assert read("-", stdin=b"plain {text}\n")[0] == [Document(text="plain {text}\n", id="-")]


def test_standard_input_is_jsonl_where_every_line_is() -> None:
    assert [d.text for d in read("-", stdin=b'{"text": "a"}\n{"text": "b"}\n')[0]] == ["a", "b"]
    assert len(read("-", stdin=b'{"text": "a"}\nno json\n')[0]) == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfea", "d.jsonl: not UTF-8 text (byte 0xff at 0)"),
        (b'\n\nnope\n{"body": "a"}\n', "d.jsonl:3: not JSON"),
        (b"[1]\n", 'd.jsonl:1: must be a JSON object with a "text", not [1]'),
        (b'{"body": "a"}\n', 'd.jsonl:1: has no "text"; its keys are body'),
        (b'{"text": 3}\n', "d.jsonl:1: text: input should be a valid string, got 3"),
        (b'{"text": "a", "title": 3}\n', "d.jsonl:1: title: input should be a valid string"),
        (b'{"text": "a", "metadata": 3}\n', 'd.jsonl:1: "metadata" must be an object'),
        (b"[" * 100_000, "d.jsonl:1: not JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path, data, message) -> None:
    (tmp_path / "d.jsonl").write_bytes(data)
    with pytest.raises(InvalidInputError) as error:
        read(tmp_path / "d.jsonl")
    assert str(error.value).startswith(f"{tmp_path}{os.sep}{message}")


def test_lines_that_are_no_documents_are_left_out_and_noted(tmp_path) -> None:
    bad = [b"nope", b'{"text": 3}', b'{"body": "a"}', b"[1]", b"[2]"]
    (tmp_path / "d.jsonl").write_bytes(b"\n".join([b'{"text": "a\\u0000\\ud800"}', *bad]))
    (tmp_path / "page.txt").write_bytes(b"a\0b")
    documents, notes = read(tmp_path / "d.jsonl", tmp_path / "page.txt")
    # What is no text in them is for compression to repair, which says so.
    assert [document.text for document in documents] == ["a\0\ud800", "a\0b"]
    assert [note.removeprefix(f"left out {tmp_path}{os.sep}d.jsonl")[:11] for note in notes] == [
        ":2: not JSO",
        ":3: text: i",
        ":4: has no ",
        "left out 2 ",
    ]
    with pytest.raises(InvalidInputError, match=r"d\.jsonl:2: not JSON"):
        read(tmp_path / "d.jsonl", strict=True)


def test_what_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(InvalidInputError, match=r"nothere\.txt: no such file or folder"):
        read(tmp_path / "nothere.txt")
    with pytest.raises(InvalidInputError, match="no text files in this folder"):
        read(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_a_file_name_that_is_no_text_still_makes_an_id(tmp_path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    try:
        with open(path, "wb") as file:
            file.write(b"text")
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    (document,), _ = read(os.fsdecode(path))
    assert document.id == f"{tmp_path}/caf\ufffd.txt"
