"""A Llama, computed here: the family of the embedded model. Other families go through transformers.

transformers takes seconds to import its modelling code, and computes a layer in three times as many steps. Here
queries, keys and values are one product, and what follows a product (activation, gate, residual) is done in the product
where the matrix library can do it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import BaseModel, Field, ValidationError, model_validator
from safetensors.torch import load_file
from torch.nn.functional import embedding, linear, silu

from tersely.scoring.fingerprint import model_fingerprint
from tersely.scoring.packing import Attend

_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"


class _Positions(BaseModel):
    """How positions turn queries and keys."""

    rope_type: Literal["default"] = "default"
    rope_theta: float


class LlamaConfiguration(BaseModel):
    """What of `config.json` says that a model is computed as below; another value is another computation."""

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
    def _older(cls, values: dict[str, Any]) -> dict[str, Any]:
        """transformers 4 wrote positions apart, and left out what follows from the rest."""
        values = dict(values)
        if "rope_parameters" not in values and not values.get("rope_scaling"):
            values["rope_parameters"] = {"rope_theta": values.get("rope_theta", 10_000.0)}
        if not values.get("head_dim"):
            values["head_dim"] = values["hidden_size"] // values["num_attention_heads"]
        values.setdefault("num_key_value_heads", values["num_attention_heads"])
        return values


def read_configuration(folder: Path) -> LlamaConfiguration | None:
    """The configuration of a folder's model; None where it is not of this family, or has what is not computed here."""
    try:
        configuration = LlamaConfiguration.model_validate_json((folder / "config.json").read_bytes())
    except (OSError, ValidationError, KeyError, TypeError):
        return None
    return configuration if any((folder / name).exists() for name in (_WEIGHTS, _SHARDS)) else None


class _Layer(NamedTuple):
    """One layer's weights: norms as they are, products made ready."""

    before_attention: torch.Tensor
    queries_keys_values: _Product
    output: _Product
    before_feed_forward: torch.Tensor
    gate: _Product
    up: _Product
    down: _Product


