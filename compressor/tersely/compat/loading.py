"""The constructor's arguments of llmlingua -> which model Tersely loads, where and in which type. Loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import regex

from tersely.errors import InvalidInputError
from tersely.scoring.models import DEFAULT_MODEL


class _NotGiven(str):
    """A default's text, told apart from the same text given by the caller."""


# llmlingua's default: 13 GB, which nobody who names no model expects to fetch.
LLAMA_2 = _NotGiven("NousResearch/Llama-2-7b-hf")

_DEVICE = regex.compile(r"(?:cuda|xpu):\d{1,3}|cpu|mps|xpu")
_DTYPES = ("float16", "bfloat16", "float32", "float64")
_ANY_DEVICE = ("cuda", "auto", "balanced", "balanced_low_0", "sequential")


def read_model(model_name: Any) -> str | PathLike[str]:
    """The model to load: the embedded one where none is named.

    Raises:
        InvalidInputError: it is no name.
    """
    if not isinstance(model_name, (str, PathLike)) or not str(model_name).strip():
        raise InvalidInputError(f"model_name must be a name, a folder or a file, got {model_name!r}")
    return DEFAULT_MODEL if isinstance(model_name, _NotGiven) else model_name


def read_device(device_map: Any) -> str | None:
    """A torch device, or None for the best that there is.

    Raises:
        InvalidInputError: it is no device.
    """
    if device_map is None or device_map in _ANY_DEVICE:
        return None
    if isinstance(device_map, str) and _DEVICE.fullmatch(device_map):
        return device_map
    raise InvalidInputError(
        f"device_map must be cpu, mps, cuda:0 and the like, or one of {', '.join(_ANY_DEVICE)}, got {device_map!r}"
    )


def read_dtype(model_config: Any) -> tuple[str | None, dict[str, Any]]:
    """The torch dtype's name that a model config asks for, if any, and what else is in it, which has no meaning here.

    Raises:
        InvalidInputError: it is no mapping, or the dtype is none that a model can be loaded in.
    """
    if not isinstance(model_config, Mapping):
        raise InvalidInputError(f"model_config must be a dictionary, got {model_config!r}")
    dtype = model_config.get("dtype", model_config.get("torch_dtype"))
    named = None if dtype is None or dtype == "auto" else str(dtype).removeprefix("torch.")
    if named is not None and named not in _DTYPES:
        raise InvalidInputError(f"torch_dtype must be auto or one of {', '.join(_DTYPES)}, got {dtype!r}")
    others = {
        f"model_config[{key!r}]": value
        for key, value in model_config.items()
        if key not in ("dtype", "torch_dtype") and (key, value) != ("trust_remote_code", False)
    }
    return named, others
