"""A plan -> the questions of its data sets, by the names that the tables use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tersely import InvalidInputError
from tersely_eval.data import Question, read_questions
from tersely_eval.measure.measurement import Plan


def read_data_sets(plan: Plan, note: Callable[[str], None]) -> dict[str, list[Question]]:
    """The questions of each file, by the file's name without its ending; without files the set that ships.

    Args:
        plan: says which files and how many questions of each.
        note: receives a line about questions that had to be left out.

    Raises:
        InvalidInputError: as `read_questions`, or two files have one name.
    """
    if not plan.data:
        return _shipped(plan.limit, note)
    data_sets: dict[str, list[Question]] = {}
    for path in map(Path, plan.data):
        name = path.name.partition(".")[0]
        if name in data_sets:
            raise InvalidInputError(f"{path}: another file is called {name!r} too, and a table has one name")
        data_sets[name] = read_questions(path, plan.fields)[: plan.limit]
    return data_sets


def _shipped(limit: int | None, note: Callable[[str], None]) -> dict[str, list[Question]]:
    from tersely_eval.data import PYTHON_REFERENCE, python_reference_questions

    shipped = python_reference_questions()
    if shipped.left_out:
        note(f"{len(shipped.left_out)} questions left out, as this Python's reference does not answer them")
    return {PYTHON_REFERENCE: shipped.questions[:limit]}
