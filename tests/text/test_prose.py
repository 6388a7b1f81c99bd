"""Paragraphs of plain text: questions with their answers, numbered headings, lists of which only one item is left."""

from __future__ import annotations

from text.readers import units


def test_marked_questions_right_after_an_answer_are_questions_of_their_own() -> None:
    text = "May I smoke?\n\nNo.\n\nMay I cook?\n\nYes.\n\nQ: Is it warm?\nA: In summer.\nQ: Is it dry?\nA: Always.\n"
    assert units(text) == {
        "No.": ["May I smoke?"],
        "Yes.": ["May I cook?"],
        "A: In summer.": ["Q: Is it warm?"],
        "A: Always.": ["Q: Is it dry?"],
    }


def test_a_step_that_alone_is_left_of_a_list_is_whole() -> None:
    assert units("Method:\n2. Fry the onion. Do not burn it.\n") == {
        "2. Fry the onion. Do not burn it.": ["Method:"],
    }


def test_a_lone_numbered_line_over_text_is_a_heading_and_no_list() -> None:
    text = "1. Water\n\nThe pump is broken. Two firms were asked.\n\n2. Party\n\nIt is on 19 July.\n"
    assert units(text) == {
        "The pump is broken.": ["1. Water"],
        "Two firms were asked.": ["1. Water"],
        "It is on 19 July.": ["2. Party"],
    }
    steps = "Steps:\n\n1. Open the door\n\nThe door is heavy.\n"
    assert units(steps) == {"1. Open the door": ["Steps:"], "The door is heavy.": []}