class Llama:
    """A `Decoder` (packing.py) of the Llama family.

    Args:
        folder: with safetensors weights.
        configuration: as `read_configuration` found it there.
        dtype: a torch dtype's name.
        device: a torch device's name.

    Raises:
        OSError, SafetensorError, KeyError: files are missing or damaged, or lack a weight.
    """

    packs = True

    def __init__(self, folder: Path, configuration: LlamaConfiguration, *, dtype: str, device: str) -> None:
        self._configuration, self.device = configuration, device
        self.layers, self.heads = configuration.num_hidden_layers, configuration.num_attention_heads
        self.context_length: int | None = configuration.max_position_embeddings
        weights = _weights(folder)
        self.fingerprint = model_fingerprint((name, weights[name]) for name in _names(configuration))

        def weight(name: str) -> torch.Tensor:
            return weights[name].to(device, getattr(torch, dtype), copy=True)  # none of the file that was mapped

        fuses = _fuses(getattr(torch, dtype), device)
        self._embedding = weight("model.embed_tokens.weight")
        self._head = self._embedding if configuration.tie_word_embeddings else weight("lm_head.weight")
        self._norm = weight("model.norm.weight")
        self._layers = []
        for number in range(self.layers):
            attention, feed_forward = f"model.layers.{number}.self_attn", f"model.layers.{number}.mlp"
            parts = [weight(f"{attention}.{name}_proj.weight") for name in "qkv"]
            self._layers.append(
                _Layer(
                    weight(f"model.layers.{number}.input_layernorm.weight"),
                    _Product(torch.cat(parts), fuses),
                    _Product(weight(f"{attention}.o_proj.weight"), fuses),
                    weight(f"model.layers.{number}.post_attention_layernorm.weight"),
                    *(_Product(weight(f"{feed_forward}.{name}_proj.weight"), fuses) for name in ("gate", "up", "down")),
                )
            )

    def hidden(self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend) -> torch.Tensor:
        rotation = self._rotation(positions)
        states = embedding(tokens, self._embedding)
        for number, layer in enumerate(self._layers):
            rows = self._normalised(states, layer.before_attention)
            queries, keys, values = self._heads(layer.queries_keys_values(rows), rotation)
            seen = attend(number, queries, keys, values, None, None)
            states = layer.output.plus(seen.reshape(len(tokens), -1), states)
            rows = self._normalised(states, layer.before_feed_forward)
            states = layer.down.plus(layer.up.times(rows, layer.gate.silu(rows)), states)
        return self._normalised(states, self._norm)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return linear(hidden, self._head)

    def _normalised(self, states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Each row divided by its root mean square."""
        length = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.rsqrt(length.square() / states.shape[-1] + self._configuration.rms_norm_eps)
        return (states * scale.to(states.dtype)).mul_(weight)

    def _rotation(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and sine (tokens, 1, half a head's width) by which each position turns."""
        width, theta = self._configuration.head_dim, self._configuration.rope_parameters.rope_theta
        frequencies = theta ** -(torch.arange(0, width, 2, device=self.device).float() / width)
        angles = (positions[:, None].float() * frequencies).unsqueeze(1)
        return angles.cos().to(self._embedding.dtype), angles.sin().to(self._embedding.dtype)

    def _heads(
        self, product: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys (both turned) and values, (1, heads, tokens, width) each."""
        cosine, sine = rotation
        turned = self.heads + self._configuration.num_key_value_heads
        heads = product.view(len(product), -1, self._configuration.head_dim)
        first, second = heads[:, :turned].chunk(2, dim=-1)
        both = torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
        queries, keys, values = (
            some.transpose(0, 1).unsqueeze(0)
            for some in (both[:, : self.heads], both[:, self.heads :], heads[:, turned:])
        )
        return queries, keys, values


class _Product:
    """Rows times a weight, and what comes right after. `fused` is for a weight in the matrix library's own order."""

    def __init__(self, weight: torch.Tensor, fused: bool) -> None:
        self._fused = fused
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight) if fused else weight

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, self._weight, None, "none", [], "")
        return linear(rows, self._weight)

    def silu(self, rows: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, self._weight, None, "swish", [], "")
        return silu(linear(rows, self._weight), inplace=True)

    def times(self, rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, factor, self._weight, None, "mul")
        return linear(rows, self._weight).mul_(factor)

    def plus(self, rows: torch.Tensor, addend: torch.Tensor) -> torch.Tensor:
        if self._fused:
            return torch.ops.mkldnn._linear_pointwise(rows, addend, self._weight, None, "add")
        return linear(rows, self._weight).add_(addend)


def _fuses(dtype: torch.dtype, device: str) -> bool:
    """Whether torch's matrix library fuses here: asked by doing it, since it depends on processor, type and build."""
    if device != "cpu":
        return False
    rows = torch.ones(16, 16, dtype=dtype)
    try:
        product = _Product(torch.eye(16, dtype=dtype), fused=True)
        found = [product(rows), product.silu(rows), product.times(rows, rows + rows), product.plus(rows, rows)]
    except (AttributeError, RuntimeError, TypeError):
        return False
    expected = [rows, silu(rows), rows + rows, rows + rows]
    return all(torch.allclose(one, other, atol=1e-2) for one, other in zip(found, expected, strict=True))


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights, as they lie in one file or in several."""
    if not (folder / _SHARDS).exists():
        return load_file(folder / _WEIGHTS)
    shards = json.loads((folder / _SHARDS).read_bytes())["weight_map"].values()
    return {name: weight for shard in sorted(set(shards)) for name, weight in load_file(folder / shard).items()}


def _names(configuration: LlamaConfiguration) -> Iterator[str]:
    """The weights in the order in which transformers names them: a fingerprint is the same however a model is read."""
    of_layer = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
    yield "model.embed_tokens.weight"
    for number in range(configuration.num_hidden_layers):
        for name in (*of_layer, "input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{number}.{name}.weight"
    yield "model.norm.weight"
    if not configuration.tie_word_embeddings:
        yield "lm_head.weight"
