"""What the tests of readers ask: which units a text has, and what each of them takes along."""

from __future__ import annotations

from pathlib import Path

from tersely import Document
from tersely.text.segmentation import segment_documents
from tersely.text.structure import split_blocks

TEXTS = Path(__file__).parents[1] / "data" / "texts"


def example(name: str) -> str:
    return (TEXTS / name).read_text(encoding="utf-8")


def units(text: str) -> dict[str, list[str]]:
    """The text of each unit -> the texts of what it takes along, in order."""
    (segmented,) = segment_documents([(0, Document(text=text))])
    words = segmented.words
    return {
        text[words[unit.words[0]].start : words[unit.words[-1]].end]: [
            text[words[part[0]].start : words[part[-1]].end] for part in unit.context
        ]
        for unit in segmented.units
    }


def unit_with(text: str, piece: str) -> tuple[str, list[str]]:
    """The one unit that has a piece of text in it, and what it takes along."""
    ((unit, context),) = [(unit, context) for unit, context in units(text).items() if piece in unit]
    return unit, context


def is_prose(text: str) -> bool:
    """Whether a text is cut into sentences throughout."""
    return all(block.divisible for block in split_blocks(text))


def assert_covered(text: str) -> None:
    """All of a text but white space stands in its blocks, in order."""
    done = 0
    for block in split_blocks(text):
        assert not text[done : block.start].strip() and block.start >= done and text[block.start : block.end].strip()
        done = block.end
    assert not text[done:].strip()
