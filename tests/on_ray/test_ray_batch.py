"""A corpus on two workers of a real Ray: the rows of one process, also where workers and drivers are killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'tersely[ray]'")

import torch

from tersely import CompressionSettings, InvalidInputError, ModelError
from tersely_batch import BatchOptions, compress_corpus
from tersely_ray.batch import RayEngine, _Worker

pytest_plugins = ["ray_fixtures"]

Found = TypeVar("Found")
COMMAND = [sys.executable, "-c", "from tersely_cli.app import app; app()", "batch"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty documents, two of them bad, which keep the tiny model busy for some seconds."""
    sentence = "The mill number {} on the river was opened in {}, closed later, and nobody has lived there since then. "
    lines = [json.dumps({"id": n, "text": sentence.format(n, 1800 + n) * (10 + n % 5)}) for n in range(38)]
    lines[7:7] = ["{oops"]
    lines[30:30] = [json.dumps({"id": "no text"})]
    path = tmp_path_factory.mktemp("corpus") / "in.jsonl"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def options(tiny_llama: Path) -> BatchOptions:
    settings = CompressionSettings(rate=0.5)
    return BatchOptions(settings=settings, model=str(tiny_llama), tokenizer="o200k_base", shard_rows=2)


@pytest.fixture(scope="module")
def in_one_process(corpus: Path, options: BatchOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("in_process") / "out"
    compress_corpus([corpus], out, options)
    return out


def files(out: Path) -> dict[str, bytes]:
    found = [*(out / "rows").iterdir(), *(out / "errors").iterdir()]
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def wait_for(look: Callable[[], Found]) -> Found:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.01)
    return found


def ray_processes(parent: psutil.Process, name: str) -> list[psutil.Process]:
    found = []
    for process in parent.children(recursive=True):
        try:
            if name in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            pass  # it has ended meanwhile
    return found


def test_two_workers_make_the_files_of_one_process(two_workers, corpus, options, in_one_process, tmp_path) -> None:
    news = []
    totals = compress_corpus(
        [corpus], tmp_path / "out", options, engine=RayEngine(workers=2), advance=lambda *step: news.append(step)
    )
    assert (totals.rows, totals.errors, totals.shards, totals.resumed) == (38, 2, 20, 0)
    assert files(tmp_path / "out") == files(in_one_process)
    assert news[0] == (0, 40) and news[-1] == (40, 40)


def test_a_killed_worker_loses_no_row_and_doubles_none(two_workers, corpus, options, in_one_process, tmp_path) -> None:
    out = tmp_path / "out"
    totals = []
    engine = RayEngine(workers=2)
    run = threading.Thread(target=lambda: totals.append(compress_corpus([corpus], out, options, engine=engine)))
    run.start()
    unfinished = wait_for(lambda: list(out.glob("receipts/*.json")) and list(out.glob("rows/.unfinished-*")))
    workers = wait_for(lambda: ray_processes(psutil.Process(), "MapWorker"))
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    left = 20 - len(list(out.glob("receipts/*.json")))
    run.join(timeout=90)
    assert unfinished and left, "the run was over before the workers were killed"
    assert (totals[0].rows, totals[0].errors, totals[0].shards) == (38, 2, 20)
    assert files(out) == files(in_one_process)


def test_a_killed_driver_goes_on_and_in_one_process_if_need_be(corpus, options, in_one_process, tmp_path) -> None:
    out = tmp_path / "out"
    arguments = ["--rate", "0.5", "--model", options.model, "--tokenizer", "o200k_base", "--shard-rows", "2"]
    command = [*COMMAND, str(corpus), str(out), *arguments, "--engine", "ray", "--workers", "2"]
    driver = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "RAY_ADDRESS": ""})
    wait_for(lambda: list(out.glob("receipts/*.json")))
    started = psutil.Process(driver.pid).children(recursive=True)
    for process in [driver, *started]:  # the whole machine, as it were
        with contextlib.suppress(psutil.Error):
            process.kill()
    driver.communicate()
    psutil.wait_procs(started, timeout=30)
    before = len(list(out.glob("receipts/part-*.json")))
    assert before < 20, "the run was over before its driver was killed"
    totals = compress_corpus([corpus], out, options)
    assert before <= totals.resumed < 20
    assert files(out) == files(in_one_process)


def test_what_all_workers_meet_is_said_once(two_workers, corpus, options, tmp_path) -> None:
    options = options.model_copy(update={"model": "no/such/model"})
    with pytest.raises(ModelError, match="no/such/model") as caught:
        compress_corpus([corpus], tmp_path / "out", options, engine=RayEngine(workers=1))
    assert "Traceback" not in str(caught.value) and "ray::" not in str(caught.value)


def test_a_shard_that_no_worker_survives_ends_the_run(corpus, options, tmp_path) -> None:
    out = tmp_path / "out"

    def in_a_worker(shards, out, options, advance):
        for death in range(6):
            (out / "rows" / f".unfinished-part-000000.jsonl-{death}").touch()
        worker = _Worker(str(out), options.model_dump_json(), threads=torch.get_num_threads())
        answer = worker({"shard": [shards[0].model_dump_json()]})
        assert answer["failure"] == ["InvalidInputError"]
        raise InvalidInputError(answer["message"][0])
        yield

    with pytest.raises(InvalidInputError, match=r"6 workers died with the 2 rows of \S+in.jsonl from number 1 on"):
        compress_corpus([corpus], out, options, engine=in_a_worker)


def test_workers_that_the_cluster_has_no_room_for_are_refused(two_workers, corpus, options, tmp_path) -> None:
    for engine in (RayEngine(cpus=64), RayEngine(gpus=1)):
        with pytest.raises(InvalidInputError, match="the cluster has no room for a worker of"):
            compress_corpus([corpus], tmp_path / "out", options, engine=engine)


@pytest.mark.model
def test_the_embedded_model_makes_the_same_files(two_workers, natural_questions, tmp_path) -> None:
    source = tmp_path / "in.jsonl"
    rows = [{**row, "documents": row["documents"][:5]} for row in natural_questions]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = BatchOptions(settings=CompressionSettings(rate=0.25), shard_rows=1)
    compress_corpus([source], tmp_path / "a", options)
    compress_corpus([source], tmp_path / "b", options, engine=RayEngine(workers=2))
    assert files(tmp_path / "a") == files(tmp_path / "b") and len(files(tmp_path / "a")) == 2
