"""A device or dtype that cannot be had: the reason and the remedy, before anything is fetched or read."""

from __future__ import annotations

import pytest
import torch

from tersely import Compressor, ModelError
from tersely.scoring.devices import best_floating_dtype, check_device, check_dtype


def test_cuda_without_cuda_says_so(monkeypatch, tiny_llama) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "zeros", _fails)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    with pytest.raises(ModelError) as raised:
        Compressor(tiny_llama, device="cuda")
    message = str(raised.value)
    assert message.startswith(
        f"device 'cuda' cannot be used by this torch ({torch.__version__}): it is built without CUDA"
    )
    assert "install one built with it" in message and "or leave device out" in message
    assert "causal language model" not in message
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    with pytest.raises(ModelError, match="built with CUDA but finds no device; see that `nvidia-smi`"):
        Compressor(tiny_llama, device="cuda:0")


@pytest.mark.parametrize(("built", "reason"), [(False, "built without MPS"), (True, "finds no MPS device")])
def test_mps_without_mps_says_so(monkeypatch, tiny_llama, built, reason) -> None:
    monkeypatch.setattr(torch, "zeros", _fails)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: built)
    with pytest.raises(ModelError, match=reason):
        Compressor(tiny_llama, device="mps")


def test_a_cuda_device_beyond_those_that_are_there(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ModelError, match=r"'cuda:2' is not there: this torch sees 2 CUDA device\(s\)"):
        check_device("cuda:2")


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "device 'gpu' is no torch device; give one such as 'cpu', 'cuda'"),
        ("", "device '' is no torch device"),
        ("meta", "device 'meta' computes nothing"),
        (0, "device must be a torch device's name, .* got 0"),
        (torch.device("cpu"), r"device must be a torch device's name, .* got device\(type='cpu'\)"),
        ("hpu", "device 'hpu' cannot be used by this torch"),
    ],
)
def test_a_bad_device_is_named(device, message) -> None:
    with pytest.raises(ModelError, match=message):
        check_device(device)
    # Known before a model is looked for.
    if device:
        with pytest.raises(ModelError, match=message):
            Compressor("/no/such/folder", device=device)


def test_devices_and_dtypes_that_are_there_are_fine() -> None:
    check_device("cpu")
    for dtype in (None, "int8", "float32", "bfloat16", "float16"):
        check_dtype(dtype)


@pytest.mark.parametrize("dtype", ["float17", "int32", "zeros", "", 3, torch.float32])
def test_a_bad_dtype_is_named(tiny_llama, dtype) -> None:
    with pytest.raises(ModelError, match=r"dtype must be 'bfloat16', .* got") as raised:
        Compressor(tiny_llama, dtype=dtype)
    assert "causal language model" not in str(raised.value)


@pytest.mark.parametrize(
    ("features", "dtype"), [({"bf16": True}, "bfloat16"), ({"avx2": True}, "float32"), ({}, "float32")]
)
def test_bfloat16_only_where_the_processor_multiplies_it(monkeypatch, features, dtype) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features)
    assert best_floating_dtype("cpu") == dtype


def _fails(*_, **__):
    raise AssertionError("Torch not compiled with it")
