"""Ray, started or joined, for as long as a command needs it. Nothing is sent to anybody: no usage statistics."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tersely import InvalidInputError


@contextmanager
def ray_session() -> Iterator[None]:
    """Join the cluster that `RAY_ADDRESS` names (`auto`: the one of this machine), else start Ray on this machine.

    What is started ends with the block; a cluster that was joined goes on. A program that has called `ray.init` itself
    keeps its session.

    Raises:
        InvalidInputError: Ray is not installed, or there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise InvalidInputError(f"{error.name} is not installed: pip install 'tersely[ray]'") from None
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    try:
        # Without an address `ray.init` would join whatever it finds on this machine.
        where = {"address": address} if address else {"address": "local", "include_dashboard": False}
        ray.init(**where, logging_level=logging.WARNING)
    except ConnectionError as error:
        raise InvalidInputError(f"RAY_ADDRESS {address}: no Ray cluster answers there ({error})") from None
    try:
        yield
    finally:
        ray.shutdown()


def one_thread_a_processor(processors: int) -> dict[str, str]:
    """Environment variables for a worker. Threads of several processes that wait by spinning take each other's
    processors: together they are ten times slower than one."""
    return {"OMP_NUM_THREADS": str(processors), "OMP_WAIT_POLICY": "passive"}
