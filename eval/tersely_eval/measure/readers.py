"""A plan -> its readers: the local model that says how likely the answer is, and the LLM that answers."""

from __future__ import annotations

from typing import Any

from tersely import Compressor
from tersely_eval.data import Question
from tersely_eval.measure.measurement import Plan
from tersely_eval.measure.run import Reader


def make_readers(plan: Plan, compressor: Compressor) -> list[Reader]:
    """The readers that the plan asks for.

    Raises:
        InvalidInputError: there is no such LLM reader.
    """
    chosen: list[Reader] = []
    if plan.log_probability:
        chosen.append(_local(compressor))
    if plan.reader:
        chosen.append(_llm(plan.reader, plan.reader_url))
    return chosen


def _local(compressor: Compressor) -> Reader:
    from tersely_eval.measure.local_reader import answer_log_probability, local_prompt

    def read(question: Question, context: str) -> dict[str, Any]:
        if not question.answers:
            return {}
        prompt = local_prompt(context, question.question)
        return {"answer_log_probability": answer_log_probability(compressor.scorer, prompt, question.answers)}

    return read


def _llm(name: str, url: str | None) -> Reader:
    from tersely_eval.measure.answer_scores import answer_scores
    from tersely_eval.measure.llm_reader import llm_prompt, parse_reader

    reader = parse_reader(name, base_url=url)

    def read(question: Question, context: str) -> dict[str, Any]:
        prediction = reader.answer(llm_prompt(context, question.question)).text
        if not question.answers:
            return {"prediction": prediction}
        return {"prediction": prediction, **answer_scores(prediction, question.answers)._asdict()}

    return read
