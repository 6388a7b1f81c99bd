"""The pages about kinds of text: every example is true, and every limit is the one in the program."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from text.readers import units

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {name: (DOCS / name).read_text(encoding="utf-8") for name in ("texts.md", "texts-data.md")}
EXAMPLE = re.compile(r"^~~~~sample\n(.*?)^~~~~\n~~~~units\n(.*?)^~~~~$", re.MULTILINE | re.DOTALL)
EXAMPLES = [match.groups() for page in PAGES.values() for match in EXAMPLE.finditer(page)]
LIMIT = re.compile(r"^\| (?P<what>[^|]+) \| (?P<limit>\d+) \| [^|]+ \| `(?P<reader>[\w.]+)` \|$", re.MULTILINE)
LONGEST_SENTENCE = 25  # words


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def listed(lines: str) -> dict[str, list[str]]:
    """The units of an example -> what each needs."""
    needs: dict[str, list[str]] = {}
    for line in lines.splitlines():
        key, _, shown = line.partition(": ")
        if key == "unit":
            needs[shown] = below = []
        else:
            assert key == "needs", line
            below.append(shown)
    return needs


def test_all_examples_are_tested() -> None:
    assert len(EXAMPLES) > 20
    for page in PAGES.values():
        assert len(EXAMPLE.findall(page)) == page.count("~~~~sample\n") == page.count("~~~~units\n")


@pytest.mark.parametrize(("sample", "lines"), EXAMPLES)
def test_an_example_is_true(sample: str, lines: str) -> None:
    there = {on_one_line(unit): [on_one_line(part) for part in needs] for unit, needs in units(sample).items()}
    for unit, needs in listed(lines).items():
        assert there[unit] == needs


@pytest.mark.parametrize("match", list(LIMIT.finditer(PAGES["texts.md"])), ids=lambda match: match["what"])
def test_a_limit_is_the_one_of_its_reader(match: re.Match[str]) -> None:
    reader = importlib.import_module(f"tersely.text.{match['reader']}")
    assert int(match["limit"]) in [value for name, value in vars(reader).items() if name.upper().startswith("_LONGEST")]


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_short(page: str) -> None:
    prose = re.sub(r"^~~~~.*?^~~~~$|^[|#].*$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)
    for sentence in re.split(r"(?<=[.:?])\s+|\n\n|\n- ", prose):
        assert len(sentence.split()) <= LONGEST_SENTENCE, sentence
