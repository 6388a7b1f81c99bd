"""One measurement, and a run of them as it is stored on disk: plain, typed values. Nothing is measured or shown here.

A run is a file of JSON lines. The first says how the run was made. Each other line is a measurement or an example,
written at once, so an interruption loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from tersely import InvalidInputError, Span
from tersely.errors import complaint

RUN_FILE = "run.jsonl"  # in the folder of a run


class Measurement(BaseModel):
    """One question, one method, one rate.

    Attributes:
        data_set, question, method, rate: names of what was measured; the question by its id.
        original_tokens: tokens of the context had nothing been dropped.
        target_tokens: the budget.
        tokens: tokens of what was delivered.
        answer_kept: 1 where the answer is still there, else 0; of signals the share that is; None where strings cannot
            tell.
        support_kept: the share of the sentences marked as evidence that are whole; None where nothing is marked.
        gold_found: the share of the gold documents of which something is kept; None where nothing is marked.
        recall: the share of the gold documents among the best five of the coarse stage; None where there is none.
        units_whole: of the units of which something stands in the context, the share that is whole; None where there is
            none.
        context_missing: of the whole units the share that needs something that is not there; None where none is whole.
        cut_units: units of which only a part stands in the context.
        broken_words: words of the context that are no whole words of the documents.
        seconds: wall-clock time of the method alone.
        peak_bytes: the most memory that the process held meanwhile, model included.
        answer_log_probability: mean log-probability a token (nats) of the answer, as a local model reads the context.
        prediction: what an LLM answered, if one was asked.
        exact_match, f1: of the prediction, as SQuAD defines them, from 0 to 1.
        error: why there are no figures; None where there are.
    """

    model_config = ConfigDict(frozen=True)

    data_set: str
    question: str
    method: str
    rate: float
    original_tokens: int
    target_tokens: int
    tokens: int = 0
    answer_kept: float | None = None
    support_kept: float | None = None
    gold_found: float | None = None
    recall: float | None = None
    units_whole: float | None = None
    context_missing: float | None = None
    cut_units: int | None = None
    broken_words: int | None = None
    seconds: float | None = None
    peak_bytes: int | None = None
    answer_log_probability: float | None = None
    prediction: str | None = None
    exact_match: float | None = None
    f1: float | None = None
    error: str | None = None

    @property
    def key(self) -> tuple[str, str, str, float]:
        """What was measured."""
        return self.data_set, self.question, self.method, self.rate


class Example(BaseModel):
    """One question shown in full: what the methods kept of its documents.

    Attributes:
        data_set, question_id, question, answers: of what.
        documents: title (or empty) and text of each.
        kept: method -> for each document, in their order, the characters of its text that were kept.
        rate: the rate of them all.
    """

    data_set: str
    question_id: str
    question: str
    answers: tuple[str, ...]
    documents: list[tuple[str, str]]
    kept: dict[str, list[list[Span]]]
    rate: float


class Plan(BaseModel):
    """What to measure: all that is needed to begin a run, or to go on with it.

    Attributes:
        data: files with questions; none: the set that ships.
        fields: their names for ours, where they differ (see `read_questions`).
        methods: names, of Tersely's, of baselines and of peers.
        rates: compressed / original tokens, each in (0, 1].
        limit: at most so many questions of each data set, from the first on.
        model: scores, and reads for the answer's log-probability.
        tokenizer: counts.
        reader: an LLM that answers from the contexts, as `openai:MODEL`.
        reader_url: where that LLM is served.
        log_probability: whether the local model reads the contexts, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: tuple[str, ...] = ()
    fields: dict[str, str] = {}
    methods: tuple[str, ...]
    rates: tuple[float, ...]
    limit: int | None = None
    model: str
    tokenizer: str
    reader: str | None = None
    reader_url: str | None = None
    log_probability: bool = False


class RunDescription(BaseModel):
    """All that is needed to repeat the figures.

    Attributes:
        command: the command line.
        date: the day, as in 2026-01-31.
        tersely: the version.
        model, tokenizer: what scored, and what counted.
        machine: processor, cores, torch, precision.
        reader: the LLM that answered, if one did.
        plan: what was to be measured.
    """

    command: str
    date: str
    tersely: str
    model: str
    tokenizer: str
    machine: str
    reader: str | None = None
    plan: Plan | None = None


class Run(NamedTuple):
    """A run as read from its file."""

    description: RunDescription
    measurements: list[Measurement]
    examples: list[Example]


class _Line(BaseModel):
    """A line of the file: exactly one of these."""

    model_config = ConfigDict(extra="forbid")

    run: RunDescription | None = None
    measurement: Measurement | None = None
    example: Example | None = None


def to_line(value: RunDescription | Measurement | Example) -> str:
    """One line of a run's file, with its end."""
    if isinstance(value, RunDescription):
        line = _Line(run=value)
    elif isinstance(value, Measurement):
        line = _Line(measurement=value)
    else:
        line = _Line(example=value)
    return line.model_dump_json(exclude_none=True) + "\n"


def read_run(path: str | Path) -> Run:
    """A run from its file, or from the folder of it.

    Of several measurements of the same the last counts. A last line without its end, left by a process that was
    killed, does not.

    Raises:
        InvalidInputError: the file cannot be read or is no run; the message names file and line.
    """
    path = Path(path)
    if path.is_dir():
        path = path / RUN_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path}: is no UTF-8 text, so no run of `tersely eval`") from None
    lines: Sequence[str] = text.split("\n")[:-1]
    parsed = []
    for number, line in enumerate(lines, start=1):
        try:
            parsed.append(_Line.model_validate_json(line))
        except ValidationError as error:
            reason = complaint(error, most=1)
            raise InvalidInputError(
                f"{path}, line {number}: is no line of a run of `tersely eval` ({reason})"
            ) from None
    description = parsed[0].run if parsed else None
    if description is None:
        raise InvalidInputError(f"{path}: does not begin with the description of a run of `tersely eval`")
    measurements = {line.measurement.key: line.measurement for line in parsed if line.measurement}
    return Run(
        description, list(measurements.values()), merged_examples([line.example for line in parsed if line.example])
    )


def merged_examples(examples: Sequence[Example]) -> list[Example]:
    """One example a question, of the methods of all of its lines."""
    by_question: dict[tuple[str, str, float], Example] = {}
    for example in examples:
        key = (example.data_set, example.question_id, example.rate)
        earlier = by_question.get(key)
        kept = {**earlier.kept, **example.kept} if earlier else example.kept
        by_question[key] = example.model_copy(update={"kept": kept})
    return list(by_question.values())
