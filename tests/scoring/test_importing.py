"""How torch's threads wait is set when it is imported, unless the caller has his own way; his environment stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
{before}
environment = dict(os.environ)
from tersely.scoring.importing import import_torch
import_torch()
import torch
assert dict(os.environ) == environment
"""


def spins(before: str = "", **variables: str) -> str:
    """What OpenMP says of itself when it is loaded."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    environment = {**inherited, "OMP_DISPLAY_ENV": "VERBOSE", **variables}
    program = [sys.executable, "-c", PROGRAM.format(before=before)]
    done = subprocess.run(program, capture_output=True, encoding="utf-8", check=True, env=environment)
    lines = [line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    if not lines:
        pytest.skip("this torch has another OpenMP than GCC's")
    return lines[0].partition("=")[2].strip(" '")


def test_threads_sleep_soon() -> None:
    assert spins() == "1000"


def test_the_caller_decides_where_he_has_set_something() -> None:
    assert spins(GOMP_SPINCOUNT="77") == "77"
    assert spins(OMP_WAIT_POLICY="passive") == "0"


def test_the_torch_of_a_caller_stays_as_it_is() -> None:
    assert spins(before="import torch") not in ("1000", "0")
