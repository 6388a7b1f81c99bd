"""Runs of a few measurements with the figures that a test wants to compare."""

from __future__ import annotations

from tersely_eval.measure import Measurement, Run, RunDescription

DESCRIPTION = RunDescription(
    command="tersely eval --data hotpot.jsonl",
    date="2026-01-31",
    tersely="0.1.0",
    model="small",
    tokenizer="o200k_base",
    machine="a processor",
)


def measurement(question=1, **values) -> Measurement:
    usual = {"data_set": "hotpot", "question": str(question), "method": "evidence", "rate": 0.5}
    usual |= {"original_tokens": 100, "target_tokens": 50, "tokens": 50}
    return Measurement.model_validate({**usual, **values})


def run(*measurements: Measurement, **description) -> Run:
    return Run(DESCRIPTION.model_copy(update=description), list(measurements), [])


def of_each(**figures) -> Run:
    """A run with a question for each value."""
    columns = [[(name, value) for value in values] for name, values in figures.items()]
    return run(*(measurement(number, **dict(row)) for number, row in enumerate(zip(*columns, strict=True))))
