"""A note of a text goes with what refers to it, and never alone."""

from __future__ import annotations

import pytest

from tersely import Document
from tersely.text.segmentation import segment_documents


def context(text: str) -> dict[str, list[str]]:
    """The text of each unit -> the texts of what it needs."""
    (segmented,) = segment_documents([(0, Document(text=text))])

    def shown(words: range) -> str:
        return text[segmented.words[words.start].start : segmented.words[words.stop - 1].end]

    return {shown(unit.words): [shown(part) for part in unit.context] for unit in segmented.units}


def test_a_sentence_needs_its_note() -> None:
    note = "[^lim]: Only for paid plans. Free plans get 10."
    needed = context(f"The limit is 100 requests.[^lim] It is checked often.\n\n{note}\n\nMore text is here.")
    assert needed == {"The limit is 100 requests.[^lim]": [note], "It is checked often.": [], "More text is here.": []}


@pytest.mark.parametrize("sign", ["²", "†", "¹²"])
def test_a_row_needs_its_note(sign) -> None:
    header = "| Drug | Dose | Most |\n|---|---|---|"
    rows = [f"| Drug {number} | {number}00 mg | {number} g{sign if number == 3 else ''} |" for number in range(20)]
    note = f"{sign} 2 g for patients with liver disease."
    needed = context("\n".join([header, *rows, "", note, "", "The end."]))
    assert needed[rows[3]] == [header, note] and needed[rows[4]] == [header]
    assert note not in needed


def test_a_power_is_no_reference_and_a_note_without_one_is_text() -> None:
    needed = context("The field has 40 m² of grass.\n\n² Something else stands here.")
    assert needed == {"The field has 40 m² of grass.": [], "² Something else stands here.": []}
    assert context("It is true.[1] So is that.[2]") == {"It is true.[1]": [], "So is that.[2]": []}
