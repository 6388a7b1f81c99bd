"""Entries with their terms: options, directives, lists of terms; prose that is only indented stays prose."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.readers import TEXTS, assert_covered, example, is_prose, unit_with, units

from growth import assert_grows_with_the_text
from tersely.text.structure import split_blocks

NAMES = ["worker.rst", "help.txt", "manual.txt", "terms.txt"]
MILL = (
    "The old mill on the river was built in 1820 by Jan de Vries, and Joan de Vries ran it after him. It was sold in "
    "October 2009 for 1,850,000 euros to the Foundation for Windmills in Leiden, after years of decay. "
)


def test_what_is_said_of_an_option_stands_with_it() -> None:
    unit, context = unit_with(example("worker.rst"), "The default is 4.")
    assert unit == ".. option:: --concurrency <n>\n\n   The default is 4."
    assert context == ["Running a worker\n================"]


def test_underlined_titles_next_to_directives_are_headings() -> None:
    _, context = unit_with(example("worker.rst"), "after an hour")
    assert context == ["Running a worker\n================", "Limits\n------"]


def test_options_of_a_help_page_stand_under_the_line_that_introduces_them() -> None:
    unit, context = unit_with(example("help.txt"), "(default: 8000)")
    assert unit.startswith("--port PORT") and context == ["options:"]
    unit, context = unit_with(example("help.txt"), "how much it writes")
    assert unit.startswith("--log {short,long}, -l") and context == ["options:"]


def test_a_section_of_a_manual_is_its_options_under_its_title() -> None:
    unit, context = unit_with(example("manual.txt"), "The default is 80.")
    assert unit.startswith("-w, --width=COLS") and context == ["OPTIONS"]
    unit, context = unit_with(example("manual.txt"), "moon(1)")
    assert unit == "SEE ALSO\n       moon(1)"


def test_a_term_stands_with_its_definition() -> None:
    assert units(example("terms.txt")) == {part.strip(): [] for part in example("terms.txt").split("\n\n")}


def test_a_long_entry_stands_under_its_term() -> None:
    long = textwrap.indent(textwrap.fill(MILL * 5, 80), "    ")
    _, context = unit_with(f"broker\n{long}\n\nworker\n    What does the work. It may stop.\n", "It may stop.")
    assert context == []
    text = f"--broker URL\n{long}\n\n--worker\n    What does the work.\n"
    assert all(context == ["--broker URL"] for unit, context in units(text).items() if not unit.startswith("--worker"))
    text = f".. option:: --broker\n\n{long}\n"
    assert set(map(tuple, units(text).values())) == {(".. option:: --broker",)}


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize(("first", "others"), [("", "  "), ("    ", ""), ("  ", "  ")])
def test_wrapped_prose_is_prose_however_it_is_indented(width, first, others) -> None:
    paragraph = textwrap.fill(MILL * 2, width, initial_indent=first, subsequent_indent=others)
    assert is_prose(f"{paragraph}\n\n{paragraph}\n\n{paragraph}")


@pytest.mark.parametrize(
    "text",
    [
        "Dear Anna,\n   I write to you from Leiden.\n\nYours,\n   Jan",
        "It was cold -\n  5 degrees below zero - and\n  nobody came.",
        "Title\n=====\n\nText of it.",
        "He said: see :that: and :this: there.\nNobody saw .. anything.",
    ],
)
def test_prose_that_looks_like_entries_is_prose(text) -> None:
    assert is_prose(text)


LINES = sorted({line for name in NAMES for line in (TEXTS / name).read_text().splitlines()})


@given(st.lists(st.sampled_from([*LINES, "", "A sentence of prose that says nothing at all."]), max_size=25))
def test_all_is_covered_in_order(lines) -> None:
    assert_covered("\n".join(lines))


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 900)), min_size=2, max_size=5))
def test_a_body_never_stands_without_its_option(options) -> None:
    entries = [
        f"  --option-{n}\n" + textwrap.indent(textwrap.fill("water " * size, 90), " " * 8) for n, size in options
    ]
    for unit, context in units("\n\n".join(entries)).items():
        assert unit.startswith("--option-") or context[0].startswith("--option-")


@pytest.mark.parametrize(
    "lines",
    ["--a b\n", "-a\n  b\n", "a\n b\n", ".. a::\n", ".. a::\n\n b\n", ":a:\n", "a\n===\n", "a:\n  -b\n", "  a  b\n"],
)
def test_linear_time(lines) -> None:
    assert_grows_with_the_text(split_blocks, lines * (200_000 // len(lines)))


def test_linear_time_in_deep_text() -> None:
    assert_grows_with_the_text(split_blocks, ".. a::\n" + "".join(" " * n + "a:\n" for n in range(600)))
