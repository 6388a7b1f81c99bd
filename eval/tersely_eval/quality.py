"""The quality table: what each method and each baseline keeps of the answer, at the same budgets.

    python -m tersely_eval.quality DATA.jsonl [DATA2.jsonl ...] --out eval/RESULTS.md

The tables go to standard output, and where asked into a file; progress and errors go to standard error. It calls no
LLM: whether a string that was kept is also found by one is another question.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from tersely import Compressor, InvalidInputError, MethodName, ModelError, TerselyError
from tersely.budget import target_from_rate
from tersely.methods import METHODS
from tersely.scoring.scorer import Scorer
from tersely_eval import peers
from tersely_eval.baselines import BASELINES, Baseline
from tersely_eval.datasets import Question, read_questions
from tersely_eval.measures import Selection, answer_kept, answerable, gold_found, support_kept
from tersely_eval.tables import Measurement, quality_table, write_tables

INTERRUPTED = "interrupted"
_HEADING = "`{command}`; {date}; model {model}; tokens of {tokenizer}; {machine}"

# A question and a budget in tokens -> what is delivered.
Approach = Callable[[Question, int], Selection]


class Case(NamedTuple):
    """What one measurement is of."""

    data_set: str
    question: Question
    original_tokens: int
    method: str
    rate: float


def approaches(compressor: Compressor) -> dict[str, Approach]:
    """Tersely's methods, the baselines and the peers, by name, all called alike."""

    def method(name: MethodName) -> Approach:
        return lambda question, target: Selection.of_result(
            compressor.compress(question.documents, question.question, target_tokens=target, method=name)
        )

    def baseline(choose: Baseline) -> Approach:
        count = compressor.tokenizer.count
        return lambda question, target: choose(question.documents, question.question, target, count)

    return {
        **{name: method(name) for name in METHODS},
        **{name: baseline(choose) for name, choose in BASELINES.items()},
        **peers.approaches(_device(compressor.scorer)),
    }


def measure(cases: Iterable[Case], compressor: Compressor, advance: Callable[[], None]) -> list[Measurement]:
    """Measure one case after the other. A failure is a measurement too, and so is the Ctrl-C that ends it all.

    Args:
        cases: what to measure, in order.
        compressor: what Tersely's methods run in; its tokenizer counts for all.
        advance: called after each case.
    """
    available = approaches(compressor)
    count = compressor.tokenizer.count
    measurements: list[Measurement] = []
    for case in cases:
        measurement = Measurement(
            data_set=case.data_set,
            question=case.question.id,
            method=case.method,
            rate=case.rate,
            original_tokens=case.original_tokens,
            target_tokens=target_from_rate(case.rate, case.original_tokens),
        )
        figures: dict[str, Any]
        try:
            figures = _figures(case.question, available[case.method], measurement.target_tokens, count)
            advance()
        except KeyboardInterrupt:
            measurements.append(measurement.model_copy(update={"error": INTERRUPTED}))
            break
        except Exception as error:  # a method under development may raise anything; the others go on
            figures = {"error": f"{type(error).__name__}: {error}"}
        measurements.append(measurement.model_copy(update=figures))
    return measurements


def _figures(question: Question, approach: Approach, target: int, count: Callable[[str], int]) -> dict[str, Any]:
    start = time.perf_counter()
    selection = approach(question, target)
    seconds = time.perf_counter() - start
    return {
        "tokens": count(selection.context),
        "answer_kept": answer_kept(selection.context, question.answers) if answerable(question) else None,
        "support_kept": support_kept(question, selection),
        "gold_found": gold_found(question, selection),
        "seconds": seconds if selection.seconds is None else selection.seconds,
    }


