"""The scores of a predicted answer, beside figures worked out by hand."""

from __future__ import annotations

import builtins

import pytest

from tersely import InvalidInputError
from tersely_eval.measure.answer_scores import answer_scores


@pytest.mark.parametrize(
    ("prediction", "answers", "exact_match", "f1"),
    [
        ("The old mill.", ["old mill"], 1, 1),
        ("OLD  mill", ["the windmill", "Old Mill"], 1, 1),
        ("it was the old mill", ["old mill"], 0, 2 * 0.5 * 1 / 1.5),  # two words of four right, none missing
        ("mill", ["old mill", "old red mill"], 0, 2 * 1 * 0.5 / 1.5),
        ("a windmill", ["old mill"], 0, 0),
        ("", ["old mill"], 0, 0),
        ("Zürich", ["zürich"], 1, 1),
        ("1,850,000 euros", ["1850000"], 0, 2 * 0.5 * 1 / 1.5),
    ],
)
def test_scores(prediction, answers, exact_match, f1) -> None:
    assert answer_scores(prediction, answers) == (exact_match, pytest.approx(f1))


def test_there_must_be_an_answer() -> None:
    with pytest.raises(InvalidInputError, match="no answer to compare"):
        answer_scores("1820", [])


def test_without_torchmetrics_the_message_says_what_to_install(monkeypatch) -> None:
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.startswith("torchmetrics"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="torchmetrics")
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InvalidInputError, match=r"torchmetrics is not installed: pip install 'tersely\[eval\]'"):
        answer_scores("1820", ["1820"])
