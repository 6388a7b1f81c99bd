"""The command line's part that compares two runs: options in, one call, text out.

Standard output carries the comparison, standard error a line for whatever got worse than allowed. Exit codes: 0; 1
where something did; 2 where the call was wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tersely import InvalidInputError

_WIDTH = 160  # characters of a table that goes to a file or a pipe


def compare_command(
    before: Annotated[Path, typer.Argument(help="The folder of a run, or its run.jsonl.")],
    after: Annotated[Path, typer.Argument(help="Another one, of the same data.")],
    max_drop: Annotated[
        list[str] | None,
        typer.Option(
            help="By how much a measure may get worse: answer_kept=0.02, or seconds=0.5 for half as long again. "
            "Can be given several times."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the comparison as Markdown.")] = False,
) -> None:
    """Say what got better and what got worse from one run to another; exit code 1 where it is more than allowed.

    More tokens above the budget, broken words or failures than before are never allowed.
    """
    if as_json and as_markdown:
        raise InvalidInputError("--json and --markdown exclude each other: call twice to have both")
    from tersely_eval.measure import read_run
    from tersely_eval.report import compare_runs, markdown_comparison, parse_max_drops, terminal_comparison

    max_drops = parse_max_drops(max_drop or [])
    comparison = compare_runs(read_run(before), read_run(after), max_drops)
    if as_json:
        typer.echo(comparison.model_dump_json(indent=2))
    elif as_markdown:
        typer.echo(markdown_comparison(comparison))
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else _WIDTH).print(terminal_comparison(comparison))
    for breach in comparison.breaches:
        typer.echo(f"tersely: {breach.text}", err=True)
    if comparison.breaches:
        raise typer.Exit(1)
