"""Lines that stand for themselves, and prose that is only wrapped."""

import json
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tersely import Document
from tersely.text.prose.lines import split_records
from tersely.text.segmentation import segment_documents
from tersely.text.structure import split_blocks

MILL = (
    "The old mill on the river was built in 1820 by Jan de Vries, and Joan de Vries ran it after him. It was sold in "
    "October 2009 for 1,850,000 euros to the Foundation for Windmills in Leiden, after years of decay. Its roof had "
    "fallen in, and nobody had lived there since the war. The new owner, Maria Bakker, turned it into a museum. "
)
LOG = [f"2024-05-0{day} 10:00:00 ERROR worker-{day} disk full. Retrying in {day} s" for day in range(1, 7)]
CHAT = [
    "Alice: Hi all. When is the meeting?",
    "Bob: at three, I think",
    "Alice: no, moved to four",
    "Carol: where?",
    "Bob: Room 12. Bring the forms, please, all of them, signed.",
]


def blocks_of(text):
    return [text[block.start : block.end] for block in split_blocks(text)]


def records_of(text):
    return [text[record.start : record.end] for record in split_records(text, 0, len(text))]


@pytest.mark.parametrize("lines", [LOG, CHAT, [f"{n}\tTown {n}\tx" for n in range(5)]], ids=["log", "chat", "tabs"])
def test_each_line_is_one_block(lines) -> None:
    assert blocks_of("\n".join(lines)) == [*(line + "\n" for line in lines[:-1]), lines[-1]]


def test_rows_of_csv_stand_under_the_names_of_their_columns() -> None:
    text = "name,city,year\n" + "\n".join(f'"Person {n}, jr",Town {n},{1900 + n}' for n in range(5))
    head, *rows = split_blocks(text)
    assert not head.standalone and text[head.start : head.end] == "name,city,year\n"
    assert len(rows) == 5
    assert all(row.needs == (0,) and not row.divisible for row in rows)


def test_the_end_of_a_row_and_the_beginning_of_the_next_are_no_amount() -> None:
    text = "order,customer,date\n" + "\n".join(f"A-{n},de Vries {n},2024-01-1{n}" for n in range(5))
    (segmented,) = segment_documents([(0, Document(text=text))])
    units = [text[segmented.words[u.words[0]].start : segmented.words[u.words[-1]].end] for u in segmented.units]
    assert units == text.splitlines()[1:]


def test_csv_without_names_of_columns_has_no_head() -> None:
    text = "\n".join(f"Person {n},Town {n},{1900 + n}" for n in range(5))
    assert all(block.standalone and not block.needs for block in split_blocks(text))


def test_the_head_of_a_table_does_not_reach_the_text_after_it() -> None:
    text = "name,city,year\n" + "\n".join(f"Person {n},Town {n},{1900 + n}" for n in range(5)) + "\n\nThat was all."
    assert split_blocks(text)[-1].needs == ()


def test_objects_of_json_are_blocks() -> None:
    people = [{"name": f"Person {n}", "address": {"street": f"{n} High Street", "city": "Rome"}} for n in range(9)]
    opening, *blocks, closing = blocks_of(json.dumps(people, indent=2))
    assert [json.loads(block) for block in blocks[::2]] == people
    assert (opening, set(blocks[1::2]), closing) == ("[", {","}, "]")


def test_what_stands_deeper_stays_with_its_line() -> None:
    text = "server:\n  host: example.org\n  port: 80\nlog:\n  level: info\nmode: fast\nuser: anna\n"
    assert records_of(text) == [
        "server:\n  host: example.org\n  port: 80\n",
        "log:\n  level: info\n",
        "mode: fast\n",
        "user: anna\n",
    ]


def test_a_paragraph_a_line_is_cut_into_its_sentences() -> None:
    lines = [MILL.strip()] * 4
    assert len(blocks_of("\n".join(lines))) == 4 * len(blocks_of(MILL.strip()))


@given(width=st.integers(40, 120), indent=st.sampled_from(["", "  "]))
def test_wrapped_prose_is_no_list_of_lines(width, indent) -> None:
    text = textwrap.fill(MILL * 3, width, subsequent_indent=indent)
    assert records_of(text) == []


@given(widths=st.lists(st.integers(55, 75), min_size=4, max_size=12))
def test_the_ragged_lines_of_a_pdf_are_prose(widths) -> None:
    words, lines = (MILL * 3).split(), []
    for width in widths:  # a line of so many millimetres has now more characters, now fewer
        line = ""
        while words and len(line) + len(words[0]) < width:
            line = f"{line} {words.pop(0)}".strip()
        lines.append(line)
    assert records_of("\n".join(lines)) == []


def test_an_indented_program_is_left_as_it_is() -> None:
    program = (
        "    items = load()\n    Item = namedtuple()\n    for item in items:\n        Print(item)\n    Done = True\n"
    )
    assert records_of(program) == []
    assert len(blocks_of(f"An example is this one.\n\n{program}")) == 2


@given(st.text(alphabet='ab A1,:;|\t\n {}[]"<-', max_size=200))
def test_records_cover_the_paragraph_in_order(text) -> None:
    records = split_records(text, 0, len(text))
    assert "".join(text[record.start : record.end] for record in records) == (text if records else "")
    assert all(text[record.start : record.end].strip() for record in records)


def test_a_long_file_takes_linear_time() -> None:
    deep = "\n".join(" " * (n % 300) + f'"name": {n}' for n in range(20_000))
    assert len(records_of("{\n" + deep)) > 1000


def test_a_compressed_table_is_rows_under_their_head(fake_compressor) -> None:
    text = "name,city,year\n" + "\n".join(f"Person {n},Town {n},{1900 + n}" for n in range(40))
    result = fake_compressor.compress([text], "Where was Person 17 in 1917?", target_tokens=60)
    lines = result.context.splitlines()
    assert lines[0] == "name,city,year"
    assert "Person 17,Town 17,1917" in lines
    assert set(lines) <= set(text.splitlines())
