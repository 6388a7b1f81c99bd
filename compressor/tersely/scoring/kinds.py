"""A model's name -> which kind of model it is, from its configuration alone. Loads no weights and imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from tersely.scoring.abilities import LANGUAGE_MODEL, Ability
from tersely.scoring.hub import hub_file
from tersely.scoring.models import DEFAULT_MODEL, model_path

Kind = Literal["language model", "token classifier", "pruner", "server"]

SERVER_PREFIX = "openai:"
ABILITIES: dict[Kind, frozenset[Ability]] = {
    "language model": LANGUAGE_MODEL,
    "token classifier": frozenset({"token labels"}),
    "pruner": frozenset({"pruning"}),
    "server": frozenset({"log-probabilities"}),
}
# Whose encoders are known.
FAMILIES: dict[Kind, tuple[str, ...]] = {
    "token classifier": ("bert", "xlm-roberta"),
    "pruner": ("deberta-v2", "modernbert", "xlm-roberta"),
}
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
    """A checkpoint's `config.json`, from its folder or from the Hub; empty where it has none that can be read.

    Raises:
        ModelError: there is no such file or folder, and no such checkpoint on the Hub that can be reached.
    """
    folder = model_path(model)
    path = folder / "config.json" if folder else hub_file(model, "config.json")
    try:
        configuration = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):  # whoever loads the model says which
        return {}
    return configuration if isinstance(configuration, dict) else {}
