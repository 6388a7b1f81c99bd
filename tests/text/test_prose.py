"""Paragraphs of plain text: questions with their answers, and lists of which only one item is left."""

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
