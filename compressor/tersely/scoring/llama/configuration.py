"""A folder's Llama: its configuration, and its weights as they lie in the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, Field, ValidationError, model_validator
from safetensors.torch import load_file

_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"


class _Positions(BaseModel):
    """How positions rotate queries and keys (RoPE)."""

    rope_type: Literal["default"] = "default"
    rope_theta: float


class LlamaConfiguration(BaseModel):
    """What `config.json` must say for `decoder.py` to compute the model; another value is another computation."""

    model_type: Literal["llama"]
    hidden_act: Literal["silu"]
    attention_bias: Literal[False] = False
    mlp_bias: Literal[False] = False
    quantization_config: None = None
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_parameters: _Positions
    tie_word_embeddings: bool = False
    max_position_embeddings: Annotated[int, Field(gt=0)]

    @model_validator(mode="before")
    @classmethod
    def _from_transformers_4(cls, values: dict[str, Any]) -> dict[str, Any]:
        """transformers 4 wrote positions in other fields, and left out what follows from the rest."""
        values = dict(values)
        if "rope_parameters" not in values and not values.get("rope_scaling"):
            values["rope_parameters"] = {"rope_theta": values.get("rope_theta", 10_000.0)}
        if not values.get("head_dim"):
            values["head_dim"] = values["hidden_size"] // values["num_attention_heads"]
        values.setdefault("num_key_value_heads", values["num_attention_heads"])
        return values


def load_configuration(folder: Path) -> LlamaConfiguration | None:
    """The configuration of a folder's model; None where it is of another family, or has what is not computed here."""
    try:
        configuration = LlamaConfiguration.model_validate_json((folder / "config.json").read_bytes())
    except (OSError, ValidationError, KeyError, TypeError):
        return None
    return configuration if any((folder / name).exists() for name in (_WEIGHTS, _SHARDS)) else None


def load_weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights by name, from one file or from several.

    Raises:
        OSError, SafetensorError: files are missing or damaged.
    """
    if not (folder / _SHARDS).exists():
        return load_file(folder / _WEIGHTS)
    shards = json.loads((folder / _SHARDS).read_bytes())["weight_map"].values()
    return {name: weight for shard in sorted(set(shards)) for name, weight in load_file(folder / shard).items()}


def weight_names(configuration: LlamaConfiguration) -> Iterator[str]:
    """The weights' names in transformers' order: so a fingerprint is the same whichever decoder loads a model."""
    matrices = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
    yield "model.embed_tokens.weight"
    for number in range(configuration.num_hidden_layers):
        for name in (*matrices, "input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{number}.{name}.weight"
    yield "model.norm.weight"
    if not configuration.tie_word_embeddings:
        yield "lm_head.weight"
