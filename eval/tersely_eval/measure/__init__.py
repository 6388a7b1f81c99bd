"""A run: every question, method and budget measured, and each measurement written down."""

from __future__ import annotations

from tersely_eval.measure.intervals import Interval, difference_interval, mean_interval
from tersely_eval.measure.llm_reader import parse_reader
from tersely_eval.measure.loading import read_data_sets
from tersely_eval.measure.machine import describe_machine, describe_run
from tersely_eval.measure.measurement import (
    RUN_FILE,
    Example,
    Measurement,
    Plan,
    Run,
    RunDescription,
    merged_examples,
    read_run,
)
from tersely_eval.measure.measures import answerable, support_kept
from tersely_eval.measure.readers import make_readers
from tersely_eval.measure.run import cases, open_run, take_measurements

__all__ = [
    "RUN_FILE",
    "Example",
    "Interval",
    "Measurement",
    "Plan",
    "Run",
    "RunDescription",
    "answerable",
    "cases",
    "describe_machine",
    "describe_run",
    "difference_interval",
    "make_readers",
    "mean_interval",
    "merged_examples",
    "open_run",
    "parse_reader",
    "read_data_sets",
    "read_run",
    "support_kept",
    "take_measurements",
]
