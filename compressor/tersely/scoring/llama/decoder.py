"""The decoder of the Llama family. Other families go through transformers.

transformers takes seconds to import its modelling code, and computes a layer in three times as many steps. Here
queries, keys and values are one matmul, and what follows a matmul (activation, gate, residual) is fused into it where
the matrix library can.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.functional import embedding

from tersely.scoring.decoder import TRUNCATED_VOCABULARY, Attend
from tersely.scoring.fingerprint import model_fingerprint
from tersely.scoring.llama.configuration import LlamaConfiguration, load_weights, weight_names
from tersely.scoring.llama.eight_bits import (
    SATURATING_LEVELS,
    EightBitMatmul,
    RowwiseEightBitMatmul,
    quantized,
    rotated,
)
from tersely.scoring.llama.matmul import Matmul, fuses

_ROWS = 1024  # of a weight that are made ready at once: in float32 they take twice the room


class _Layer(NamedTuple):
    """One layer's matmuls. The weights of a norm are multiplied into the matmuls after it."""

    queries_keys_values: Matmul | EightBitMatmul
    output: Matmul | RowwiseEightBitMatmul
    gate: Matmul | EightBitMatmul
    up: Matmul | EightBitMatmul
    down: Matmul | RowwiseEightBitMatmul


class Llama:
    """A `Decoder` of the Llama family.

    Args:
        folder: with safetensors weights.
        configuration: as `load_configuration` returned it.
        dtype: a torch dtype's name.
        device: a torch device's name.
        levels: with it 8-bit matmuls take the hidden states (see `eight_bits.py`), of integers with so many steps each
            side of 0. Attention stays in floating point. So do matmuls whose output is added to the hidden states,
            but where 8 bits saturate: there they are slower, and all matmuls are needed for a good gain.

    Raises:
        OSError, SafetensorError, KeyError: files are missing or damaged, or lack a weight.
    """

    packs = True
    supports_shallow = True

    def __init__(
        self, folder: Path, configuration: LlamaConfiguration, *, dtype: str, device: str, levels: int | None = None
    ) -> None:
        self._configuration, self.device, self._levels = configuration, device, levels
        self._dtype: torch.dtype = getattr(torch, dtype)
        self.layers, self.heads = configuration.num_hidden_layers, configuration.num_attention_heads
        self.context_length: int | None = configuration.max_position_embeddings
        weights = load_weights(folder)
        self.fingerprint = model_fingerprint((name, weights[name]) for name in weight_names(configuration))
        fused = fuses(self._dtype, device)

        def on_device(weight: torch.Tensor) -> torch.Tensor:
            return weight.to(device, self._dtype, copy=True)  # a copy: the mapped file must not stay open

        def after_norm(
            norm: str, *names: str, first: int | None = None, gathers: bool = False
        ) -> Matmul | EightBitMatmul:
            parts = (rows for name in names for rows in weights[f"{name}.weight"][:first].split(_ROWS))
            blocks = (rows.float() * weights[f"{norm}.weight"] for rows in parts)
            if levels is not None:
                return EightBitMatmul(map(rotated, blocks), self._dtype, levels, gathers=gathers)
            return Matmul(torch.cat([on_device(block) for block in blocks]), fused)

        def before_residual(name: str) -> Matmul | RowwiseEightBitMatmul:
            weight = weights[f"{name}.weight"]
            if levels is None:
                return Matmul(on_device(weight), fused)
            rotated_weight = rotated(weight.T.float()).T
            if levels == SATURATING_LEVELS and self._dtype == torch.float32:
                return RowwiseEightBitMatmul(rotated_weight, levels)
            return Matmul(on_device(rotated_weight), fused)

        def layer(name: str) -> _Layer:
            attention, feed_forward = f"{name}.self_attn", f"{name}.mlp"
            second_norm = f"{name}.post_attention_layernorm"
            return _Layer(
                after_norm(f"{name}.input_layernorm", *(f"{attention}.{kind}_proj" for kind in "qkv")),
                before_residual(f"{attention}.o_proj"),
                after_norm(second_norm, f"{feed_forward}.gate_proj"),
                after_norm(second_norm, f"{feed_forward}.up_proj"),
                before_residual(f"{feed_forward}.down_proj"),
            )

        self._layers = [layer(f"model.layers.{number}") for number in range(self.layers)]
        embedded = weights["model.embed_tokens.weight"]
        tied = configuration.tie_word_embeddings
        self._norm: torch.Tensor | None = None  # its weights, where they are not multiplied into the head
        self._head: Matmul | EightBitMatmul
        self._truncated_head: Matmul | EightBitMatmul
        if levels is not None:
            self._embedding = torch.cat([on_device(rotated(rows.float())) for rows in embedded.split(_ROWS)])
            head = "model.embed_tokens" if tied else "lm_head"
            self._head = after_norm("model.norm", head, gathers=True)
            self._truncated_head = after_norm("model.norm", head, first=TRUNCATED_VOCABULARY)
        else:
            self._embedding = on_device(embedded)
            self._norm = on_device(weights["model.norm.weight"])
            weight = self._embedding if tied else on_device(weights["lm_head.weight"])
            self._head = Matmul(weight, fused=False)
            self._truncated_head = Matmul(weight[:TRUNCATED_VOCABULARY], fused=False)

        self._epsilon = torch.tensor(configuration.rms_norm_eps, device=device)
        # Each position's rotation of queries and keys (positions, 1, width): each number of a head's first half is
        # rotated together with its counterpart in the second half.
        width, theta = configuration.head_dim, configuration.rope_parameters.rope_theta
        frequencies = theta ** -(torch.arange(0, width, 2).float() / width)
        angles = torch.arange(configuration.max_position_embeddings)[:, None, None] * frequencies
        cosine, sine = angles.cos(), angles.sin()
        self._cosine = on_device(torch.cat([cosine, cosine], dim=-1))
        self._sine = on_device(torch.cat([-sine, sine], dim=-1))

    def hidden(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend, active_from: Mapping[int, int]
    ) -> torch.Tensor:
        rotation = self._cosine[positions], self._sine[positions]
        states = embedding(tokens, self._embedding)
        first = 0  # the states from here on still change
        for number, layer in enumerate(self._layers):
            if first == 0:
                normed = self._rms_norm(states)
            elif first < len(states):
                normed[first:] = self._rms_norm(states[first:])
            first = active_from.get(number, first)
            queries, keys, values = self._split_heads(layer.queries_keys_values(normed), rotation)
            attended = attend(number, queries, keys, values, None, None).reshape(len(tokens), -1)
            if first == 0:
                states = self._after_attention(layer, states, attended)
            elif first < len(states):
                states[first:] = self._after_attention(layer, states[first:], attended[first:])
        return states

    def _after_attention(self, layer: _Layer, states: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """A layer's hidden states after its attention: output projection, residual, feed-forward network."""
        states = layer.output.plus(attended, states)
        normed = self._rms_norm(states)
        return layer.down.plus(layer.up.times(normed, layer.gate.silu(normed)), states)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return self._head(self._final_norm(hidden))

    def truncated_logits(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        normed = self._final_norm(hidden)
        return self._truncated_head(normed), self._head.gather(normed[: len(targets)], targets)

    def _final_norm(self, hidden: torch.Tensor) -> torch.Tensor:
        """The last hidden states as the head takes them."""
        normed = self._rms_norm(hidden)
        return normed if self._norm is None else normed.mul_(self._norm)

    def _rms_norm(self, states: torch.Tensor) -> torch.Tensor:
        """Each row divided by its root mean square, in 8 bits where matmuls take that."""
        length = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.addcmul(self._epsilon, length, length, value=1 / states.shape[-1]).rsqrt_()
        if self._levels is not None:
            return quantized(states, scale, self._levels)
        return states * scale.to(states.dtype)

    def _split_heads(
        self, projected: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys (both rotated) and values, (1, heads, tokens, width) each."""
        cosine, sine = rotation
        with_position = self.heads + self._configuration.num_key_value_heads
        heads = projected.view(len(projected), -1, self._configuration.head_dim)
        plain = heads[:, :with_position]
        rotated_heads = torch.addcmul(plain * cosine, plain.roll(plain.shape[-1] // 2, dims=-1), sine)
        queries, keys, values = (
            rows.transpose(0, 1).unsqueeze(0)
            for rows in (rotated_heads[:, : self.heads], rotated_heads[:, self.heads :], heads[:, with_position:])
        )
        return queries, keys, values
