"""A model's name -> which kind of model it is, from its configuration alone. Loads no weights and imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tersely.scoring.models import DEFAULT_MODEL, model_path, quiet_transformers

Kind = Literal["language model", "token classifier", "pruner", "server"]

SERVER_PREFIX = "openai:"
# In the names of architectures or of model types: which checkpoints have a head for tokens beside one for ranking.
_PRUNERS = ("provence", "compressionandranking")


def kind_of(model: str) -> Kind:
    """Which kind of model a name stands for; in doubt a language model, whose loader says what is wrong.

    Raises:
        ModelError: there is no such file or folder, and it is no Hub id.
    """
    if model.startswith(SERVER_PREFIX):
        return "server"
    if model == DEFAULT_MODEL or model.endswith(".gguf"):
        return "language model"
    return kind_of_configuration(read_configuration(model))


def kind_of_configuration(configuration: Mapping[str, Any]) -> Kind:
    """Which kind of model a checkpoint's `config.json` describes."""
    architectures = [str(name).lower() for name in configuration.get("architectures") or ()]
    names = [*architectures, str(configuration.get("model_type", "")).lower()]
    if any(mark in name.replace("_", "") for name in names for mark in _PRUNERS):
        return "pruner"
    if any(name.endswith("fortokenclassification") for name in architectures):
        return "token classifier"
    return "language model"


def read_configuration(model: str) -> dict[str, Any]:
    """A checkpoint's `config.json`, from its folder or from the Hub; empty where it cannot be had.

    Raises:
        ModelError: as `kind_of`.
    """
    folder = model_path(model)
    try:
        path = folder / "config.json" if folder else _hub_file(model, "config.json")
        configuration = json.loads(path.read_text(encoding="utf-8"))
    except Exception:  # the network, the Hub and the disk raise many types here; whoever loads the model says which
        return {}
    return configuration if isinstance(configuration, dict) else {}


def _hub_file(model: str, name: str) -> Path:
    from huggingface_hub import hf_hub_download

    with quiet_transformers():
        return Path(hf_hub_download(model, name))
