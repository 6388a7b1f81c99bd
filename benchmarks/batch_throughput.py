"""Tokens and documents a second of `tersely batch`: in one process, and on one and two workers of Ray.

Prints a Markdown table for docs/scaling.md. Each worker has one thread and loads its own model; what is timed is what
workers spend on rows (`receipts/`), and beside it the whole command, with Ray's start and the loading of the model.

    python benchmarks/batch_throughput.py shared/data/nq20-dev.jsonl --rows 60
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

os.environ.update({"OMP_WAIT_POLICY": "passive", "RAY_USAGE_STATS_ENABLED": "0"})  # read when torch and ray are loaded
import torch

from tersely import CompressionSettings
from tersely_batch import BatchOptions, Totals, compress_corpus
from tersely_batch.compression import in_process
from tersely_batch.run import Engine
from tersely_ray.batch import RayEngine


class Corpus(NamedTuple):
    """A kind of rows.

    Attributes:
        name: for the table.
        rows: of the input.
        options: how they are compressed.
    """

    name: str
    rows: list[dict]
    options: BatchOptions


def corpora(path: Path, rows: int, rate: float) -> list[Corpus]:
    """Plain documents, alone and without a question; and prompts of twenty documents with their question."""
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    documents = [document for question in questions for document in question["documents"]]
    options = BatchOptions(settings=CompressionSettings(rate=rate), shard_rows=max(1, rows // 10))
    prompts = questions[: max(2, rows // 10)]
    return [
        Corpus("a document alone, `llmlingua`", documents[:rows], options),
        Corpus("20 documents and a question, `evidence`", prompts, options.model_copy(update={"shard_rows": 1})),
    ]


def measure(corpus: Corpus, engine: Engine) -> tuple[Totals, float]:
    """What came out, and the wall-clock seconds of the command."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in corpus.rows), encoding="utf-8")
        begun = time.perf_counter()
        totals = compress_corpus([source], Path(folder) / "out", corpus.options, engine=engine)
        return totals, time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="questions with documents, one a line")
    parser.add_argument("--rows", type=int, default=60, help="documents; and a tenth of it prompts")
    parser.add_argument("--rate", type=float, default=0.5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    engines: dict[str, tuple[Engine, int]] = {
        "in-process, 1 thread": (in_process, 1),
        "Ray, 1 worker": (RayEngine(workers=1), 1),
        "Ray, 2 workers": (RayEngine(workers=2), 2),
    }
    print(f"{os.cpu_count()} cores, rate {arguments.rate}; a document has its title; tokens of o200k_base\n")
    print(
        "| row | engine | documents | tokens | tokens/s a worker | documents/s a worker | on rows, of the whole command |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for corpus in corpora(arguments.data, arguments.rows, arguments.rate):
        documents = sum(len(row.get("documents", [row])) for row in corpus.rows)
        for name, (engine, workers) in engines.items():
            totals, wall = measure(corpus, engine)
            tokens = totals.original_tokens / totals.seconds
            print(
                f"| {corpus.name} | {name} | {documents} | {totals.original_tokens:,} | {tokens:,.0f} "
                f"| {documents / totals.seconds:.1f} | {totals.seconds / workers:.1f} s of {wall:.1f} s |",
                flush=True,
            )
            print(f"{name}: {totals.rows} rows, {totals.errors} errors", file=sys.stderr)


if __name__ == "__main__":
    main()
