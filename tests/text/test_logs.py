"""Logs: entries whole, with their stack traces, whatever their length and format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.readers import assert_covered, example, unit_with, units

from growth import assert_grows_with_the_text
from tersely.text.structure import split_blocks
from tersely.text.terminal import logs


def test_an_entry_stands_with_its_stack_trace() -> None:
    unit, context = unit_with(example("service.log"), "KeyError: 17")
    assert unit.startswith("2026-11-30 20:31:07,402 ERROR") and unit.endswith("KeyError: 17") and not context


def test_a_long_entry_of_several_sentences_is_whole() -> None:
    unit, _ = unit_with(example("service.log"), "took 9.2 s.")
    assert unit.startswith("2026-11-30 20:31:09") and unit.endswith("at midnight.")


def test_a_line_of_another_format_is_an_entry() -> None:
    assert "nginx: worker process 41 exited on signal 9" in units(example("service.log"))


def test_deeper_lines_continue_an_entry_where_each_line_has_its_time() -> None:
    unit, _ = unit_with(example("job.log"), "received 41")
    assert len(unit.splitlines()) == 3 and "FAIL src/price.test.ts" in unit


def test_a_short_group_is_whole_and_a_long_one_stands_under_its_name() -> None:
    unit, _ = unit_with(example("job.log"), "ubuntu-24.04")
    assert unit.endswith("##[endgroup]")
    stamp = "2026-11-30T09:06:21.0000000Z "
    lines = [f"{stamp}##[group]Install", *(f"{stamp}added package-{n}" for n in range(40)), f"{stamp}##[endgroup]"]
    unit, context = unit_with("\n".join([*lines, f"{stamp}Done"]), "package-17")
    assert unit == f"{stamp}added package-17" and context == [lines[0], lines[-2 + 1]]


def test_a_diary_is_no_log() -> None:
    day = "2026-11-0{} We went to the old mill. It rained all day. Nobody else was there. Then we walked home. " * 3
    text = "\n".join(day.format(n, n, n) for n in range(1, 6))
    assert logs.find(text, 0, len(text)) == []


@given(
    st.lists(
        st.sampled_from([*example("service.log").splitlines(), "", "  deep", "A sentence that is no entry of it."])
    )
)
def test_entries_are_whole_lines_and_cover_the_text(lines) -> None:
    text = "\n".join(lines)
    assert_covered(text)
    for region in logs.find(text, 0, len(text)):
        blocks = [block for block in split_blocks(text) if region.start <= block.start < region.end]
        assert all(block.start == 0 or text[block.start - 1] == "\n" for block in blocks)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30 20:31:00 ERROR a\n" * 20_000,
        "20:31:00 a\n  at b\n" * 20_000,
        "ERROR: " * 100_000 + "\n\n\n",
        "[1:1:1] \n\n" * 20_000,
        "##[group]a\n" * 20_000 + "20:31:00 a\n" * 9,
    ],
    ids=["entries", "traces", "one line", "blank lines", "groups"],
)
def test_linear_time(text) -> None:
    assert_grows_with_the_text(split_blocks, text)
