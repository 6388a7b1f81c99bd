"""`tersely batch`: compress a corpus. Options in, files in a folder out; what it does lives beside this file.

The account goes to standard error. The exit codes are those of `tersely`, and 3 where all is done but some rows were
bad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tersely import DEFAULT_MODEL, CompressionSettings, InvalidInputError
from tersely_cli.options import EngineName, Model, Tokenizer, with_settings
from tersely_cli.terminal import error_console

_BAD_ROWS = 3


@with_settings()
def batch(
    inputs: Annotated[
        list[str], typer.Argument(help="JSONL and Parquet files, folders of them, patterns such as 'corpus/*.parquet'.")
    ],
    out: Annotated[Path, typer.Argument(help="A folder for the output; one with an interrupted run goes on.")],
    *,
    question: Annotated[
        str | None, typer.Option("--question", "-q", help="What the LLM will be asked, where a row has no question.")
    ] = None,
    settings: CompressionSettings,
    instruction: Annotated[str | None, typer.Option(help="Stands before the context in a row's prompt.")] = None,
    model: Model = DEFAULT_MODEL,
    tokenizer: Tokenizer = None,
    format: Annotated[str | None, typer.Option(help="Of the output: jsonl, parquet; by default as the input.")] = None,
    shard_rows: Annotated[int, typer.Option(min=1, help="Input rows of an output file.")] = 256,
    engine: Annotated[EngineName, typer.Option(help="Who does it: this process, or workers of Ray.")] = (
        EngineName.in_process
    ),
    workers: Annotated[
        int | None, typer.Option(min=1, help="Ray: how many; by default as many as there is room for.")
    ] = None,
    worker_cpus: Annotated[int | None, typer.Option(min=1, help="Ray: processors of a worker; by default 1.")] = None,
    worker_gpus: Annotated[float | None, typer.Option(min=0, help="Ray: GPUs of a worker; by default none.")] = None,
) -> None:
    """Compress a corpus, row by row, into a folder. Started again, it does only what is missing."""
    from tersely_batch.options import batch_options
    from tersely_batch.run import compress_corpus

    options = batch_options(
        settings=settings,
        question=question,
        instruction=instruction,
        model=model,
        tokenizer=tokenizer,
        shard_rows=shard_rows,
        format=format,
    )
    ray_only = {"workers": workers, "worker_cpus": worker_cpus, "worker_gpus": worker_gpus}
    given: dict[str, Any] = {name: value for name, value in ray_only.items() if value is not None}
    if engine is EngineName.ray:
        from tersely_ray.batch import RayEngine

        chosen = {"engine": RayEngine(**{name.removeprefix("worker_"): value for name, value in given.items()})}
    elif given:
        raise InvalidInputError(f"--{next(iter(given)).replace('_', '-')} is for workers of Ray: add --engine ray")
    else:
        chosen = {}
    console = error_console()
    try:
        with _bar() as advance:
            totals = compress_corpus(inputs, out, options, advance=advance, **chosen)
    except KeyboardInterrupt:
        console.print(f"stopped; the same command goes on with what is missing in {out}", markup=False, soft_wrap=True)
        raise
    if totals.resumed:
        console.print(f"{totals.resumed:,} of {totals.shards:,} shards were done already", markup=False, soft_wrap=True)
    before, after = totals.original_tokens, totals.compressed_tokens
    share = f" ({after / before:.1%} kept)" if before else ""
    console.print(
        f"rows compressed: {totals.rows:,}; tokens: {before:,} → {after:,}{share}", markup=False, soft_wrap=True
    )
    if totals.missed:
        console.print(
            f"{totals.missed:,} of them with a budget that does not hold the most relevant unit: their notes say what "
            f"it needs",
            markup=False,
            soft_wrap=True,
        )
    if totals.errors:
        console.print(
            f"{totals.errors:,} of {totals.rows + totals.errors:,} rows could not be compressed: {out}/errors says why "
            f"and holds them",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(_BAD_ROWS)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar where somebody watches; gone when the work is done."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = error_console()
    columns = [*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
