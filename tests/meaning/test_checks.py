"""The checks against right and wrong contexts, made by hand or from the rules. Runs no compressor."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from meaning.by_hand import ByHand
from meaning.checks import text_with_title
from meaning.contexts_by_hand import FIRST
from meaning.entries import Entry
from meaning.inputs import INPUTS
from meaning.more_contexts_by_hand import SECOND
from meaning.notation import OF_THE_TITLE, Atom, Doc

BY_NAME = {entry.name: entry for entry in INPUTS}
every_input = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.name) for entry in INPUTS])
in_the_notation = pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.name) for entry in INPUTS if entry.docs]
)


def by_hand(is_right: bool) -> pytest.MarkDecorator:
    made = [
        pytest.param(made, id=f"{made.name}: {made.what}") for made in [*FIRST, *SECOND] if made.is_right == is_right
    ]
    return pytest.mark.parametrize("made", made)


def joined(entry: Entry) -> str:
    return "\n\n".join(text_with_title(document) for document in entry.documents)


def atoms_of(entry: Entry) -> Iterator[tuple[Doc, int, Atom]]:
    return ((doc, number, atom) for doc in entry.docs for number, atom in enumerate(doc.atoms))


def test_no_two_inputs_have_the_same_name() -> None:
    assert len(BY_NAME) == len(INPUTS)


@every_input
def test_what_is_asked_for_is_in_the_documents(entry: Entry) -> None:
    assert entry.wanted in joined(entry)


@every_input
def test_whole_documents_and_nothing_at_all_are_right(entry: Entry) -> None:
    assert entry.hard_faults(joined(entry)) == []
    assert entry.hard_faults("") == []


@in_the_notation
def test_a_unit_with_all_that_it_needs_is_right(entry: Entry) -> None:
    for doc, number, _ in atoms_of(entry):
        context = doc.render(doc.smallest_with(number))
        assert entry.hard_faults(context) == [], context


@in_the_notation
def test_a_unit_without_what_it_needs_is_wrong(entry: Entry) -> None:
    texts = [atom.text for _, _, atom in atoms_of(entry)]
    for doc, number, atom in atoms_of(entry):
        needs = any(needing == number and (needing, needed) not in doc.soft for needing, needed in doc.needs)
        if needs and texts.count(atom.text) == 1:
            assert entry.hard_faults(atom.text), atom.text


@in_the_notation
def test_a_container_of_nothing_is_wrong(entry: Entry) -> None:
    for doc, number, atom in atoms_of(entry):
        is_container = ">" in atom.flags and atom.group != OF_THE_TITLE and "o" not in atom.flags
        needed = doc.closure(number)
        only_containers = all(">" in doc.atoms[one].flags or doc.atoms[one].heads_its_line for one in needed)
        if (is_container or atom.heads_its_line) and only_containers:
            context = doc.render(needed)
            assert entry.hard_faults(context), context


@in_the_notation
def test_a_unit_without_its_last_word_is_wrong(entry: Entry) -> None:
    for doc, number, atom in atoms_of(entry):
        *others, last = atom.text.split()
        if len(others) >= 4:
            whole = doc.render(doc.smallest_with(number))
            context = whole.replace(atom.text, atom.text.removesuffix(last).rstrip())
            assert entry.hard_faults(context), context


@in_the_notation
def test_lines_made_one_are_wrong(entry: Entry) -> None:
    for doc in entry.docs:
        if len(doc.atoms) > 3 and any("." in atom.flags for atom in doc.atoms):
            assert entry.hard_faults(re.sub(r"\s*\n\s*", " ", doc.body))


@in_the_notation
def test_words_of_no_document_are_wrong(entry: Entry) -> None:
    assert entry.hard_faults("x y z")


@by_hand(is_right=True)
def test_what_means_the_same_is_right(made: ByHand) -> None:
    assert BY_NAME[made.name].hard_faults(made.context) == []


@by_hand(is_right=False)
def test_what_means_something_else_is_wrong(made: ByHand) -> None:
    assert BY_NAME[made.name].hard_faults(made.context)
