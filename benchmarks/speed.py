"""How fast Tersely is: beside llmlingua 0.2.2, beside the machine's limit, and as its input grows.

    python benchmarks/speed.py hotpot-dev.jsonl nq20-dev.jsonl
    python benchmarks/speed.py hotpot-dev.jsonl nq20-dev.jsonl --only peers,ceiling
    python benchmarks/speed.py nq20-dev.jsonl --profile

Needs the extra `eval`; `peers` needs `make peers`, too. Each section is a table in RESULTS.md, between its marks, with
the command that made it. Nothing else should run meanwhile. The files beside this one say how each section is measured.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import speed_ceiling
import speed_cold
import speed_growth
import speed_peers
import typer
from speed_measuring import Plan, Setup, dtype_of, in_fresh_process, in_scorer_thread

from tersely import TerselyError
from tersely.settings import settings_from
from tersely_eval.data import read_questions
from tersely_eval.measure import describe_machine
from tersely_eval.peers import PeerError
from tersely_eval.report import write_tables

SECTIONS: dict[str, Callable[[Plan], str]] = {
    "peers": speed_peers.section,
    "ceiling": speed_ceiling.section,
    "growth": speed_growth.by_tokens,
    "long-document": speed_growth.of_one_document,
    "documents": speed_growth.by_documents,
    "callers": speed_growth.by_callers,
    "cold": speed_cold.section,
    "reuse": speed_growth.second_question,
}
RESULTS = Path(__file__).with_name("RESULTS.md")
_OPERATORS = 12


def main(
    data: Annotated[list[Path], typer.Argument(help="Questions with documents; the last file's are put together.")],
    only: Annotated[str, typer.Option(help="Sections, separated by commas.")] = ",".join(SECTIONS),
    questions: Annotated[int, typer.Option(min=1, help="Of each data set, from the first on.")] = 5,
    rate: Annotated[float, typer.Option(help="Of the budget, in (0, 1].")] = 0.25,
    device: Annotated[str, typer.Option(help="A torch device.")] = "cpu",
    dtype: Annotated[str | None, typer.Option(help="Tersely's, by default its own choice.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the smallest sizes.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print the operators that take longest in one call, and end.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The tables go there.")] = RESULTS,
) -> None:
    """Measure, and write each section's table as soon as it is there."""
    chosen = only.split(",")
    for name in chosen:
        if name not in SECTIONS:
            raise typer.BadParameter(f"there is no {name!r}; there are {', '.join(SECTIONS)}", param_hint="--only")
    try:
        settings_from({"rate": rate})  # a wrong one is said now
        plan = Plan({path.stem: read_questions(path) for path in data}, questions, Setup(rate, device, dtype), quick)
        for name, of_data_set in plan.data.items():
            if len(of_data_set) <= questions:
                raise typer.BadParameter(f"{name} has {len(of_data_set)} questions, and one more is needed to warm up")
        if profile:
            typer.echo(_profile(plan))
            return
        heading = _heading(plan)
        for name in chosen:
            table = f"{heading}\n\n{SECTIONS[name](plan)}"
            typer.echo(f"\n{name}: {table}")
            write_tables(out, {name: table})
    except (TerselyError, PeerError) as error:
        typer.echo(f"speed: {error}", err=True)
        raise typer.Exit(1) from None


def _heading(plan: Plan) -> str:
    command = shlex.join(["python", *sys.argv])
    machine = describe_machine(plan.setup.device, in_fresh_process(dtype_of, plan.setup))
    return f"`{command}`; {date.today().isoformat()}; {machine}"


def _profile(plan: Plan) -> str:
    from torch.profiler import profile

    warm_up, question = plan.warm_up(plan.last), plan.data[plan.last][0]
    plan.setup.compress(warm_up.documents, warm_up.question)
    profiler = profile()
    in_scorer_thread(plan.setup.compressor(), profiler.start)
    plan.setup.compress(question.documents, question.question)
    in_scorer_thread(plan.setup.compressor(), profiler.stop)
    sort_by = "self_cpu_time_total" if plan.setup.device == "cpu" else "self_device_time_total"
    return str(profiler.key_averages().table(sort_by=sort_by, row_limit=_OPERATORS, max_name_column_width=40))


if __name__ == "__main__":
    typer.run(main)
