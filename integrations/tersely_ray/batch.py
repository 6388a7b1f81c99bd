"""Shards of a corpus on the workers of Ray Data. What a shard is and what is done with it, `tersely_batch` knows.

Only the descriptions of shards and their receipts go through Ray: each worker reads and writes files itself, so every
node must see input and output under the same paths.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tersely import Compressor, InvalidInputError, ModelError, TokenizerError
from tersely_batch.compression import compress_shard, deaths, receipt_of
from tersely_batch.options import BatchOptions
from tersely_batch.shards import Receipt, Shard
from tersely_ray.session import one_thread_a_processor, ray_session

# How many workers a shard may take with it before the run ends: Ray tries again without end, which is right for nodes
# that go away, and wrong for a shard that no worker survives.
_MOST_DEATHS = 5
_OF_ALL_ROWS: dict[str, type[Exception]] = {
    error.__name__: error for error in (InvalidInputError, ModelError, TokenizerError, OSError, MemoryError)
}


@dataclass(frozen=True)
class RayEngine:
    """An engine for `compress_corpus`: a fixed number of workers, each with its own model, loaded once.

    Attributes:
        workers: how many; by default as many as the cluster has room for. A cluster that grows by itself grows to it.
        cpus: processors of a worker, and threads of its model.
        gpus: GPUs of a worker: 1, or a share such as 0.5.
    """

    workers: int | None = None
    cpus: int = 1
    gpus: float = 0

    def __call__(
        self, shards: list[Shard], out: Path, options: BatchOptions, advance: Callable[[int], None]
    ) -> Iterator[Receipt]:
        """Compress shards; the receipt of each comes when it is done.

        Raises:
            InvalidInputError: Ray is missing, there is no room for a worker, or no worker survives a shard.
            TerselyError, OSError, MemoryError: as `compress_shard`, whichever worker met it first.
        """
        with ray_session():
            yield from self._receipts(shards, out, options, advance)

    def _receipts(
        self, shards: list[Shard], out: Path, options: BatchOptions, advance: Callable[[int], None]
    ) -> Iterator[Receipt]:
        import ray.data
        from ray.data import ActorPoolStrategy, DataContext

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        DataContext.get_current().enable_progress_bars = False
        workers = min(self.workers or self._room(), len(shards))
        receipts = ray.data.from_items(
            [{"shard": shard.model_dump_json()} for shard in shards], override_num_blocks=len(shards)
        ).map_batches(
            _Worker,
            batch_size=1,
            compute=ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
            fn_constructor_args=(str(out.resolve()), options.model_dump_json(), self.cpus),
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            runtime_env={"env_vars": one_thread_a_processor(self.cpus)},
        )
        for row in receipts.iter_rows():
            if row["failure"]:
                raise _OF_ALL_ROWS[row["failure"]](row["message"])
            receipt = Receipt.model_validate_json(row["receipt"])
            advance(receipt.rows + receipt.errors)
            yield receipt

    def _room(self) -> int:
        """How many workers the cluster as it is has room for."""
        import ray

        resources = ray.cluster_resources()
        room = int(resources.get("CPU", 0) // self.cpus)
        if self.gpus:
            room = min(room, int(resources.get("GPU", 0) / self.gpus))
        if not room:
            raise InvalidInputError(
                f"the cluster has no room for a worker of {self.cpus} CPUs and {self.gpus:g} GPUs (it has "
                f"{resources.get('CPU', 0):g} and {resources.get('GPU', 0):g})"
            )
        return room


class _Worker:
    """Lives in a process of its own, with a model of its own."""

    def __init__(self, out: str, options: str, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        logging.getLogger("tersely.notes").setLevel(logging.CRITICAL)  # rows carry the notes
        self._out = Path(out)
        self._options = BatchOptions.model_validate_json(options)
        self._compressor: Compressor | None = None
        self._failure: Exception | None = None
        try:
            self._compressor = self._options.compressor()
        except tuple(_OF_ALL_ROWS.values()) as error:
            self._failure = error  # said with the first shard: Ray would start worker after worker to hear it again

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        (text,) = batch["shard"]
        shard = Shard.model_validate_json(text)
        try:
            receipt = self._compressed(shard)
        except tuple(_OF_ALL_ROWS.values()) as error:
            # Raised, it would come wrapped in Ray's own tracebacks.
            kind = next(name for name, known in _OF_ALL_ROWS.items() if isinstance(error, known))
            return {"receipt": [""], "failure": [kind], "message": [str(error)]}
        return {"receipt": [receipt.model_dump_json()], "failure": [""], "message": [""]}

    def _compressed(self, shard: Shard) -> Receipt:
        if self._compressor is None:
            raise self._failure or AssertionError("neither a compressor nor a failure")
        if receipt := receipt_of(shard, self._out):
            return receipt  # the worker that wrote it died before it could say so
        if deaths(shard, self._out, self._options) > _MOST_DEATHS:
            raise InvalidInputError(
                f"{_MOST_DEATHS + 1} workers died with the {shard.rows} rows of {shard.file} from number "
                f"{shard.first_row} on; what is done is kept: look at these rows, or give workers more memory, and "
                f"start again"
            )
        return compress_shard(shard, self._out, self._options, self._compressor)
