"""What `tersely batch` does a second, in one process and on one and two workers of Ray, and what that means for many.

Prints the tables of docs/scaling.md. Each worker has one thread and a model of its own; a second is one that workers
spend on rows (`receipts/`), and beside it stands the whole command, with Ray's start and the loading of the model.

    python benchmarks/batch_throughput.py shared/data/nq20-dev.jsonl --documents 24
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

os.environ.update({"OMP_WAIT_POLICY": "passive", "RAY_USAGE_STATS_ENABLED": "0"})  # read when torch and ray are loaded
import torch

from tersely import CompressionSettings
from tersely_batch import BatchOptions, Totals, compress_corpus
from tersely_batch.compression import in_process
from tersely_batch.run import Engine
from tersely_ray.batch import RayEngine

_DOCUMENTS = 10_000_000  # to compress in a day
_DAY = 24 * 60 * 60  # seconds
_REQUESTS = 1_000  # a second
_BUSY = 0.7  # share of the time that a replica may work without its callers waiting long


class Kind(NamedTuple):
    """A kind of rows.

    Attributes:
        name: for the table.
        rows: of the input.
        shard_rows: of an output file; at least two files, for two workers.
    """

    name: str
    rows: list[dict[str, Any]]
    shard_rows: int


def kinds(path: Path, documents: int, prompts: int) -> tuple[Kind, Kind]:
    """Documents alone, and prompts of twenty documents with their question."""
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    alone = [document for question in questions for document in question["documents"]][:documents]
    return (
        Kind("a document alone, `llmlingua`", alone, max(1, documents // 8)),
        Kind("20 documents, a question, `evidence`", questions[:prompts], 1),
    )


def measure(kind: Kind, engine: Engine, rate: float) -> tuple[Totals, float]:
    """What came out, and the wall-clock seconds of the command."""
    options = BatchOptions(settings=CompressionSettings(rate=rate), shard_rows=kind.shard_rows)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in kind.rows), encoding="utf-8")
        begun = time.perf_counter()
        totals = compress_corpus([source], Path(folder) / "out", options, engine=engine)
        return totals, time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="questions with documents, one a line")
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--rate", type=float, default=0.5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    engines: dict[str, tuple[Engine, int]] = {
        "in-process, 1 thread": (in_process, 1),
        "Ray, 1 worker": (RayEngine(workers=1), 1),
        "Ray, 2 workers": (RayEngine(workers=2), 2),
    }
    print("| row | engine | rows | tokens | tokens/s a worker | rows/s a worker | on rows | command |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    rows_a_second: list[float] = []
    for kind in kinds(arguments.data, arguments.documents, arguments.prompts):
        for name, (engine, workers) in engines.items():
            totals, wall = measure(kind, engine, arguments.rate)
            figures = [
                f"{totals.rows}",
                f"{totals.original_tokens:,}",
                f"{totals.original_tokens / totals.seconds:,.0f}",
                f"{totals.rows / totals.seconds:.2f}",
                f"{totals.seconds / workers:.1f} s",
                f"{wall:.1f} s",
            ]
            print(f"| {kind.name} | {name} | {' | '.join(figures)} |", flush=True)
            if totals.errors:
                sys.exit(f"{totals.errors} rows could not be compressed")
        rows_a_second.append(totals.rows / totals.seconds)  # of the last: both processors at work
    documents, requests = rows_a_second
    workers = math.ceil(_DOCUMENTS / (documents * _DAY))
    replicas = math.ceil(_REQUESTS / (requests * _BUSY))
    print(
        f"\n{_DOCUMENTS:,} documents / ({documents:.5g} a second and worker x {_DAY:,} s) = {workers:,} workers\n"
        f"{_REQUESTS:,} requests a second / ({requests:.5g} a second and replica x {_BUSY}) = {replicas:,} replicas"
    )


if __name__ == "__main__":
    main()
