"""`tersely doctor`: what this machine has, what is used of it, how fast that is, and what its user could change."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import typer

from tersely import DEFAULT_MODEL, __version__
from tersely_cli.options import Model
from tersely_cli.terminal import error_console, progress

if TYPE_CHECKING:
    from tersely.scoring.machine import Machine

# Variables with which an environment holds the matrix libraries back.
_LIMITS = ("DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
_SECONDS = 2.0  # of the measurement


def doctor(model: Model = DEFAULT_MODEL) -> None:
    """Print what this machine has, what is used, tokens per second and what could be changed."""
    console = error_console()
    with progress(console, "loading the model ..."):
        from tersely.scoring import load_scorer
        from tersely.scoring.cache import cache_size
        from tersely.scoring.machine import machine, tokens_per_second

        scorer = load_scorer(model)
        here = machine()
    with progress(console, f"measuring for {_SECONDS:g} seconds ..."):
        speed = tokens_per_second(scorer, _SECONDS)
    disk = cache_size()
    device, dtype = (str(getattr(scorer, name, "of its own loader")) for name in ("device", "dtype"))
    rows = {
        "versions": f"tersely {__version__}, torch {here.torch}, Python {sys.version.split()[0]}",
        "processor": f"{here.cores} cores, {here.threads} threads used, {here.instructions}",
        "number types": f"{', '.join(here.number_types)} (the fastest first)",
        "accelerator": here.accelerator or "none that torch can use",
        "used": f"{device}, {dtype}",
        "model": scorer.name,
        "speed": f"{speed:,.0f} tokens a second, new documents of 128 tokens",
        "cache on disk": f"{disk.folder}: {disk.entries} entries, {disk.size / 1e6:.1f} MB",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        typer.echo(f"{name:{width}}  {value}")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    remarks = list(advice(here, device, dtype, load, os.environ, has_nvidia=shutil.which("nvidia-smi") is not None))
    typer.echo("\nWhat you could change:" if remarks else "\nNothing to change was found.")
    for remark in remarks:
        typer.echo(f"- {remark}")


def advice(
    here: Machine, device: str, dtype: str, load: float, environment: Mapping[str, str], *, has_nvidia: bool
) -> Iterator[str]:
    """What would make this machine faster, a sentence or two each.

    Args:
        here: what torch can use.
        device: that is used.
        dtype: that is used.
        load: processes that want a core, on average over the last minute.
        environment: variables by name.
        has_nvidia: whether the driver of an NVIDIA device is installed.
    """
    if has_nvidia and here.accelerator is None:
        yield (
            f"torch {here.torch} finds no CUDA device, but the NVIDIA driver is installed. Install a torch built with "
            f"CUDA (https://pytorch.org/get-started/locally), and look at CUDA_VISIBLE_DEVICES."
        )
    for name in _LIMITS:
        if name in environment:
            yield f"{name}={environment[name]} holds the matrix library back; unset it."
    if device == "cpu" and dtype != here.number_types[0]:
        yield (
            f"The model is computed in {dtype}, though this machine has {here.number_types[0]}: that takes a model of "
            f"the Llama family, such as {DEFAULT_MODEL}."
        )
    if device == "cpu" and here.instructions not in ("AVX512", "SVE256") and here.accelerator is None:
        yield (
            "A processor with products of 8 bits (AVX-512 VNNI, AVX VNNI, AMX) is several times as fast: AMD from "
            "Zen 4 on, Intel Xeon from Cascade Lake on."
        )
    yield from _threads(here, load, environment)


def _threads(here: Machine, load: float, environment: Mapping[str, str]) -> Iterator[str]:
    available = min(here.cores, here.quota or here.cores)
    if here.threads > available:
        yield (
            f"{here.threads} threads share the time of {available:g} processors, and wait for each other. Set "
            f"OMP_NUM_THREADS={max(int(available), 1)} before Python starts."
        )
    elif here.threads < here.cores and "OMP_NUM_THREADS" in environment:
        yield (
            f"OMP_NUM_THREADS={environment['OMP_NUM_THREADS']} leaves cores idle where one process runs alone: "
            f"there are {here.cores}."
        )
    if load > here.cores * 0.75 and "OMP_WAIT_POLICY" not in environment:
        yield (
            f"Other programs want the cores, too (load {load:.1f}). For several processes of Tersely set "
            f"OMP_NUM_THREADS to the cores divided by the processes, and OMP_WAIT_POLICY=passive."
        )
