"""`tersely doctor`: what it prints, and which advice belongs to which machine."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tersely.scoring.machine import Machine, processor_quota, tokens_per_second
from tersely_cli.app import app
from tersely_cli.doctor import advice

ZEN_5 = Machine("AVX512", ("int8", "bfloat16", "float32"), 4, None, 4, None, "2.13.0+cpu")


def said(here: Machine, device="cpu", dtype="int8", load=0.0, environment=None, has_nvidia=False) -> str:
    return "\n".join(advice(here, device, dtype, load, environment or {}, has_nvidia=has_nvidia))


def test_it_prints_what_is_there_and_what_is_used(fake_model) -> None:
    done = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    rows = dict(line.split("  ", 1) for line in done.stdout.split("\n\n")[0].splitlines())
    assert rows["model"].strip() == "fake"
    assert float(rows["speed"].split()[0].replace(",", "")) > 0
    assert "float32 (the fastest first)" in rows["number types"]


def test_a_fast_machine_of_its_own_needs_no_advice() -> None:
    assert said(ZEN_5) == ""


def test_a_driver_without_cuda_in_torch_is_noticed() -> None:
    assert "Install a torch built with CUDA" in said(ZEN_5, has_nvidia=True)
    assert said(ZEN_5._replace(accelerator="NVIDIA H200"), device="cuda", dtype="bfloat16", has_nvidia=True) == ""


@pytest.mark.parametrize("name", ["DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"])
def test_a_variable_that_forbids_instructions_is_named(name) -> None:
    assert f"{name}=AVX2 holds the matrix library back" in said(ZEN_5, environment={name: "AVX2"})


def test_a_slower_number_type_than_there_is_is_named() -> None:
    assert "computed in bfloat16, though this machine has int8" in said(ZEN_5, dtype="bfloat16")


def test_an_older_processor_is_told_which_are_faster() -> None:
    old = ZEN_5._replace(instructions="AVX2", number_types=("float32",))
    assert "AVX-512 VNNI" in said(old, dtype="float32")


def test_more_threads_than_a_container_may_use() -> None:
    assert "Set OMP_NUM_THREADS=1 before" in said(ZEN_5._replace(quota=1.5))


def test_cores_that_are_left_idle() -> None:
    few = ZEN_5._replace(threads=1)
    assert "OMP_NUM_THREADS=1 leaves cores idle" in said(few, environment={"OMP_NUM_THREADS": "1"})


def test_a_busy_machine() -> None:
    assert "OMP_WAIT_POLICY=passive" in said(ZEN_5, load=4.0)
    assert said(ZEN_5, load=4.0, environment={"OMP_WAIT_POLICY": "passive"}) == ""


def test_the_quota_of_a_container(tmp_path) -> None:
    assert processor_quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert processor_quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert processor_quota(tmp_path) == 1.5


def test_the_measurement_reads_something_even_in_no_time(fake_scorer) -> None:
    assert tokens_per_second(fake_scorer, seconds=0) > 0
