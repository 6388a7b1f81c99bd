"""Several processes on the same cores: what all of them read in a second, beside what one process reads alone.

    python benchmarks/neighbours.py

A test runner, the workers of gunicorn and Ray's actors are such processes. The table in RESULTS.md has a row for each
way to set threads and their waiting. Nothing else should run meanwhile.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from tersely_eval.measure import describe_machine
from tersely_eval.report import markdown_table, write_tables

RESULTS = Path(__file__).with_name("RESULTS.md")
PROCESSES = (1, 2, 4)
VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "nothing set": {},
    "threads that spin as torch comes": {"GOMP_SPINCOUNT": "300000"},
    "`OMP_WAIT_POLICY=passive`": {"OMP_WAIT_POLICY": "passive"},
    "`OMP_NUM_THREADS=1`": {"OMP_NUM_THREADS": "1"},
    "`OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive`": {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"},
}
# Loads the model, says that it is ready, waits for a line, and measures.
_PROGRAM = """
import sys
from tersely.scoring import load_scorer
from tersely.scoring.machine import tokens_per_second

scorer = load_scorer()
tokens_per_second(scorer, 0.0)
print("ready", flush=True)
sys.stdin.readline()
print(tokens_per_second(scorer, float(sys.argv[1])))
"""


def throughput(processes: int, environment: Mapping[str, str], seconds: float) -> float:
    """Tokens a second of all processes together, all of which measure at the same time."""
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**inherited, **environment},
        )
        for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in running)


def main(
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 4.0,
    turns: Annotated[int, typer.Option(min=1, help="How often each is measured; the best counts.")] = 2,
    out: Annotated[Path, typer.Option(help="The table goes there.")] = RESULTS,
) -> None:
    """Measure, and write the table."""
    best: dict[tuple[str, int], float] = {}
    for _ in range(turns):
        for processes in PROCESSES:
            for name, environment in ENVIRONMENTS.items():
                speed = throughput(processes, environment, seconds)
                typer.echo(f"{processes} processes, {name}: {speed:,.0f} tokens/s", err=True)
                best[name, processes] = max(speed, best.get((name, processes), 0.0))
    alone = best["nothing set", 1]
    rows = [["environment", *(f"{processes} process{'es' * (processes > 1)}" for processes in PROCESSES)]]
    for name in ENVIRONMENTS:
        rows.append([name, *(f"{best[name, processes] / alone:.2f}" for processes in PROCESSES)])
    heading = f"`{shlex.join(['python', *sys.argv])}`; {date.today().isoformat()}; {describe_machine()}"
    table = (
        f"{heading}\n\nTokens that all processes together read in a second, as a share of one process's with nothing "
        f"set ({alone:,.0f}); the best of {turns} turns.\n\n{markdown_table(rows)}"
    )
    typer.echo(table)
    write_tables(out, {"neighbours": table})


if __name__ == "__main__":
    typer.run(main)
