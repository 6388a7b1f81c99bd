"""Documents that say the same: read once, paid for once, whatever their order."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tersely import Document
from tersely.budget.copies import find_copies

MILL = "The old mill on the river was sold in October 2009 for 1,850,000 euros, after years of decay."
OTHER = "Windmills turn when the wind blows. Water mills turn when water flows, and both have ground corn."


def copies(*texts: str) -> dict[int, int]:
    return find_copies(dict(enumerate(texts)))


def test_the_same_text_is_a_copy_of_the_first() -> None:
    assert copies(MILL, OTHER, MILL, MILL) == {2: 0, 3: 0}
    assert copies(MILL, f"  {MILL.upper()}\n") == {1: 0}


def test_of_a_text_and_a_part_of_it_the_fullest_counts_in_either_order() -> None:
    both = f"{MILL} {OTHER}"
    assert copies(MILL, both) == {0: 1} and copies(both, MILL) == {1: 0}
    assert copies(MILL[:67], MILL) == {}, "a word is cut, and is another word"
    assert copies(" ".join(MILL.split()[:12]), MILL) == {0: 1}


def test_what_differs_in_a_fact_is_no_copy() -> None:
    assert copies(MILL, MILL.replace("2009", "2010")) == {}
    assert copies(MILL, MILL.replace("was sold", "was not sold")) == {}
    assert copies(MILL, MILL.replace("river", "lake")) == {}
    long = f"{OTHER} {MILL} {OTHER.replace('corn', 'flour')} Nobody knows why they were left to rot for so many years."
    assert copies(long, long.replace("was sold", "was never sold")) == {}


def test_short_texts_say_something_of_their_own() -> None:
    assert copies("Yes.", "Yes.", "No.") == {}


@given(
    st.permutations([MILL, OTHER, f"{OTHER} {MILL}", "Something else stands here that is in no other of the texts."])
)
def test_which_texts_are_left_does_not_depend_on_their_order(texts) -> None:
    left = {text for position, text in enumerate(texts) if position not in copies(*texts)}
    assert left == {f"{OTHER} {MILL}", "Something else stands here that is in no other of the texts."}


def test_a_passage_under_five_names_is_paid_for_once(fake_compressor) -> None:
    documents = [Document(text=MILL, id=str(number), title=f"Title {number}") for number in range(5)]
    for order in itertools.islice(itertools.permutations([*documents, Document(text=OTHER)]), 0, 720, 120):
        result = fake_compressor.compress(list(order), "When was the mill sold?", rate=0.5)
        assert result.context.count("October 2009") <= 1
        assert sum(document.copy_of is not None for document in result.documents) == 4
        assert sum("says nothing that document" in note for note in result.notes) == 4


def test_what_must_survive_is_no_copy(fake_compressor) -> None:
    documents = [MILL, Document(text=MILL, keep=True), OTHER]
    result = fake_compressor.compress(documents, "When was the mill sold?", rate=0.7)
    (kept,) = [document for document in result.documents if document.index == 1]
    assert kept.text == MILL
