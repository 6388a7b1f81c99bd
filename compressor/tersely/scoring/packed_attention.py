"""Attention in a pass over packed stretches: each token sees its own text only, and what is wanted of it is read here.

A text from its first token on is computed by itself, and so are many tokens after one; many tokens by products where
these are faster. Few tokens after a text, such as a question after each document, are computed together with others
like them; these, and all else that needs a mask, in `masked_attention.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from tersely.scoring.attention_products import attention_by_products, products_outrun_attention
from tersely.scoring.layout import Layout
from tersely.scoring.masked_attention import Layer, MaskedAttention, Part, attention_mask, mean_weights
from tersely.scoring.scorer import Head
from tersely.scoring.stretches import NOTHING, State, Stretch

# So many tokens are few: after a text they are computed together with others of their kind.
_FEW = 64
# The keys of each are padded to a multiple of so many; up to so many they go by products.
_KEYS_MULTIPLE = 128
_PRODUCT_KEYS = 512


class _Group(NamedTuple):
    """Parts of as many tokens each that are computed together.

    Attributes:
        parts: at least one; of many tokens, or without a text before them, only one.
        rows: of the pass, all their tokens.
        width: keys of each; of few tokens after a text some may be only padding.
        until: from this layer on nothing is computed of them.
        heads: whose attention is read.
    """

    parts: list[Part]
    rows: slice | torch.Tensor
    width: int
    until: int
    heads: tuple[Head, ...]


class PackedAttention:
    """Attention of one pass: called layer by layer, it also collects what is wanted of the stretches.

    Args:
        stretches: what is in the pass.
        layout: where they stand in it.
        layers: of the model.
        device: a torch device's name.
    """

    def __init__(self, stretches: Sequence[Stretch], layout: Layout, layers: int, device: str) -> None:
        self._stretches, self._layout, self._layers, self._device = stretches, layout, layers, device
        self._kept: State | None = None  # of all that is kept, as it stands in the pass
        self._layers_kept: set[int] = set()
        self._weights: dict[tuple[int, int], torch.Tensor] = {}  # stretch, position in heads
        self._masked: dict[int, MaskedAttention] = {}  # by their group's number
        self._products = device == "cpu" and products_outrun_attention()
        self._groups = list(self._grouped())

    def __call__(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        sliding_window: int | None,
    ) -> torch.Tensor:
        """Attention of one layer: queries, keys and values (1, heads, tokens, width) -> (1, tokens, heads, width)."""
        scaled = query[0] * (query.shape[3] ** -0.5 if scaling is None else scaling)
        here = Layer(layer, scaled, key[0], value[0], sliding_window)
        output = query.new_zeros((query.shape[2], query.shape[1], value.shape[3]))
        if kept := self._layout.kept_length:
            self._keep(layer, here.key[:, :kept], here.value[:, :kept])
        for number, group in enumerate(self._groups):
            if layer < group.until:
                output[group.rows] = self._attended(number, here)
        return output[None]

    def state(self, number: int) -> State | None:
        """What was to be kept of one stretch, if anything was.

        Raises:
            RuntimeError: not all layers of the model attend, so that more would have to be kept.
        """
        keep = self._stretches[number].keep
        if not keep:
            return None
        if self._kept is None or len(self._layers_kept) < self._layers:
            raise RuntimeError(f"only {len(self._layers_kept)} of {self._layers} layers attend")
        if keep == self._kept.tokens:
            return self._kept
        # A copy: who holds it shall not hold what others keep.
        whole = torch.contiguous_format
        rows = self._layout.kept[number]
        return State(*(one[:, :, rows.start : rows.stop].clone(memory_format=whole) for one in self._kept))

    def attended(self, number: int) -> np.ndarray:
        """What the heads of one stretch saw (heads, tokens before)."""
        found = [self._weights[number, position] for position in range(len(self._stretches[number].heads))]
        return torch.stack(found).cpu().numpy() if found else NOTHING

    def _grouped(self) -> Iterator[_Group]:
        groups: dict[tuple[Any, ...], list[Part]] = {}
        for number, stretch in enumerate(self._stretches):
            kept, rest = self._layout.kept[number], self._layout.rest[number]
            # What may be kept of a text from its beginning on is by itself, as it is where nothing follows: so it has
            # the same bits. After another text it is by itself since it stops earlier.
            for rows, text, until, heads in (
                (kept, range(0), self._layout.until[number], ()),
                (rest, kept, self._layers, stretch.heads),
            ):
                if rows:
                    part = Part(number, rows, stretch.before, text)
                    few = part.before > 0 and len(rows) <= _FEW
                    width = part.before + len(rows)
                    width += -width % _KEYS_MULTIPLE if few else 0
                    alone = None if few else rows
                    groups.setdefault((len(rows), width, until, heads, alone), []).append(part)
        for (_, width, until, heads, _), parts in groups.items():
            of_all = [row for part in parts for row in part.rows]
            side_by_side = of_all == list(range(of_all[0], of_all[0] + len(of_all)))
            places = slice(of_all[0], of_all[-1] + 1) if side_by_side else torch.tensor(of_all, device=self._device)
            yield _Group(parts, places, width, until, heads)

    def _keep(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if self._kept is None:
            self._kept = State(*(one.new_empty((self._layers, *one.shape)) for one in (keys, values)))
        self._kept.keys[layer] = keys
        self._kept.values[layer] = values
        self._layers_kept.add(layer)

    def _attended(self, number: int, layer: Layer) -> torch.Tensor:
        """Attention of a group in one layer (tokens, heads, width); the weights that are wanted are read by the way."""
        group = self._groups[number]
        wanted = [position for position, head in enumerate(group.heads) if head.layer == layer.number]
        heads = [group.heads[position].head for position in wanted]
        slides = layer.window is not None and layer.window < group.width
        begins, many = not group.parts[0].before, len(group.parts[0].rows) > _FEW
        by_products = self._products and layer.query.dtype == torch.bfloat16
        if not slides and (begins or (many and by_products)):
            found, weights = self._alone(group.parts[0], layer, heads, by_products=by_products and many)
        else:
            few = not begins and not many and group.width <= _PRODUCT_KEYS
            masked = self._masked_of(number, layer, by_products=by_products and few)
            found = masked(layer)
            weights = masked.weights(layer, heads) if heads else None
        if weights is not None:
            for part, of_heads in zip(group.parts, weights, strict=True):
                self._weights.update(
                    ((part.stretch, position), row[: part.before])
                    for position, row in zip(wanted, of_heads, strict=True)
                )
        return found

    def _alone(
        self, part: Part, layer: Layer, heads: Sequence[int], *, by_products: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The last tokens of a text, or all, and what some heads see."""
        queries, keys, values = (
            one[None, :, part.rows.start : part.rows.stop] for one in (layer.query, layer.key, layer.value)
        )
        if part.before:
            keys, values = (
                torch.cat(
                    [
                        *(state[kind][None, layer.number] for state in part.states),
                        of_pass[None, :, part.text.start : part.text.stop],
                        own,
                    ],
                    dim=2,
                )
                for kind, (of_pass, own) in enumerate(((layer.key, keys), (layer.value, values)))
            )
        sharing = queries.shape[1] // keys.shape[1]
        if by_products:
            found = attention_by_products(queries, keys, values)
        else:
            found = scaled_dot_product_attention(
                queries, keys, values, is_causal=True, scale=1.0, enable_gqa=sharing > 1
            )
        weights = None
        if heads:
            mask = attention_mask(part.before, len(part.rows), part.before + len(part.rows), None, queries)
            seen = keys[:, [head // sharing for head in heads]]
            weights = mean_weights(queries[:, heads], seen, mask)
        return found[0].transpose(0, 1), weights

    def _masked_of(self, number: int, layer: Layer, *, by_products: bool) -> MaskedAttention:
        """That of a group, made at its first layer."""
        if number not in self._masked:
            group = self._groups[number]
            self._masked[number] = MaskedAttention(group.parts, group.rows, group.width, layer, by_products=by_products)
        return self._masked[number]
