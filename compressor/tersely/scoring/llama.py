"""A Llama, computed here: the family of the embedded model. Other families go through transformers.

transformers takes seconds to import its modelling code, and computes a layer in three times as many steps. Here
queries, keys and values are one product, and what follows a product (activation, gate, residual) is done in the product
where the matrix library can do it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import BaseModel, Field, ValidationError, model_validator
from safetensors.torch import load_file
from torch.nn.functional import embedding

from tersely.scoring.eight_bits import EightBitProduct, rounded, turned
from tersely.scoring.fingerprint import model_fingerprint
from tersely.scoring.packing import COMMON, Attend
from tersely.scoring.products import Product, fuses

_WEIGHTS = "model.safetensors"
_ROWS = 1024  # of a weight that are made ready at once: in float32 they take twice the room
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
    """One layer's products. The weights of norms are in those that read what is normalised."""

    queries_keys_values: Product | EightBitProduct
    output: Product
    gate: Product | EightBitProduct
    up: Product | EightBitProduct
    down: Product


class Llama:
    """A `Decoder` (packing.py) of the Llama family.

    Args:
        folder: with safetensors weights.
        configuration: as `read_configuration` found it there.
        dtype: a torch dtype's name.
        device: a torch device's name.
        eight_bits: whether hidden states are read by products of 8 bits (see `eight_bits.py`); what writes them, and
            attention, stay in floating point.

    Raises:
        OSError, SafetensorError, KeyError: files are missing or damaged, or lack a weight.
    """

    packs = True
    stops = True

    def __init__(
        self, folder: Path, configuration: LlamaConfiguration, *, dtype: str, device: str, eight_bits: bool = False
    ) -> None:
        self._configuration, self.device, self._eight_bits = configuration, device, eight_bits
        self._dtype: torch.dtype = getattr(torch, dtype)
        self.layers, self.heads = configuration.num_hidden_layers, configuration.num_attention_heads
        self.context_length: int | None = configuration.max_position_embeddings
        weights = _weights(folder)
        self.fingerprint = model_fingerprint((name, weights[name]) for name in _names(configuration))
        fused = fuses(self._dtype, device)

        def held(weight: torch.Tensor) -> torch.Tensor:
            return weight.to(device, self._dtype, copy=True)  # none of the file that was mapped

        def reading(
            norm: str, *names: str, first: int | None = None, singly: bool = False
        ) -> Product | EightBitProduct:
            parts = (rows for name in names for rows in weights[f"{name}.weight"][:first].split(_ROWS))
            blocks = (rows.float() * weights[f"{norm}.weight"] for rows in parts)
            if eight_bits:
                return EightBitProduct(map(turned, blocks), self._dtype, singly=singly)
            return Product(torch.cat([held(block) for block in blocks]), fused)

        def writing(name: str) -> Product:
            weight = weights[f"{name}.weight"]
            return Product(held(turned(weight.T.float()).T if eight_bits else weight), fused)

        def layer(name: str) -> _Layer:
            attention, feed_forward = f"{name}.self_attn", f"{name}.mlp"
            after_attention = f"{name}.post_attention_layernorm"
            return _Layer(
                reading(f"{name}.input_layernorm", *(f"{attention}.{kind}_proj" for kind in "qkv")),
                writing(f"{attention}.o_proj"),
                reading(after_attention, f"{feed_forward}.gate_proj"),
                reading(after_attention, f"{feed_forward}.up_proj"),
                writing(f"{feed_forward}.down_proj"),
            )

        self._layers = [layer(f"model.layers.{number}") for number in range(self.layers)]
        embedded = weights["model.embed_tokens.weight"]
        tied = configuration.tie_word_embeddings
        self._norm: torch.Tensor | None = None
        self._head: Product | EightBitProduct
        self._common: Product | EightBitProduct  # the first rows of it
        if eight_bits:
            self._embedding = torch.cat([held(turned(rows.float())) for rows in embedded.split(_ROWS)])
            head = "model.embed_tokens" if tied else "lm_head"
            self._head = reading("model.norm", head, singly=True)
            self._common = reading("model.norm", head, first=COMMON)
        else:
            self._embedding = held(embedded)
            self._norm = held(weights["model.norm.weight"])
            weight = self._embedding if tied else held(weights["lm_head.weight"])
            self._head, self._common = Product(weight, fused=False), Product(weight[:COMMON], fused=False)

        self._epsilon = torch.tensor(configuration.rms_norm_eps, device=device)
        # By which each position turns queries and keys (positions, 1, a head's width): each number of a head's first
        # half together with one of the second.
        width, theta = configuration.head_dim, configuration.rope_parameters.rope_theta
        frequencies = theta ** -(torch.arange(0, width, 2).float() / width)
        angles = torch.arange(configuration.max_position_embeddings)[:, None, None] * frequencies
        cosine, sine = angles.cos(), angles.sin()
        self._cosine, self._sine = held(torch.cat([cosine, cosine], dim=-1)), held(torch.cat([-sine, sine], dim=-1))

    def hidden(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend, going_on: Mapping[int, int]
    ) -> torch.Tensor:
        rotation = self._cosine[positions], self._sine[positions]
        states = embedding(tokens, self._embedding)
        first = 0  # of the states, those from here on still change
        for number, layer in enumerate(self._layers):
            if first == 0:
                rows = self._normalised(states)
            elif first < len(states):
                rows[first:] = self._normalised(states[first:])
            first = going_on.get(number, first)
            queries, keys, values = self._heads(layer.queries_keys_values(rows), rotation)
            seen = attend(number, queries, keys, values, None, None).reshape(len(tokens), -1)
            if first == 0:
                states = self._changed(layer, states, seen)
            elif first < len(states):
                states[first:] = self._changed(layer, states[first:], seen[first:])
        return states

    def _changed(self, layer: _Layer, states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Hidden states after a layer that saw this."""
        states = layer.output.plus(seen, states)
        rows = self._normalised(states)
        return layer.down.plus(layer.up.times(rows, layer.gate.silu(rows)), states)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return self._head(self._finished(hidden))

    def common_logits(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows = self._finished(hidden)
        return self._common(rows), self._head.singly(rows[: len(targets)], targets)

    def _finished(self, hidden: torch.Tensor) -> torch.Tensor:
        """The last hidden states as the head reads them."""
        rows = self._normalised(hidden)
        return rows if self._norm is None else rows.mul_(self._norm)

    def _normalised(self, states: torch.Tensor) -> torch.Tensor:
        """Each row divided by its root mean square, as products read it."""
        length = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.addcmul(self._epsilon, length, length, value=1 / states.shape[-1]).rsqrt_()
        return rounded(states, scale) if self._eight_bits else states * scale.to(states.dtype)

    def _heads(
        self, product: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys (both turned) and values, (1, heads, tokens, width) each."""
        cosine, sine = rotation
        turned = self.heads + self._configuration.num_key_value_heads
        heads = product.view(len(product), -1, self._configuration.head_dim)
        both = heads[:, :turned]
        both = torch.addcmul(both * cosine, both.roll(both.shape[-1] // 2, dims=-1), sine)
        queries, keys, values = (
            some.transpose(0, 1).unsqueeze(0)
            for some in (both[:, : self.heads], both[:, self.heads :], heads[:, turned:])
        )
        return queries, keys, values


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
