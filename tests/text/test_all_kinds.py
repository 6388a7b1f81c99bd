"""What holds for a text of any kind, whichever of its units are wanted and however small the budget is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept_units import TEXTS, segment, shown
from tersely.budget.counting import token_counter
from tersely.budget.fit import fit
from tersely.budget.pieces import Piece
from tersely.budget.rendering import document_text, render_context
from tersely.text.segmentation import SegmentedDocument

count = token_counter("o200k_base", fallback=lambda: pytest.fail("no encoding")).count
SEGMENTED = {path.name: segment(path.read_text(encoding="utf-8")) for path in sorted(TEXTS.iterdir())}
of_every_kind = pytest.mark.parametrize("name", SEGMENTED)
any_choice = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def keep(segmented: SegmentedDocument, wanted: Sequence[int], budget: int) -> np.ndarray:
    """Which words stay of a text when these units are wanted, best first."""
    pieces = [
        Piece(0, unit.words.start, unit.words.stop, unit.context)
        for unit in (segmented.units[number] for number in wanted)
    ]
    (mask,) = fit([segmented], [0], pieces, budget, count).masks
    return mask


def draw(data: st.DataObject, segmented: SegmentedDocument) -> tuple[np.ndarray, int]:
    """Which words stay of some of the units, in any order, and the budget."""
    numbers = range(len(segmented.units))
    wanted = data.draw(st.lists(st.sampled_from(numbers), min_size=1, unique=True))
    budget = data.draw(st.integers(1, count(segmented.document.text) + 5))
    return keep(segmented, wanted, budget), budget


def without_white_space(text: str) -> str:
    return "".join(text.split())


def kept_words(segmented: SegmentedDocument, kept: np.ndarray) -> list[str]:
    text = segmented.document.text
    return [
        without_white_space(text[word.start : word.end])
        for word, stays in zip(segmented.words, kept, strict=True)
        if stays
    ]


@of_every_kind
@any_choice
@given(st.data())
def test_whole_units_stay_with_their_context_and_nothing_else(name: str, data: st.DataObject) -> None:
    segmented = SEGMENTED[name]
    kept, _ = draw(data, segmented)
    explained = np.zeros(len(kept), dtype=bool)
    for unit in segmented.units:
        stays = kept[unit.words.start : unit.words.stop]
        assert stays.all() or not stays.any(), shown(segmented, unit.words)
        if stays.all():
            for words in (unit.words, *unit.context):
                assert kept[words.start : words.stop].all(), shown(segmented, words)
                explained[words.start : words.stop] = True
    for words, earlier, following in segmented.separators:
        stands_between = kept[earlier.start : earlier.stop].any() and kept[following.start : following.stop].any()
        explained[words.start : words.stop] |= stands_between
    assert (kept == explained).all()


@of_every_kind
@any_choice
@given(st.data())
def test_the_output_is_what_was_kept_in_its_order_and_fits(name: str, data: st.DataObject) -> None:
    segmented = SEGMENTED[name]
    kept, budget = draw(data, segmented)
    output = render_context([segmented], [kept], [0])
    assert count(output) <= budget
    remaining = iter(segmented.document.text)
    assert all(sign in remaining for sign in output)
    assert without_white_space(output) == "".join(kept_words(segmented, kept))


@of_every_kind
@any_choice
@given(st.data())
def test_the_output_can_be_read_again(name: str, data: st.DataObject) -> None:
    segmented = SEGMENTED[name]
    kept, _ = draw(data, segmented)
    output = document_text(segmented, kept)
    if not output:
        return
    again = segment(output)
    edges = {0, *accumulate(map(len, kept_words(segmented, kept)))}
    for unit in again.units:
        start, end = again.words[unit.words.start].start, again.words[unit.words.stop - 1].end
        assert len(without_white_space(output[:start])) in edges, output[start:end]
        assert len(without_white_space(output[:end])) in edges, output[start:end]
    whole = "".join(kept_words(again, np.ones(len(again.words), dtype=bool)))
    for unit in segmented.units:
        if kept[unit.words.start : unit.words.stop].all():
            assert without_white_space(shown(segmented, unit.words)) in whole


@pytest.mark.parametrize("name", ["products.json", "tool_result.json", "events.jsonl", "news.rss"])
@any_choice
@given(st.data())
def test_what_stays_of_json_and_xml_can_be_parsed(name: str, data: st.DataObject) -> None:
    segmented = SEGMENTED[name]
    kept, _ = draw(data, segmented)
    output = document_text(segmented, kept)
    if output and name.endswith(".rss"):
        ElementTree.fromstring(output)
    elif output:
        for record in output.splitlines() if name.endswith(".jsonl") else [output]:
            json.loads(record)
