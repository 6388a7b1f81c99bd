"""Texts for the tests of the method, and what a result chose of them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from test_profile import write

from doubles import FakeScorer
from tersely import CompressionResult, Compressor
from tersely.text.segmentation import SegmentedDocument, segment_documents

QUESTION = "When was the mill sold, and for how much?"
MILL = (
    "The old mill on the river was built in 1820 by Jan Smit. In October 2009 the mill was sold for 1,850,000 euros. "
    "Its new owner turned the building into a museum. It is open daily but for Mondays."
)
OTHER = "Windmills turn when the wind blows. Water mills turn when water flows. Both have ground corn for centuries."
BAKERY = "A bakery across the street sold bread and cake. It closed long ago. Nobody knows why it did."
GUIDE = """# Guide

The mill was built in 1820. It stands on the river, which is wide there. Nobody knows who built it.

## Prices

| Year | Price in euros |
|------|----------------|
| 1820 | 1,850 |
| 2009 | 1,850,000 |

## Use

To open the door of the mill:

1. Turn the big wheel slowly.
2. Run:

   ```sh
   open --door
   ```

- Never stand behind it.
- Mind the gap!
"""


class Cut(NamedTuple):
    """A unit of which some words are kept and some are not."""

    text: str
    kept: int  # words
    runs: int


class Choice(NamedTuple):
    """What became of the units of a result."""

    whole: list[str]
    cut: list[Cut]
    dropped: list[str]


def shown(segmented: SegmentedDocument, words: range) -> str:
    return segmented.document.text[segmented.words[words.start].start : segmented.words[words.stop - 1].end]


def choice(result: CompressionResult) -> Choice:
    """Checks on the way that headings, table heads and the like stand wherever something under them stands."""
    found = Choice([], [], [])
    for one in result.documents:
        (segmented,) = segment_documents([(one.index, one.document)])
        kept = np.array(
            [any(start <= word.start and word.end <= end for start, end in one.kept) for word in segmented.words]
        )
        for unit in segmented.units:
            text, there = shown(segmented, unit.words), kept[unit.words.start : unit.words.stop]
            if there.any():
                assert all(kept[part.start : part.stop].all() for part in unit.context), (
                    f"without its context: {text!r}"
                )
            if there.all():
                found.whole.append(text)
            elif there.any():
                assert unit.divisible, f"kept in part: {text!r}"
                runs = int(np.count_nonzero(np.diff(np.concatenate([[0], there.astype(int)])) == 1))
                found.cut.append(Cut(text, int(there.sum()), runs))
            else:
                found.dropped.append(text)
    return found


def is_one_phrase(cut: list[Cut]) -> bool:
    return len(cut) <= 1 and all(one.runs == 1 for one in cut)


@pytest.fixture(params=["contrast", "heads"])
def compressor(request: pytest.FixtureRequest, fresh_home: Path) -> Compressor:
    """Without a profile of its own, and with one."""
    if request.param == "heads":
        write()
    return Compressor(FakeScorer(), tokenizer="o200k_base")
