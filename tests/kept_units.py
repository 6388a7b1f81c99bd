"""What is sent of a text when some of its units are chosen: they, what they need, and what stands between them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from tersely import Document
from tersely.budget.rendering import document_text
from tersely.text.segmentation import SegmentedDocument, segment_documents, with_separators

TEXTS = Path(__file__).parent / "data" / "texts"


def segment(text: str) -> SegmentedDocument:
    (segmented,) = segment_documents([(0, Document(text=text))])
    return segmented


def shown(segmented: SegmentedDocument, words: range) -> str:
    return segmented.document.text[segmented.words[words.start].start : segmented.words[words.stop - 1].end]


def units(text: str) -> list[str]:
    segmented = segment(text)
    return [shown(segmented, unit.words) for unit in segmented.units]


def sent(segmented: SegmentedDocument, chosen: Iterable[int]) -> str:
    kept = np.zeros(len(segmented.words), dtype=bool)
    for number in chosen:
        unit = segmented.units[number]
        for words in (unit.words, *unit.context):
            kept[words.start : words.stop] = True
    return document_text(segmented, with_separators(segmented, kept))


def kept_with(text: str, *wanted: str) -> str:
    """The text that is sent for those units that contain one of the wanted pieces."""
    segmented = segment(text)
    chosen = [
        number
        for number, unit in enumerate(segmented.units)
        if any(piece in shown(segmented, unit.words) for piece in wanted)
    ]
    assert chosen, units(text)
    return sent(segmented, chosen)


def choices(segmented: SegmentedDocument) -> st.SearchStrategy[set[int]]:
    """At least one of the units."""
    return st.sets(st.integers(0, len(segmented.units) - 1), min_size=1)
