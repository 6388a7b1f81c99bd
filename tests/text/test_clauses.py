"""Numbered clauses: each under its heading or lead-in, and what follows a list is no part of its last item."""

from __future__ import annotations

import pytest
from text.readers import assert_covered, unit_with, units

COVER = """7. COVER
7.1 We pay for loss of the goods by fire, theft or flood.
7.2 We do not pay for loss by wear.
7.3 The most we pay for one loss is 5,000 euros.
7.4 You bear the first 100 euros of each loss yourself.
"""
LEAD_IN = (
    '2.4 "Insured Event" means any of the following which happens suddenly and during the Period of Insurance, in the '
    "Territory, without the fault of the Policyholder or of any person for whom the Policyholder is responsible:"
)
ITEMS = """(i) fire, including smoke and the water that is used to put it out, but not a fire that was lit on purpose;
(ii) theft of the Goods from a locked room or a locked vehicle, if it is reported within 24 hours; or
(iii) flood, unless the Goods were stored in a cellar."""
AFTER = "The Insurer pays within 30 days of the date on which it has received all documents."
NEXT = '2.5 "Goods" means the things that are listed in the Schedule.'


def test_dotted_clauses_are_units_under_their_short_heading() -> None:
    text = f"{COVER}\n8. CLAIMS\n8.1 You must tell us of a loss within 14 days.\n8.2 We may send an expert."
    heading, *clauses = COVER.splitlines()
    claims = "8. CLAIMS"
    assert units(text) == {
        **{clause: [heading] for clause in clauses},
        "8.1 You must tell us of a loss within 14 days.": [claims],
        "8.2 We may send an expert.": [claims],
    }
    assert_covered(text)


@pytest.mark.parametrize("end", [",", ";"])
def test_a_short_clause_whose_parts_go_on_with_its_sentence_stays_whole(end: str) -> None:
    text = f"3. The Tenant shall\n3.1 pay the rent{end} and\n3.2 keep the boat shed clean."
    assert units(text) == {text: []}


def test_a_line_after_the_last_item_of_a_list_is_a_part_of_the_clause_around_the_list() -> None:
    text = f"{LEAD_IN}\n{ITEMS}\n{AFTER}\n{NEXT}"
    last_item = ITEMS.splitlines()[-1]
    assert unit_with(text, "flood") == (last_item, [LEAD_IN])
    assert unit_with(text, "30 days") == (AFTER, [LEAD_IN])
    assert unit_with(text, "Schedule") == (NEXT, [])
    assert_covered(text)


def test_a_line_after_a_list_without_a_clause_around_it_is_prose() -> None:
    text = f"An insured event is:\n{ITEMS}\n{AFTER}"
    assert unit_with(text, "flood") == (ITEMS.splitlines()[-1], ["An insured event is:"])
    assert unit_with(text, "30 days") == (AFTER, [])


@pytest.mark.parametrize(
    "line", ["unless the Insurer agrees otherwise.", "      Cellars are all rooms below the street."]
)
def test_a_line_that_goes_on_with_the_last_item_stays_with_it(line: str) -> None:
    text = f"{LEAD_IN}\n{ITEMS}\n{line}\n{NEXT}"
    unit, _ = unit_with(text, "flood")
    assert unit == f"{ITEMS.splitlines()[-1]}\n{line}"


def test_a_text_that_goes_on_after_a_part_is_no_tail_if_more_parts_follow() -> None:
    text = f"§ 4 Bar\n7.2 We do not pay{' for wear' * 60}.\n\nunless we agree\n(a) in a letter;\n(b) by mail."
    assert_covered(text)
