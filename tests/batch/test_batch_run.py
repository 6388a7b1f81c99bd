"""A run over a corpus: the same rows whatever the format, nothing twice, nothing lost, one driver at a time."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pyarrow as arrow
import pytest
from filelock import FileLock
from pyarrow import parquet

from tersely import CompressionSettings, InvalidInputError
from tersely_batch import BadRow, BatchOptions, CompressedRow, compress_corpus
from tersely_batch.compression import in_process

OPTIONS = BatchOptions(settings=CompressionSettings(rate=0.5), tokenizer="o200k_base", shard_rows=4)

pytestmark = pytest.mark.usefixtures("fake_model")


def rows(count: int, start: int = 0) -> list[dict]:
    return [
        {
            "id": f"row-{n}",
            "text": f"The mill number {n} was opened in {1800 + n}. It is closed. Nobody lives there now.",
        }
        for n in range(start, start + count)
    ]


def write_lines(path: Path, values: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def write_parquet(path: Path, values: list[dict], **options) -> Path:
    parquet.write_table(arrow.Table.from_pylist(values), path, **options)
    return path


def output(out: Path) -> list[CompressedRow]:
    lines = [line for file in sorted((out / "rows").glob("*.jsonl")) for line in file.read_text().splitlines()]
    return [CompressedRow.model_validate_json(line) for line in lines]


def bad_rows(out: Path) -> list[BadRow]:
    lines = [line for file in sorted((out / "errors").iterdir()) for line in file.read_text().splitlines()]
    return [BadRow.model_validate_json(line) for line in lines]


def files(out: Path) -> dict[str, bytes]:
    """What must be the same however often a run was interrupted."""
    found = [*(out / "rows").iterdir(), *(out / "errors").iterdir()]
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


class KilledError(Exception):
    """Stands for what ends a driver."""


def killed_after(count: int):
    """An engine that dies after so many rows."""

    def engine(shards, out, options, advance):
        left = count

        def step(done: int) -> None:
            nonlocal left
            left -= done
            if left < 0:
                raise KilledError
            advance(done)

        yield from in_process(shards, out, options, step)

    return engine


def test_every_row_is_there_once_and_in_order(tmp_path) -> None:
    source = write_lines(tmp_path / "in.jsonl", rows(10))
    seen = []
    totals = compress_corpus([source], tmp_path / "out", OPTIONS, advance=lambda *news: seen.append(news))
    found = output(tmp_path / "out")
    assert [row.id for row in found] == [f"row-{n}" for n in range(10)]
    assert [row.row for row in found] == list(range(1, 11))
    assert (totals.rows, totals.errors, totals.shards, totals.resumed) == (10, 0, 3, 0)
    assert totals.compressed_tokens == sum(row.compressed_tokens for row in found)
    assert seen == [(n, 10) for n in range(11)]
    assert not bad_rows(tmp_path / "out")


@pytest.mark.parametrize("row_group_size", [3, 100])
def test_parquet_gives_the_rows_that_jsonl_gives(tmp_path, row_group_size) -> None:
    values = [
        *rows(7),
        {
            "documents": [{"text": "A mill. A river.", "title": "t"}, {"text": "Wind. Water."}],
            "question": "Which river?",
        },
        {"documents": [{"text": "A mill of stone. A river."}], "rate": 0.9, "note": {"deep": [1, None]}},
        *rows(4, 7),
    ]
    keys = {key: None for value in values for key in value}
    values = [{**keys, **value} for value in values]
    one = write_lines(tmp_path / "in.jsonl", values)
    other = write_parquet(tmp_path / "in.parquet", values, row_group_size=row_group_size)
    compress_corpus([one], tmp_path / "a", OPTIONS)
    compress_corpus([other], tmp_path / "b", OPTIONS.model_copy(update={"format": "jsonl"}))
    compress_corpus([one], tmp_path / "c", OPTIONS.model_copy(update={"format": "parquet"}))
    expected = [row.model_dump(exclude={"file"}) for row in output(tmp_path / "a")]
    assert len(expected) == len(values)
    assert [row.model_dump(exclude={"file"}) for row in output(tmp_path / "b")] == expected
    table = arrow.concat_tables(parquet.read_table(path) for path in sorted((tmp_path / "c" / "rows").iterdir()))
    found = [{**row, "metadata": json.loads(row["metadata"])} for row in table.to_pylist()]
    assert [CompressedRow.model_validate(row).model_dump(exclude={"file"}) for row in found] == expected


def test_bad_rows_stand_beside_the_others_with_place_reason_and_original(tmp_path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(
        b"\xef\xbb\xbf" + b'{"id": "a", "text": "One. Two."}\n\n'
        b"{oops\n" + b'  \r\n{"id": "c", "text": null}\r\n' + b"\xff\xfe\n" + b'{"id": "d", "text": "One."}'
    )
    totals = compress_corpus([source], tmp_path / "out", OPTIONS)
    assert [(row.row, row.id) for row in output(tmp_path / "out")] == [(1, "a"), (7, "d")]
    first, second, third = bad_rows(tmp_path / "out")
    assert (first.row, first.original) == (3, "{oops") and first.error.startswith("not JSON (")
    assert (second.row, second.id, second.original) == (5, "c", '{"id": "c", "text": null}')
    assert third.error == "not UTF-8 text (byte 0xff at 0)" and base64.b64decode(third.original_base64) == b"\xff\xfe"
    assert (totals.rows, totals.errors) == (2, 3)


def test_a_bad_parquet_row_is_kept_as_json_and_one_that_is_no_text_as_arrow(tmp_path) -> None:
    text = arrow.array([b"One. Two.", b"\xff", b""], arrow.binary()).view(arrow.string())
    parquet.write_table(
        arrow.table({"id": [1, 2, 3], "documents": [["a"], None, None], "text": text}), tmp_path / "a.parquet"
    )
    totals = compress_corpus([tmp_path / "a.parquet"], tmp_path / "out", OPTIONS)
    both, no_text = bad_rows(tmp_path / "out")
    assert json.loads(both.original) == {"id": 1, "documents": ["a"], "text": "One. Two."}
    table = arrow.ipc.open_stream(base64.b64decode(no_text.original_base64)).read_all()
    assert no_text.row == 2 and table.column("text").cast(arrow.binary()).to_pylist() == [b"\xff"]
    assert (totals.rows, totals.errors) == (1, 2)


def test_a_shard_of_nothing_but_bad_rows_is_done_nevertheless(tmp_path) -> None:
    source = write_lines(tmp_path / "in.jsonl", [{"id": 1}] * 5)
    for format in ("jsonl", "parquet"):
        options = OPTIONS.model_copy(update={"format": format})
        assert compress_corpus([source], tmp_path / format, options).errors == 5
        assert compress_corpus([source], tmp_path / format, options).resumed == 2


@pytest.mark.parametrize("after", [0, 3, 6])
def test_a_killed_run_goes_on_with_what_is_missing(tmp_path, after) -> None:
    source = write_lines(tmp_path / "in.jsonl", [*rows(5), {"id": "bad"}, *rows(5, 5)])
    compress_corpus([source], tmp_path / "whole", OPTIONS)
    with pytest.raises(KilledError):
        compress_corpus([source], tmp_path / "out", OPTIONS, engine=killed_after(after))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "rows").iterdir()}
    totals = compress_corpus([source], tmp_path / "out", OPTIONS)
    assert totals.resumed == len(before) == after // 4
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert (totals.rows, totals.errors) == (10, 1)


def test_what_a_killed_process_left_is_cleared(tmp_path) -> None:
    source = write_lines(tmp_path / "in.jsonl", rows(2))
    (tmp_path / "out" / "rows").mkdir(parents=True)
    (tmp_path / "out" / ".unfinished-manifest.json-1").write_text("{")
    (tmp_path / "out" / "rows" / ".unfinished-part-000000.jsonl-1").write_text("{")
    with pytest.raises(InvalidInputError, match="holds other files"):
        compress_corpus([source], tmp_path / "out", OPTIONS)
    (tmp_path / "out" / "manifest.json").write_text("{")
    with pytest.raises(InvalidInputError, match="not readable as the manifest"):
        compress_corpus([source], tmp_path / "out", OPTIONS)
    (tmp_path / "new").mkdir()
    compress_corpus([source], tmp_path / "new", OPTIONS)
    (tmp_path / "new" / "rows" / ".unfinished-part-000000.jsonl-1").write_text("{")
    compress_corpus([source], tmp_path / "new", OPTIONS)
    assert not list((tmp_path / "new").rglob(".unfinished*"))


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("half")])
@pytest.mark.parametrize("folder", ["rows", "errors", "receipts"])
def test_a_shard_that_was_damaged_is_made_again(tmp_path, folder, damage) -> None:
    source = write_lines(tmp_path / "in.jsonl", [*rows(5), {"id": "bad"}])
    compress_corpus([source], tmp_path / "out", OPTIONS)
    before = files(tmp_path / "out")
    damage(next(path for path in (tmp_path / "out" / folder).iterdir() if path.stem == "part-000001"))
    assert compress_corpus([source], tmp_path / "out", OPTIONS).resumed == 1
    assert files(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": CompressionSettings(rate=0.25)}, "rate was 0.5, is 0.25"),
        ({"question": "Which?"}, "question was None, is 'Which?'"),
        ({"shard_rows": 3}, "shard_rows was 4, is 3"),
        ({"format": "parquet"}, "format was None, is 'parquet'"),
        ({"tokenizer": "cl100k_base"}, "tokenizer was 'o200k_base', is 'cl100k_base'"),
    ],
)
def test_a_run_goes_on_only_as_it_was_begun(tmp_path, change, message) -> None:
    source = write_lines(tmp_path / "in.jsonl", rows(2))
    compress_corpus([source], tmp_path / "out", OPTIONS)
    with pytest.raises(InvalidInputError) as caught:
        compress_corpus([source], tmp_path / "out", OPTIONS.model_copy(update=change))
    assert f"was begun otherwise: {message}. Go on" in str(caught.value)  # and nothing else


def test_a_run_goes_on_only_with_the_same_inputs(tmp_path) -> None:
    first, second = (write_lines(tmp_path / name, rows(2)) for name in ("a.jsonl", "b.jsonl"))
    compress_corpus([first, second], tmp_path / "out", OPTIONS)
    with pytest.raises(InvalidInputError, match="inputs stand in another order"):
        compress_corpus([second, first], tmp_path / "out", OPTIONS)
    third = write_lines(tmp_path / "c.jsonl", rows(2))
    with pytest.raises(InvalidInputError, match=r"input \S+b.jsonl is missing; input \S+c.jsonl is new"):
        compress_corpus([first, third], tmp_path / "out", OPTIONS)
    write_lines(first, rows(2, 1))
    with pytest.raises(InvalidInputError, match=r"input \S+a.jsonl has changed"):
        compress_corpus([first, second], tmp_path / "out", OPTIONS)


def test_an_input_that_shrinks_meanwhile_is_said(tmp_path) -> None:
    for path in (write_lines(tmp_path / "in.jsonl", rows(6)), write_parquet(tmp_path / "in.parquet", rows(6))):

        def shrinks(shards, out, options, advance, path=path):
            (write_lines if path.suffix == ".jsonl" else write_parquet)(path, rows(5))
            yield from in_process(shards, out, options, advance)

        with pytest.raises(InvalidInputError, match="has changed while it was read"):
            compress_corpus([path], tmp_path / f"out{path.suffix}", OPTIONS, engine=shrinks)


def test_an_engine_that_forgets_a_shard_is_found_out(tmp_path) -> None:
    source = write_lines(tmp_path / "in.jsonl", rows(6))

    def forgets(shards, out, options, advance):
        yield from in_process(shards[1:], out, options, advance)

    with pytest.raises(RuntimeError, match="part-000000"):
        compress_corpus([source], tmp_path / "out", OPTIONS, engine=forgets)


def test_two_drivers_at_once_are_refused(tmp_path) -> None:
    source = write_lines(tmp_path / "in.jsonl", rows(2))
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"):
        with pytest.raises(InvalidInputError, match="another run is at work in this folder"):
            compress_corpus([source], tmp_path / "out", OPTIONS)
    assert compress_corpus([source], tmp_path / "out", OPTIONS).rows == 2


def test_folders_and_patterns_stand_for_their_files_and_never_for_the_output(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "corpus" / "b.jsonl", rows(2))
    write_lines(tmp_path / "corpus" / "deep" / "a.ndjson", rows(1, 2))
    write_lines(tmp_path / "corpus" / "_tmp" / "x.jsonl", rows(1, 8))
    write_lines(tmp_path / "corpus" / ".hidden.jsonl", rows(1, 9))
    (tmp_path / "corpus" / "README.md").write_text("no data")
    (tmp_path / "corpus" / "empty.jsonl").write_text("")
    for _ in range(2):
        totals = compress_corpus(["corpus", "corpus/*.jsonl"], "corpus/out", OPTIONS)
        assert (totals.rows, totals.shards) == (3, 2)
    assert [(row.file, row.row) for row in output(tmp_path / "corpus" / "out")] == [
        ("corpus/b.jsonl", 1),
        ("corpus/b.jsonl", 2),
        ("corpus/deep/a.ndjson", 1),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "a,b", "in.csv: must be one of .jsonl, .ndjson, .parquet"),
        ("in.parquet", "PAR", "in.parquet: cannot be read as Parquet"),
        ("in", None, "in: no .jsonl, .ndjson, .parquet files in this folder"),
        ("in*.jsonl", ..., "no such file or folder, and no file matches it as a pattern"),
    ],
)
def test_an_input_that_cannot_be_read_is_named(tmp_path, name, content, message) -> None:
    path = tmp_path / name
    if content is None:
        path.mkdir()
    elif isinstance(content, str):
        path.write_text(content)
    with pytest.raises(InvalidInputError) as caught:
        compress_corpus([path], tmp_path / "out", OPTIONS)
    assert message in str(caught.value)


def test_an_output_that_is_something_else_is_left_alone(tmp_path) -> None:
    source = write_lines(tmp_path / "in.jsonl", rows(1))
    with pytest.raises(InvalidInputError, match="a file; name a folder"):
        compress_corpus([source], source, OPTIONS)
    with pytest.raises(InvalidInputError, match="holds other files and no manifest"):
        compress_corpus([source], tmp_path, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_without_a_budget_nothing_begins(tmp_path) -> None:
    source = write_lines(tmp_path / "in.jsonl", rows(1))
    with pytest.raises(InvalidInputError, match="no budget"):
        compress_corpus([source], tmp_path / "out", BatchOptions())
    assert not (tmp_path / "out").exists()
