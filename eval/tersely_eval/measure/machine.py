"""What a run was made with: command, day, versions, processor. Whoever repeats a figure needs it."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from datetime import date
from pathlib import Path

import tersely
from tersely import Compressor
from tersely.scoring import Scorer
from tersely_eval.measure.measurement import Plan, RunDescription


def describe_run(compressor: Compressor, plan: Plan) -> RunDescription:
    """How a run that begins now is made."""
    return RunDescription(
        command=shlex.join(["tersely", *sys.argv[1:]]),
        date=date.today().isoformat(),
        tersely=tersely.__version__,
        model=compressor.scorer.name,
        tokenizer=compressor.tokenizer.name,
        machine=_machine_of(compressor.scorer),
        reader=plan.reader,
        plan=plan,
    )


def _machine_of(scorer: Scorer) -> str:
    dtype = getattr(scorer, "dtype", None)  # a caller's own scorer need not have one
    return describe_machine(str(getattr(scorer, "device", "cpu")), None if dtype is None else str(dtype))


def describe_machine(device: str = "cpu", dtype: str | None = None) -> str:
    """Processor, cores and threads, accelerator, torch.

    Args:
        device: a torch device's name.
        dtype: a torch dtype's name, where there is one to tell.
    """
    import torch

    parts = [f"{_processor()}, {os.cpu_count()} cores ({torch.get_num_threads()} used)"]
    if device != "cpu":
        parts.append(torch.cuda.get_device_name(device) if device.startswith("cuda") else device)
    return ", ".join(filter(None, [*parts, f"torch {torch.__version__}", dtype]))


def _processor() -> str:
    """The processor's name; Python itself knows only its architecture on Linux."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
