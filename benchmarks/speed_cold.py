"""From the start of a process to compressed text, the model being in the cache folder; and what an import takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import typer
from speed_measuring import Plan

from tersely_eval.report import markdown_table

_PROCESSES = 7
_IMPORT = "import time; start = time.perf_counter(); import tersely; print(time.perf_counter() - start)"
_COMPRESS = (
    "import sys, tersely; text = open(sys.argv[1], encoding='utf-8').read(); "
    "print(tersely.compress([text], sys.argv[2], rate=0.25).context)"
)
_DOCUMENTS = 3  # of a question, in the file


def section(plan: Plan) -> str:
    """Seconds of fresh processes."""
    question = plan.data[plan.last][0]
    text = "\n\n".join(document.text for document in question.documents[:_DOCUMENTS])
    number = 2 if plan.quick else _PROCESSES
    rows = [["process", "median s", "range"]]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document.txt"
        file.write_text(text, encoding="utf-8")
        for name, command in _commands(str(file), question.question).items():
            typer.echo(f"cold: {name}", err=True)
            seconds = [_seconds(command) for _ in range(number + 1)][1:]  # the first finds files not yet in memory
            rows.append([name, *_cells(seconds)])
    imports = [float(_output([sys.executable, "-c", _IMPORT])) for _ in range(number)]
    rows.append(["the import of `tersely` alone, within its process", *_cells(imports)])
    return (
        f"{number} fresh processes of each, one after the other; the file has {len(text):,} characters of {plan.last}. "
        f"The first three are what no program with such a model does without.\n\n{markdown_table(rows)}"
    )


def _commands(file: str, question: str) -> dict[str, list[str]]:
    python, tersely = sys.executable, str(Path(sys.executable).with_name("tersely"))
    alone = ("pass", "import torch", "from transformers import AutoModelForCausalLM", "import tersely")
    return {
        **{f"`python -c '{code}'`": [python, "-c", code] for code in alone},
        "`tersely --help`": [tersely, "--help"],
        "`python -c 'import tersely; tersely.compress(...)'`": [python, "-c", _COMPRESS, file, question],
        "`tersely compress FILE`": [tersely, "compress", file, "--question", question, "--rate", "0.25"],
    }


def _cells(seconds: list[float]) -> list[str]:
    return [f"{median(seconds):.2f}", f"{min(seconds):.2f} to {max(seconds):.2f}"]


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    _output(command)
    return time.perf_counter() - start


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{command[:3]} ended with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout
