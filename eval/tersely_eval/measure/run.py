"""A plan -> its measurements, one after the other, each written down when it is taken. Nothing is shown here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from tersely import Compressor, InvalidInputError, Span
from tersely.budget import target_from_rate
from tersely_eval.data import Question
from tersely_eval.measure.measurement import Example, Measurement, Plan, RunDescription, read_run, to_line
from tersely_eval.measure.measures import answer_share, broken_words, gold_found, recall, support_kept
from tersely_eval.measure.wholeness import wholeness
from tersely_eval.peers import Approach, Selection, approaches

# A question and a context -> figures, by their names in a `Measurement`.
Reader = Callable[[Question, str], dict[str, Any]]

_EXAMPLES = 2  # questions of each data set that are shown in full
_SAMPLE_SECONDS = 0.02


class Case(NamedTuple):
    """A question, method and rate to measure."""

    data_set: str
    question: Question
    method: str
    rate: float

    @property
    def key(self) -> tuple[str, str, str, float]:
        """The key of its measurement."""
        return self.data_set, self.question.id, self.method, self.rate


def cases(plan: Plan, data_sets: Mapping[str, Sequence[Question]]) -> list[Case]:
    """What the plan asks for, question by question. No compression has one rate only."""
    return [
        Case(name, question, method, rate)
        for name, questions in data_sets.items()
        for question in questions
        for method in plan.methods
        for rate in ((1.0,) if method == "full" else plan.rates)
    ]


def open_run(path: Path, description: RunDescription) -> None:
    """Begin a run's file.

    Raises:
        InvalidInputError: there is one already.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(to_line(description))
    except FileExistsError:
        raise InvalidInputError(
            f"{path.parent} holds a run already: go on with it (--resume {path.parent}), or name another folder"
        ) from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror})") from None


def take_measurements(
    path: Path,
    todo: Sequence[Case],
    compressor: Compressor,
    readers: Sequence[Reader],
    advance: Callable[[], None],
) -> None:
    """Take the measurements that the file at `path` does not hold yet, and write each of them there at once.

    An interruption leaves all that was done in the file; called again, the run goes on from there.

    Args:
        path: a run's file, as `open_run` makes it.
        todo: what to measure, in order.
        compressor: what Tersely's methods run in; its tokenizer counts for all.
        readers: read every context that is delivered.
        advance: called after each case, done now or before.
    """
    done = {
        measurement.key for measurement in read_run(path).measurements if measurement.error is None
    }  # a failure is measured again
    examples = _example_keys(todo)
    available = approaches(compressor, {case.method for case in todo})
    with _appending(path) as file:
        for case in todo:
            if case.key not in done:
                measurement, selection = _measure(case, available[case.method], compressor.tokenizer.count, readers)
                if selection and selection.kept is not None and case.key in examples:
                    file.write(to_line(_example(case, selection.kept)))
                file.write(to_line(measurement))
                file.flush()
            advance()


def _measure(
    case: Case, approach: Approach, count: Callable[[str], int], readers: Sequence[Reader]
) -> tuple[Measurement, Selection | None]:
    """Take one measurement. A failure becomes a measurement with an error, and the run goes on."""
    question = case.question
    original_tokens = count(question.context)
    measurement = Measurement(
        data_set=case.data_set,
        question=question.id,
        method=case.method,
        rate=case.rate,
        original_tokens=original_tokens,
        target_tokens=target_from_rate(case.rate, original_tokens),
    )
    try:
        with _peak_memory() as peak:
            start = time.perf_counter()
            selection = approach(question, measurement.target_tokens)
            seconds = time.perf_counter() - start
        units = wholeness(question, selection)
        figures: dict[str, Any] = {
            "tokens": count(selection.context),
            "answer_kept": answer_share(question, selection.context),
            "support_kept": support_kept(question, selection),
            "gold_found": gold_found(question, selection),
            "recall": recall(question, selection),
            "units_whole": units.units_whole,
            "context_missing": units.context_missing,
            "cut_units": units.cut,
            "broken_words": broken_words(question, selection.context),
            "seconds": selection.seconds or seconds,
            "peak_bytes": selection.peak_bytes or peak(),
        }
        for reader in readers:
            figures.update(reader(question, selection.context))
    except Exception as error:  # a method under development, a peer or a network may raise anything
        return measurement.model_copy(update={"error": f"{type(error).__name__}: {error}"}), None
    return measurement.model_copy(update=figures), selection


@contextmanager
def _peak_memory() -> Iterator[Callable[[], int]]:
    """The most memory that this process held inside the `with`, in bytes, sampled every now and then."""
    import psutil

    process = psutil.Process()
    peak = process.memory_info().rss
    ended = threading.Event()

    def look() -> None:
        nonlocal peak
        peak = max(peak, process.memory_info().rss)

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: peak
    finally:
        look()
        ended.set()
        watcher.join()


@contextmanager
def _appending(path: Path) -> Iterator[TextIO]:
    """The file, open at its end. Half a line there, left by a process that was killed, is removed first."""
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.truncate(content.rfind(b"\n") + 1)
    with path.open("a", encoding="utf-8") as file:
        yield file


def _example_keys(todo: Sequence[Case]) -> set[tuple[str, str, str, float]]:
    """Keys of the cases that become examples: the first questions of each data set, at the middle of the rates."""
    rates = sorted({case.rate for case in todo if case.method != "full"}) or [1.0]
    questions: dict[str, list[str]] = {}
    for case in todo:
        names = questions.setdefault(case.data_set, [])
        if case.question.id not in names and len(names) < _EXAMPLES:
            names.append(case.question.id)
    middle = rates[len(rates) // 2]
    return {case.key for case in todo if case.rate == middle and case.question.id in questions[case.data_set]}


def _example(case: Case, kept: Mapping[int, list[Span]]) -> Example:
    documents = case.question.documents
    return Example(
        data_set=case.data_set,
        question_id=case.question.id,
        question=case.question.question,
        answers=case.question.answer_strings,
        documents=[(document.title or "", document.text) for document in documents],
        kept={case.method: [kept.get(position, []) for position in range(len(documents))]},
        rate=case.rate,
    )
