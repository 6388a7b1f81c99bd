"""Output of commands: whole rows under their columns, what was found with its file, a command over what it said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.readers import TEXTS, assert_covered, example, unit_with, units

from growth import assert_grows_with_the_text
from tersely.text.structure import split_blocks
from tersely.text.terminal import columns, listings, patches, search_results, sessions, tracebacks

NAMES = ["disks.txt", "processes.txt", "pods.txt", "files.txt", "found.txt", "session.txt", "packages.txt",
         "programs.txt", "trace-java.txt", "change.patch"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "piece"), [("disks.txt", "/data"), ("processes.txt", "tides.api"), ("pods.txt", "store-6c4b")]
)
def test_a_row_stands_whole_under_the_names_of_the_columns(name, piece) -> None:
    lines = example(name).splitlines()
    unit, context = unit_with(example(name), piece)
    assert unit in lines and context == [lines[0]]


def test_rows_without_names_of_columns_stand_alone() -> None:
    unit, context = unit_with(example("files.txt"), "VERSION")
    assert unit.startswith("-rw-r--r--") and context == []


def test_lines_around_a_match_stay_with_it_and_its_file() -> None:
    assert list(units(example("found.txt"))) == [part.strip() for part in example("found.txt").split("--\n")]


def test_matches_without_lines_around_them_are_units() -> None:
    text = "src/a.py:3:retries = 7\nsrc/a.py:9:retries = 8\nsrc/b.py:1:retries = 2\n"
    assert list(units(text)) == text.splitlines()


def test_a_name_and_the_line_below_it_are_a_unit() -> None:
    assert list(units(example("programs.txt"))) == [
        "rg\n/usr/bin/rg", "fd\n/opt/bin/fd", "jq\nnot found", "yq\n/usr/local/bin/yq"
    ]  # fmt: skip


def test_a_block_of_keys_and_values_is_a_unit() -> None:
    unit, context = unit_with(example("packages.txt"), "0.9")
    assert unit == "Package: harbours\nVersion: 0.9\nDescription: where harbours are" and not context


def test_a_long_block_of_keys_and_values_stands_under_its_first_key() -> None:
    blocks = [f"Unit: {n}\n" + "\n".join(f"key{k}: value {n}-{k} of it" for k in range(90)) for n in range(2)]
    unit, context = unit_with("\n\n".join(blocks), "value 1-41")
    assert unit == "key41: value 1-41 of it" and context == ["Unit: 1"]


def test_a_command_stands_with_its_output() -> None:
    found = units(example("session.txt"))
    assert "$ which rg\n/usr/bin/rg" in found
    assert any(unit.startswith("$ df -h\n") and unit.endswith("/data") for unit in found)
    assert found["The disk of the harbour is almost full, as everybody can see."] == []


def test_rows_of_long_output_stand_under_their_columns_and_the_command() -> None:
    rows = [f"store-{n}   1/1     Running   {n}   3d" for n in range(100, 140)]
    names = "NAME        READY   STATUS    N     AGE"
    unit, context = unit_with("\n".join(["anna@mill:~/tides$ kubectl get pods", names, *rows]), "store-117")
    assert unit == rows[17] and context == ["anna@mill:~/tides$ kubectl get pods", names]


def test_a_stack_trace_is_whole_and_a_long_one_stands_under_its_error() -> None:
    assert list(units(example("trace-java.txt"))) == [example("trace-java.txt").strip()]
    calls = [f'  File "/srv/tides/store.py", line {n}, in read\n    return self.rows[{n}]' for n in range(40)]
    trace = ["Traceback (most recent call last):", *calls, "KeyError: 17"]
    unit, context = unit_with("It failed.\n\n" + "\n".join(trace) + "\n\nThat was all.", "line 21,")
    assert unit == calls[21].strip() and context == [trace[0], trace[-1]]


def test_a_hunk_stands_whole_under_its_file() -> None:
    unit, context = unit_with(example("change.patch"), "self.flush()")
    assert unit.startswith("@@ -40,2 +40,3 @@") and unit.endswith("self.file.close()")
    assert context[0].startswith("diff --git a/tides/store.py") and len(context) == 1
    unit, context = unit_with(example("change.patch"), "+1.5")
    assert unit == "@@ -1 +1 @@\n-1.4\n+1.5" and context[0].startswith("diff --git a/VERSION")


def test_a_long_hunk_is_cut_in_whole_lines() -> None:
    lines = [f"+line {n} {'x' * 50}" for n in range(100)]
    text = f"--- a/x\n+++ b/x\n@@ -0,0 +1,100 @@\n{chr(10).join(lines)}\n"
    found = units(text)
    assert len(found) > 1 and all(set(unit.splitlines()) <= set(lines) for unit in found)
    assert all(context == ["--- a/x\n+++ b/x", "@@ -0,0 +1,100 @@"] for context in found.values())


@pytest.mark.parametrize(
    "text",
    [
        "Revenue ($ in millions)\n$ million\n$ in thousands\nThe year was good for all of us.",
        "The old  mill stands  by the river\nand was  built in  1820 by\nJan  de Vries, who  had three children.",
        "either/or: that was the question\nand/or - nobody knew\nhe/she: so they say",
        "He came.\n\n@@ is an odd sign.\n\nError and exception alike\nat the mill\nat the river",
        "Name: Anna\nCity: Leiden\n\nThe rest is unknown. Nobody asked her.",
    ],
)
def test_prose_that_looks_like_output_is_left_alone(text) -> None:
    for reader in (patches, columns, listings, search_results, sessions, tracebacks):
        assert reader.find(text, 0, len(text)) == []


LINES = sorted({line for name in NAMES for line in (TEXTS / name).read_text().splitlines()})


@given(st.lists(st.sampled_from([*LINES, "", "A sentence of prose that says nothing at all."]), max_size=25))
def test_all_is_covered_in_whole_lines(lines) -> None:
    text = "\n".join(lines)
    assert_covered(text)
    assert all(block.divisible or not block.start or text[block.start - 1] == "\n" for block in split_blocks(text))


@pytest.mark.parametrize("name", NAMES)
def test_any_piece_is_covered(name) -> None:
    lines = example(name).splitlines(keepends=True)
    for first in range(len(lines)):
        assert_covered("".join(lines[first:]))
        assert_covered("".join(lines[: first + 1]))


TRACE = "Traceback (most recent call last):\n"
REPEATED = ["$ ls\n", "a/b.c:1:x\n", "--\na/b.c-1-x\n", "A  B  C\n", "@@ -1 +1 @@\n", "--- a\n", "k: v\n", "rg\n/a\n",
            "k: v\nk: v\n\n", TRACE, f"{TRACE}  a\nb:\n\nDuring handling of the above\n\n", "aError:\n  at b\n",
            "-rw-r--r-- 1 a\n", ">>> a\n... b\n"]  # fmt: skip


@pytest.mark.parametrize("lines", REPEATED)
def test_linear_time(lines) -> None:
    text = lines * (200_000 // len(lines))
    assert_grows_with_the_text(split_blocks, text)
