"""Sources of LaTeX, and formulas in any text: whole, under their sections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.readers import TEXTS, assert_covered, example, is_prose, unit_with, units

from growth import assert_grows_with_the_text
from tersely.text.structure import split_blocks


def test_text_stands_under_its_sections() -> None:
    _, context = unit_with(example("tides.tex"), "Rotterdam")
    assert context == ["\\section{Heights}", "\\subsection{Harbours} \\label{harbours}", "The harbours are these:"]
    assert unit_with(example("tides.tex"), "The wind")[1] == ["\\section{Limits}"]


def test_small_environments_and_formulas_are_whole() -> None:
    unit, _ = unit_with(example("tides.tex"), "full moon")
    assert unit.startswith("\\begin{theorem}") and unit.endswith("\\end{theorem}")
    unit, _ = unit_with(example("tides.tex"), "\\sum_i")
    assert unit.startswith("\\begin{equation}") and unit.endswith("\\end{equation}")


def test_what_says_nothing_is_no_unit() -> None:
    assert not any("documentclass" in unit or "{document}" in unit for unit in units(example("tides.tex")))


def test_a_large_list_is_its_items_between_its_beginning_and_its_end() -> None:
    items = "".join(f"\\item Harbour {n}, where the height is {n}.5 m.\n  It was less in October.\n" for n in range(40))
    text = f"\\section{{A}}\nThese are all:\n\\begin{{itemize}}\n{items}\\end{{itemize}}\nAfter.\n"
    unit, context = unit_with(text, "Harbour 17,")
    assert unit == "\\item Harbour 17, where the height is 17.5 m.\n  It was less in October."
    assert context == ["\\section{A}", "These are all:", "\\begin{itemize}", "\\end{itemize}"]
    assert units(text)["After."] == ["\\section{A}"]


def test_a_paragraph_with_a_title_is_what_stands_beside_it() -> None:
    assert units("\\section{A}\n\\paragraph{Wind.} It is left out. It is strong.\n") == {
        "It is left out.": ["\\section{A}", "\\paragraph{Wind.}"],
        "It is strong.": ["\\section{A}", "\\paragraph{Wind.}"],
    }


def test_a_formula_in_markdown_is_whole_and_takes_its_lead_in() -> None:
    unit, context = unit_with(example("formula.md"), "\\sum_i")
    assert unit.startswith("$$\n") and unit.endswith("\n$$")
    assert context == ["# Heights", "The height is a sum of waves:"]
    assert "\\[ E = m c^2 \\]" in units(example("formula.md"))


@pytest.mark.parametrize(
    "text",
    [
        "A beer costs $$ here.\n\n$$ is what they write. Nobody knows why.\n\nIt is cheap.",
        "$$ for a beer.\nIt is cheap. So $$ is little. And that was it.",
        "\\[ it says on the wall.\n\nNobody knows why.",
        "He wrote \\section on the wall. Then \\item and \\begin.",
    ],
)
def test_prose_with_the_signs_of_formulas_is_prose(text) -> None:
    assert is_prose(text)


LINES = sorted({line for name in ("tides.tex", "formula.md") for line in (TEXTS / name).read_text().splitlines()})


@given(
    st.lists(st.sampled_from([*LINES, "", "\\begin{proof}", "\\end{proof} \\begin{proof}", "\\section{"]), max_size=25)
)
def test_all_is_covered_in_order(lines) -> None:
    assert_covered("\n".join(lines))


@pytest.mark.parametrize(
    "lines",
    ["$$\n", "$$\n\n", "\\[\n", "\\begin{a}\n", "\\begin{a}\\end{a}\n", "\\item\n", "\\section{\n", "\\begin{align}\n"],
)
def test_linear_time(lines) -> None:
    assert_grows_with_the_text(split_blocks, lines * (200_000 // len(lines)))


def test_environments_in_environments_are_no_trouble() -> None:
    split_blocks("\\begin{a}\n" * 3000 + "x\n" + "\\end{a}\n" * 3000)
    split_blocks("\\begin{itemize}\n\\item a\n" * 3000 + "\\end{itemize}\n" * 3000)
