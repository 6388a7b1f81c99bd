"""How well a predicted answer matches the right ones, as SQuAD scores it. What is left in a context: `measures.py`.

Both sides are compared in lower case, without ASCII punctuation, articles and surplus white space; of several right
answers the best match counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tersely import InvalidInputError
from tersely_eval.extra import eval_extra


class AnswerScores(NamedTuple):
    """Both from 0 to 1.

    Attributes:
        exact_match: 1 where the prediction is one of the answers.
        f1: the harmonic mean of precision and recall of the prediction's words.
    """

    exact_match: float
    f1: float


def answer_scores(prediction: str, answers: Sequence[str]) -> AnswerScores:
    """The scores of one prediction.

    Raises:
        InvalidInputError: there are no answers, or torchmetrics is not installed.
    """
    if not answers:
        raise InvalidInputError("there is no answer to compare the prediction with")
    with eval_extra():
        from torchmetrics.functional.text.squad import squad
    scores = squad(
        {"id": "", "prediction_text": prediction},
        {"id": "", "answers": {"text": list(answers), "answer_start": [0] * len(answers)}},
    )
    return AnswerScores(float(scores["exact_match"]) / 100, float(scores["f1"]) / 100)
