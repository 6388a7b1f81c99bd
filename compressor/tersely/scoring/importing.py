"""torch, imported so that its threads let other processes have the cores.

Threads of a matrix product wait for the next one in a loop that keeps their cores busy for milliseconds. Two processes
on the same cores then wait for each other's waiting. OpenMP reads how to wait when it is loaded, and never again.
"""

from __future__ import annotations

import os
import sys

# How often a thread looks for work before it sleeps: some microseconds, as long as the steps between two matmuls take.
_SPINS = "1000"
_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def import_torch() -> None:
    """Import torch; where the caller has done so, or has set how threads wait, change nothing.

    The environment afterwards is what it was before.
    """
    if "torch" in sys.modules or any(name in os.environ for name in _VARIABLES):
        return
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    try:
        import torch  # noqa: F401 - what it loads is wanted
    finally:
        del os.environ["GOMP_SPINCOUNT"]