def _read_run(path: Path) -> tuple[dict[str, str], list[Measurement]]:
    """What `--json` wrote: how the run was made, and its measurements."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        measurements = [Measurement.model_validate(one) for one in found.pop("measurements")]
        _HEADING.format(**found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"--earlier {path}: holds no measurements of an earlier run ({error})") from None
    return found, measurements


def _named(methods: Iterable[str]) -> str:
    return ", ".join(f"`{method}`" for method in sorted(methods))


def read_methods(names: str) -> list[str]:
    """Names of methods, baselines and peers, separated by commas; `all` is all but the peers.

    Raises:
        InvalidInputError: there is no such method.
    """
    if names == "all":
        return [*METHODS, *BASELINES]
    available = [*METHODS, *BASELINES, *peers.PEERS]
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in available:
            raise InvalidInputError(f"methods: there is no {name!r}; there are {', '.join(available)}")
    return list(dict.fromkeys(chosen))


def read_rates(rates: str) -> list[float]:
    """Rates, separated by commas.

    Raises:
        InvalidInputError: one of them is no number in (0, 1].
    """
    try:
        numbers = [float(rate) for rate in rates.split(",")]
    except ValueError:
        raise InvalidInputError(f"rates must be numbers separated by commas, got {rates!r}") from None
    for number in numbers:
        if not 0 < number <= 1:
            raise InvalidInputError(f"rates must lie in (0, 1], got {number:g}")
    return list(dict.fromkeys(numbers))


def read_data_sets(paths: Sequence[Path], limit: int | None) -> dict[str, list[Question]]:
    """The questions of each file, by the file's name without its ending; of each at most `limit`, from the first on.

    Raises:
        InvalidInputError: as `read_questions`, or two files have one name.
    """
    data_sets: dict[str, list[Question]] = {}
    for path in paths:
        if path.stem in data_sets:
            raise InvalidInputError(f"{path}: another file is called {path.stem!r} too, and a table has one name")
        data_sets[path.stem] = read_questions(path)[:limit]
    return data_sets


def describe_run(compressor: Compressor) -> dict[str, str]:
    """All that one must know to make the figures again."""
    return {
        "command": shlex.join(["python", "-m", "tersely_eval.quality", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "model": compressor.scorer.name,
        "tokenizer": compressor.tokenizer.name,
        "machine": _machine(compressor.scorer),
    }


def _machine(scorer: Scorer) -> str:
    import torch

    parts = [f"{_processor()}, {os.cpu_count()} cores ({torch.get_num_threads()} used)"]
    device = _device(scorer)
    if device != "cpu":
        parts.append(torch.cuda.get_device_name(device) if device.startswith("cuda") else device)
    parts.append(f"torch {torch.__version__}")
    if hasattr(scorer, "dtype"):  # nor one of these
        parts.append(str(scorer.dtype))
    return ", ".join(parts)


def _device(scorer: Scorer) -> str:
    return str(getattr(scorer, "device", "cpu"))  # a caller's own scorer need not have one


def _processor() -> str:
    """The processor's name; Python itself knows only its architecture on Linux."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@contextmanager
def _progress_bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar where somebody watches; gone when the work is done."""
    console = Console(stderr=True)
    columns = [*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=total)
        yield lambda: bar.advance(task)


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def quality(
    data: Annotated[list[Path], typer.Argument(help="JSON lines, a question with its documents a line.")],
    methods: Annotated[str, typer.Option(help="Names of methods, baselines and peers, separated by commas.")] = "all",
    rates: Annotated[str, typer.Option(help="Shares of the tokens to keep, separated by commas.")] = "0.5,0.25,0.125",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many questions of each file.")] = None,
    tokenizer: Annotated[str, typer.Option(help="Counts the budget, as in `tersely compress`.")] = "cl100k_base",
    out: Annotated[Path | None, typer.Option(help="Put the tables into this Markdown file, too.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write every single measurement there.")] = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option(help="Measurements that --json wrote before: the tables show their other methods, too."),
    ] = None,
) -> None:
    """Measure what each method keeps of the answers: one table a file."""
    try:
        _quality(data, read_methods(methods), read_rates(rates), limit, tokenizer, out, as_json, earlier or [])
    except TerselyError as error:
        typer.echo(f"tersely_eval: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1 if isinstance(error, ModelError) else 2) from None


def _quality(
    paths: Sequence[Path],
    methods: Sequence[str],
    rates: Sequence[float],
    limit: int | None,
    tokenizer: str,
    out: Path | None,
    as_json: Path | None,
    earlier: Sequence[Path],
) -> None:
    data_sets = read_data_sets(paths, limit)
    earlier_runs = [_read_run(path) for path in earlier]
    for option, path in (("--out", out), ("--json", as_json)):
        if path and (path.is_dir() or not path.parent.is_dir()):  # said now, not after an hour
            raise InvalidInputError(f"{option} {path}: not a file in an existing folder")
    compressor = Compressor(tokenizer=tokenizer)
    cases = [
        Case(data_set, question, compressor.tokenizer.count(question.context), method, rate)
        for data_set, questions in data_sets.items()
        for question in questions
        for method in methods
        for rate in rates
    ]
    with _progress_bar(len(cases)) as advance:
        measurements = measure(cases, compressor, advance)

    run = describe_run(compressor)
    heading = _HEADING.format(**run)
    tables = {}
    for data_set in data_sets:
        rows = [one for one in measurements if one.data_set == data_set]
        if rows:  # none where an interruption came before
            headings = [heading]
            for description, found in earlier_runs:
                others = [one for one in found if one.data_set == data_set and one.method not in methods]
                if others:
                    headings.append(f"{_HEADING.format(**description)}: {_named({one.method for one in others})}")
                    rows.extend(others)
            tables[data_set] = "\n\n".join([*headings, quality_table(rows)])
    typer.echo("\n\n".join(f"## {name}\n\n{table}" for name, table in tables.items()))
    if as_json:
        figures = {**run, "measurements": [one.model_dump() for one in measurements]}
        as_json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if out:
        write_tables(out, tables)
    if measurements and measurements[-1].error == INTERRUPTED:
        raise typer.Exit(130)


if __name__ == "__main__":
    app()
