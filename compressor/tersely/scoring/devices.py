"""Devices and dtypes: the best there is, and whether a model can be computed where and how a user wants it.

Checks come before anything is fetched or loaded.
"""

from __future__ import annotations

from typing import Any

from tersely.errors import ModelError

_NAMES = "'cpu', 'cuda', 'cuda:0' or 'mps'"


def best_device() -> str:
    """CUDA, else MPS, else the processor."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_floating_dtype(device: str) -> str:
    """bfloat16 where the device multiplies it natively; elsewhere it would be slower than float32."""
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if device == "cpu" and _multiplies_bfloat16() else "float32"


def _multiplies_bfloat16() -> bool:
    """Whether the processor does, and the matrix library may use it: DNNL_MAX_CPU_ISA can forbid that."""
    import torch

    features = torch.cpu.get_capabilities()
    if features.get("bf16"):  # Arm
        return True
    native = any(features.get(name) for name in ("avx512_bf16", "amx_bf16"))
    return native and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def processor_features() -> str:
    """What this processor can do and torch may use of it, in words: kernels, and so the last bits, depend on it."""
    import torch

    from tersely.scoring.llama.eight_bits import eight_bit_levels

    features = torch.cpu.get_capabilities()
    names = ",".join(sorted(name for name, value in features.items() if value is True))
    return f"{names} {torch.backends.cpu.get_cpu_capability()} {eight_bit_levels()}"


def check_device(device: Any) -> None:
    """Refuse a device that this torch has not.

    Raises:
        ModelError: the message says why, and what to do.
    """
    import torch

    if not isinstance(device, str):
        raise ModelError(f"device must be a torch device's name, such as {_NAMES}, got {device!r}")
    try:
        kind, number = torch.device(device).type, torch.device(device).index
    except RuntimeError:
        raise ModelError(f"device {device!r} is no torch device; give one such as {_NAMES}, or leave it out") from None
    if kind == "meta":
        raise ModelError(f"device {device!r} computes nothing; give one such as {_NAMES}, or leave it out")
    if kind == "cuda" and torch.cuda.is_available() and (number or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"device {device!r} is not there: this torch sees {torch.cuda.device_count()} CUDA device(s), counted from "
            f"cuda:0; give one of them"
        )
    try:
        torch.zeros(1, device=device).item()
    except Exception as error:  # each kind of device has its own way to say that it is not there
        reason = _why_not(kind) or str(error).strip().partition("\n")[0]
        raise ModelError(
            f"device {device!r} cannot be used by this torch ({torch.__version__}): {reason}; or leave device out, and "
            f"the best device that it has is taken"
        ) from None


def check_dtype(dtype: str | None) -> None:
    """Refuse what is no kind of numbers to compute in.

    Raises:
        ModelError: the message names it.
    """
    import torch

    if dtype in (None, "int8"):
        return
    known = getattr(torch, dtype, None) if isinstance(dtype, str) else None
    if not isinstance(known, torch.dtype) or not known.is_floating_point:
        raise ModelError(
            f"dtype must be 'bfloat16', 'float16', 'float32' or another floating torch dtype's name, or 'int8', got "
            f"{dtype!r}; leave it out for the best that there is"
        )


def _why_not(kind: str) -> str | None:
    """Why a kind of device is not there and what to do, where torch can tell."""
    import torch

    if kind == "cuda" and not torch.backends.cuda.is_built():
        return "it is built without CUDA; install one built with it (https://pytorch.org/get-started/locally)"
    if kind == "cuda":
        return (
            "it is built with CUDA but finds no device; see that `nvidia-smi` lists one here, and CUDA_VISIBLE_DEVICES"
        )
    if kind == "mps" and not torch.backends.mps.is_built():
        return "it is built without MPS, which only torch for macOS on Apple silicon has"
    if kind == "mps":
        return "it finds no MPS device; that takes a Mac with Apple silicon and a recent macOS"
    return None
