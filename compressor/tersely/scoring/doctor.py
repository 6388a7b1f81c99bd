"""What a checkpoint is, and what is wrong with it, from its configuration: before gigabytes are fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tersely.errors import ModelError
from tersely.scoring.abilities import Ability
from tersely.scoring.hub import LICENCES
from tersely.scoring.kinds import ABILITIES, FAMILIES, Kind, kind_of, kind_of_configuration, read_configuration
from tersely.scoring.models import DEFAULT_MODEL


class Diagnosis(NamedTuple):
    """What is known of a model.

    Attributes:
        kind: of model.
        reason: why it is taken for one.
        abilities: what it can do for a method; none where something is wrong with it.
        problem: what is wrong with it; None for nothing that a configuration tells.
        licence: of a known checkpoint.
    """

    kind: Kind
    reason: str
    abilities: frozenset[Ability]
    problem: str | None
    licence: str | None


def diagnose(model: str) -> Diagnosis:
    """Look at a model's configuration, or ask its server.

    Args:
        model: any name of a model that `load_scorer` takes.

    Raises:
        ModelError: there is no such model, or its configuration cannot be had, or its server does not serve it.
    """
    kind = kind_of(model)
    if kind == "server":
        from tersely.scoring.scorers import load_scorer

        load_scorer(model)
        return Diagnosis(kind, "its name says so, and its server serves it", ABILITIES[kind], None, None)
    if model == DEFAULT_MODEL or model.endswith(".gguf"):
        return Diagnosis(kind, "its name says so", ABILITIES[kind], None, None)
    configuration = read_configuration(model)
    if not configuration:
        raise ModelError(
            f"model {model!r} has no config.json that can be read; fetch it, or see that the Hub is reached"
        )
    kind = kind_of_configuration(configuration)
    architectures = ", ".join(map(str, configuration.get("architectures") or ())) or "none"
    reason = f"config.json has architectures {architectures} and model_type {configuration.get('model_type')}"
    problem = _problem(kind, configuration)
    return Diagnosis(kind, reason, frozenset() if problem else ABILITIES[kind], problem, LICENCES.get(model))


def _problem(kind: Kind, configuration: Mapping[str, Any]) -> str | None:
    family = (configuration.get("base_model_config") or configuration).get("model_type")
    if kind == "language model":
        architectures = [str(name) for name in configuration.get("architectures") or ()]
        if not any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
            return "it is no causal language model, no token classifier and no pruner of a known layout"
        return None
    if kind == "token classifier":
        labels = len(configuration.get("id2label") or (0, 1))
        if labels != 2:
            return f"it has {labels} labels, and LLMLingua-2's have 2, drop and keep"
    if family not in FAMILIES[kind] and not (kind == "pruner" and "base_model_config" not in configuration):
        return f"its encoder is of the family {family!r}; known are {', '.join(FAMILIES[kind])}"
    return None
