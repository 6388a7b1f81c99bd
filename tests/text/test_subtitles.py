"""Subtitles: a cue is its number, its times and what is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from text.readers import TEXTS, assert_covered, example, is_prose, unit_with, units

from growth import assert_grows_with_the_text
from tersely.text.structure import split_blocks


def test_a_cue_is_a_unit() -> None:
    assert units(example("film.srt")) == {part.strip(): [] for part in example("film.srt").split("\n\n")}


def test_the_first_line_of_webvtt_comes_with_every_cue() -> None:
    unit, context = unit_with(example("interview.vtt"), "In 1820.")
    assert unit.startswith("00:04.500 -->") and unit.endswith("in 2009.") and context == ["WEBVTT - Interview"]
    assert unit_with(example("interview.vtt"), "When was")[0].startswith("intro\n")


def test_prose_after_the_last_cue_is_prose() -> None:
    text = example("film.srt") + "\nThis was the end. It was short.\n"
    assert "It was short." in units(text)


def test_an_arrow_in_prose_is_no_subtitle() -> None:
    assert is_prose("It went from 00:00 --> 00:10 and on. Nobody saw a --> b.")


LINES = sorted({line for name in ("film.srt", "interview.vtt") for line in (TEXTS / name).read_text().splitlines()})


@given(st.lists(st.sampled_from([*LINES, "", "A sentence of prose."]), max_size=25))
def test_all_is_covered_in_order(lines) -> None:
    assert_covered("\n".join(lines))


def test_linear_time() -> None:
    for text in ("00:00.000 --> 00:01.000\n" * 10_000, "1\n00:00.000 --> 00:01.000\n\n" * 8_000, " --> " * 50_000):
        assert_grows_with_the_text(split_blocks, text)
