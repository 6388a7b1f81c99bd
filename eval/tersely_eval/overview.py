"""`python -m tersely_eval.overview FOLDER`: all data sets of a folder, all methods and rates, in one page with charts.

Each method has a run of its own. So a call that was interrupted goes on where it was, and a method is measured anew
when its folder is deleted. `make table` calls this.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tersely import DEFAULT_MODEL, CacheSettings, Compressor, InvalidInputError
from tersely_eval.measure import (
    RUN_FILE,
    Measurement,
    Plan,
    Run,
    cases,
    describe_run,
    open_run,
    read_data_sets,
    read_run,
    take_measurements,
)
from tersely_eval.peers import parse_methods
from tersely_eval.report import Overview, merged_runs, write_overview

RATES = (0.25, 0.125, 0.06)
# They take over five seconds a question, so they have fewer questions and one rate.
SLOW = (
    "llmlingua-0.2.2/longllmlingua/float32",
    "llmlingua-0.2.2/llmlingua/float32",
    "selective-context-0.1.4/phrase/float32",
)
BASELINES = ("truncation", "tail", "bm25_sentences", "minilm", "bm25+minilm")
METHODS = (
    "evidence",
    *BASELINES,
    "llama-index-0.14.25/sentence-embedding-optimizer",
    "langchain-1.0.8/embeddings-filter",
    "headroom-0.42.0/text-crusher",
    "headroom-0.42.0/kompress",
    "litellm-1.110.2/compress",
    *SLOW,
)
_SLOW_QUESTIONS, _SLOW_RATE = 30, 0.125


class Request(NamedTuple):
    """What shall be measured, and where it is written.

    Attributes:
        data: a folder with files of questions, `*.jsonl`.
        runs: the folder of the runs.
        out: the folder of the page and its charts.
        methods: their names.
        limit: at most so many questions of each data set.
        model, tokenizer: what scores, and what counts.
    """

    data: Path
    runs: Path
    out: Path
    methods: tuple[str, ...]
    limit: int | None
    model: str
    tokenizer: str


def plans(request: Request) -> dict[str, Plan]:
    """What to measure of each method.

    Raises:
        InvalidInputError: the folder has no data set.
    """
    files = sorted(request.data.glob("*.jsonl"))
    if not files:
        raise InvalidInputError(f"{request.data}: no file *.jsonl there; name a folder with data sets")
    limit = request.limit
    return {
        method: Plan(
            data=tuple(str(path.resolve()) for path in files),
            methods=(method,),
            rates=(_SLOW_RATE,) if method in SLOW else RATES,
            limit=min(limit or _SLOW_QUESTIONS, _SLOW_QUESTIONS) if method in SLOW else limit,
            model=request.model,
            tokenizer=request.tokenizer,
        )
        for method in request.methods
    }


def measure(request: Request, compressor: Compressor) -> None:
    """Take all measurements that the runs do not hold yet, method by method; each is written down at once."""
    for method, plan in plans(request).items():
        path = run_path(request.runs, method)
        data_sets = read_data_sets(plan, print)
        if not path.exists():
            command = f"make table DATA={request.data}"
            open_run(path, describe_run(compressor, plan).model_copy(update={"command": command}))
        todo = cases(plan, data_sets)
        print(f"{method}: {len(todo)} measurements", file=sys.stderr)
        take_measurements(path, todo, compressor, (), lambda: None)


def run_path(runs: Path, method: str) -> Path:
    """The file of a method's run."""
    return runs / method.replace("/", "_") / RUN_FILE


def read_runs(request: Request) -> Run:
    """All runs of the request's methods as one, as far as they are; by data set, then by method.

    Raises:
        InvalidInputError: there is none.
    """
    paths = [path for method in request.methods if (path := run_path(request.runs, method)).exists()]
    if not paths:
        raise InvalidInputError(f"{request.runs}: nothing was measured there yet")
    run = merged_runs([read_run(path) for path in paths])

    def place(measurement: Measurement) -> tuple[str, int]:
        return measurement.data_set, request.methods.index(measurement.method)

    return run._replace(measurements=sorted(run.measurements, key=place))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is not measured yet, and write the page; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tersely_eval.overview", description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder with files of questions, *.jsonl")
    parser.add_argument("--runs", type=Path, default=Path("tersely-eval/overview"), help="folder of the measurements")
    parser.add_argument("--out", type=Path, default=Path("eval/overview"), help="folder of the page and its charts")
    parser.add_argument("--methods", default=",".join(METHODS), help="separated by commas")
    parser.add_argument("--limit", type=int, help="at most so many questions of each data set")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--tokenizer", default="cl100k_base")
    parser.add_argument("--only-write", action="store_true", help="measure nothing, write what is there")
    given = parser.parse_args(arguments)
    try:
        methods = parse_methods(name.strip() for name in given.methods.split(","))
        request = Request(given.data, given.runs, given.out, methods, given.limit, given.model, given.tokenizer)
        interrupted = not given.only_write and not _measured(request)
        write_overview(request.out, read_runs(request), Overview("evidence", BASELINES, _SLOW_RATE))
    except InvalidInputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"written: {request.out}/README.md", file=sys.stderr)
    return 130 if interrupted else 0


def _measured(request: Request) -> bool:
    """Measure; whether nobody interrupted."""
    plans(request)  # a wrong folder is refused before the model is loaded
    # Without a cache seconds are those of a first question, at each rate, as a peer's are.
    no_cache = CacheSettings(memory_bytes=0, disk_bytes=0)
    try:
        measure(request, Compressor(request.model, tokenizer=request.tokenizer, cache=no_cache))
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
