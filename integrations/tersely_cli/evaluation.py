"""`tersely eval`: measure on your own data what compression keeps and what it costs. Options in, files and a table out.

The table goes to standard output; progress and errors go to standard error. The exit codes are those of `tersely`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tersely import DEFAULT_MODEL, CacheSettings, Compressor, InvalidInputError
from tersely_cli.comparison import compare_command

if TYPE_CHECKING:
    from tersely_eval.measure import Plan

_DEFAULT_METHODS = "evidence,bm25_sentences,bm25_documents,truncation,full"
_NEEDED = ("ir_measures", "jinja2", "matplotlib", "openai", "psutil", "scipy", "torchmetrics")
_DEFAULT_RATES = "0.5,0.25,0.125"

evaluation = typer.Typer(
    help="Measure what compression keeps of your answers, and what it costs.", invoke_without_command=True
)


evaluation.command("compare")(compare_command)


@evaluation.callback()
def evaluate(
    context: typer.Context,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", "-d", help="Questions with documents, JSON (lines). By default a set that ships."),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="Our name=your name of a field, such as question=query. Can be repeated.")
    ] = None,
    methods: Annotated[
        str,
        typer.Option(
            help="Separated by commas; `all` is every method, baseline and peer (`make peers`) for the model. "
            "METHOD:MODEL has a model of its own, such as pruner:ID."
        ),
    ] = _DEFAULT_METHODS,
    rates: Annotated[str, typer.Option(help="Shares of the tokens to keep, separated by commas.")] = _DEFAULT_RATES,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many questions of each data set.")] = None,
    model: Annotated[str, typer.Option(help="Scores: the embedded one, a folder, .gguf or Hub id.")] = DEFAULT_MODEL,
    tokenizer: Annotated[str, typer.Option(help="Counts the budget, as in `tersely compress`.")] = "o200k_base",
    reader: Annotated[
        str | None, typer.Option(help="An LLM that answers from the contexts: openai:MODEL. It costs money.")
    ] = None,
    reader_url: Annotated[str | None, typer.Option(help="Where it is served; by default OpenAI.")] = None,
    log_probability: Annotated[
        bool,
        typer.Option("--log-probability", help="How likely a local model finds the answer; doubles the time, or more."),
    ] = False,
    prices: Annotated[Path | None, typer.Option(help="Prices of LLMs; by default a table that ships.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new folder for the results; by default tersely-eval/1, 2 ...")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder, as it was planned.")] = None,
) -> None:
    """Measure, and leave run.jsonl, summary.json, report.md and report.html in a folder."""
    if context.invoked_subcommand:
        return
    if resume is not None:
        _check_alone(context)
        folder, plan = resume, _plan_of(resume)
    else:
        plan = _plan(data, field, methods, rates, limit, model, tokenizer, reader, reader_url, log_probability)
        folder = out or _next_folder()
    _run(plan, folder, prices, begin=resume is None)


@evaluation.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders, or run.jsonl files, that `tersely eval` made.")],
    markdown: Annotated[Path | None, typer.Option(help="Put the tables into this file, between their marks.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page there.")] = None,
    prices: Annotated[Path | None, typer.Option(help="Prices of LLMs; by default a table that ships.")] = None,
) -> None:
    """Show one or several runs as one: what was measured later stands for what was measured before."""
    from tersely_eval.measure import read_run
    from tersely_eval.report import PRICES, merged_runs, print_summary, read_prices, write_markdown, write_page

    _check_installed()
    price_table = read_prices(prices or PRICES)
    run = merged_runs([read_run(path) for path in runs])
    if markdown:
        write_markdown(markdown, run, price_table)
    if html:
        write_page(html, run, price_table)
    print_summary(run)


def _plan(
    data: Sequence[Path] | None,
    field: Sequence[str] | None,
    methods: str,
    rates: str,
    limit: int | None,
    model: str,
    tokenizer: str,
    reader: str | None,
    reader_url: str | None,
    log_probability: bool,
) -> Plan:
    from tersely_eval.data import parse_fields
    from tersely_eval.measure import Plan, parse_reader
    from tersely_eval.peers import method_names, parse_methods

    if reader is not None:
        parse_reader(reader, reader_url)  # refuses a wrong name
    elif reader_url is not None:
        raise InvalidInputError(f"--reader-url {reader_url}: needs --reader, such as openai:gpt-6-luna")
    return Plan(
        data=tuple(str(path.resolve()) for path in data or ()),
        fields=parse_fields(field or ()),
        methods=parse_methods(method_names() if methods == "all" else [name.strip() for name in methods.split(",")]),
        rates=_rates(rates),
        limit=limit,
        model=model,
        tokenizer=tokenizer,
        reader=reader,
        reader_url=reader_url,
        log_probability=log_probability,
    )


def _rates(given: str) -> tuple[float, ...]:
    try:
        rates = tuple(dict.fromkeys(float(rate) for rate in given.split(",")))
    except ValueError:
        raise InvalidInputError(f"--rates must be numbers separated by commas, got {given!r}") from None
    for rate in rates:
        if not 0 < rate <= 1:
            raise InvalidInputError(f"--rates must lie in (0, 1], got {rate:g}")
    return rates


def _check_alone(context: typer.Context) -> None:
    """Refuse options that a resumed run would ignore; only prices are no part of a plan."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, source in sources.items() if source is None or source.name != "DEFAULT"]
    options = [f"--{name.replace('_', '-')}" for name in given if name not in ("resume", "prices")]
    if options:
        raise InvalidInputError(f"--resume goes on as the run was planned, without {', '.join(options)}")


def _plan_of(folder: Path) -> Plan:
    from tersely_eval.measure import read_run

    plan = read_run(folder).description.plan
    if plan is None:
        raise InvalidInputError(f"--resume {folder}: the run does not say what was planned; begin a new one")
    return plan


def _next_folder() -> Path:
    number = 1
    while (folder := Path("tersely-eval") / str(number)).exists():
        number += 1
    return folder


def _run(plan: Plan, folder: Path, prices: Path | None, begin: bool) -> None:
    from tersely_cli.terminal import error_console, progress
    from tersely_eval.measure import (
        RUN_FILE,
        cases,
        describe_run,
        make_readers,
        open_run,
        read_data_sets,
        read_run,
        take_measurements,
    )
    from tersely_eval.report import PRICES, print_summary, read_prices, write_reports

    _check_installed()
    console = error_console()
    if begin and (folder / RUN_FILE).exists():  # checked before the model is loaded
        raise InvalidInputError(f"{folder} holds a run already: go on with it (--resume {folder}), or name another")
    price_table = read_prices(prices or PRICES)  # a wrong table is refused now, not after an hour of measuring
    data_sets = read_data_sets(plan, lambda line: console.print(line, markup=False))
    with progress(console, "loading the model ..."):
        # Without a cache seconds are those of a first question, at each rate, as a peer's are.
        no_cache = CacheSettings(memory_bytes=0, disk_bytes=0)
        compressor = Compressor(plan.model, tokenizer=plan.tokenizer, cache=no_cache)
    if begin:
        open_run(folder / RUN_FILE, describe_run(compressor, plan))
    todo = cases(plan, data_sets)
    interrupted = False
    try:
        with _bar(len(todo)) as advance:
            take_measurements(folder / RUN_FILE, todo, compressor, make_readers(plan, compressor), advance)
    except KeyboardInterrupt:
        interrupted = True
    so_far = read_run(folder / RUN_FILE)
    if so_far.measurements:
        with progress(console, "writing the report ..."):
            write_reports(folder, so_far, price_table)
        print_summary(so_far)
    console.print(f"{len(so_far.measurements)} of {len(todo)} measurements in {folder}", markup=False)
    if interrupted:
        console.print(f"stopped; go on with: tersely eval --resume {folder}", markup=False)
        raise typer.Exit(130)


def _check_installed() -> None:
    """Refuse a missing package now, not after an hour of measuring."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InvalidInputError(f"eval needs {', '.join(missing)}, not installed: pip install 'tersely[eval]'")


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on a terminal; it disappears when the work is done."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from tersely_cli.terminal import error_console

    console = error_console()
    columns = [*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=total)
        yield lambda: bar.advance(task)
