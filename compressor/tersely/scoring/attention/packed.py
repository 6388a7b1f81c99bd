"""Attention in a pass over packed items: each token sees its own text only, and what is wanted of it is collected here.

A text from its first token on is computed by itself, and so are many tokens after one. Few tokens after a text, such as
a question after each document, are computed together with others like them. `choice.py` says by which kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from tersely.scoring.attention.choice import FEW_TOKENS, choose
from tersely.scoring.attention.group import Group, GroupAttention, Layer, Part
from tersely.scoring.layout import Layout
from tersely.scoring.pass_items import NOTHING, KeyValues, PassItem

# Keys of few tokens after a text are padded to a multiple: so texts of several lengths are computed together.
_KEYS_MULTIPLE = 128


class PackedAttention:
    """Attention of one pass: called layer by layer, it also collects what is wanted of the items.

    Args:
        items: what is in the pass.
        layout: where they stand in it.
        layers: of the model.
        device: a torch device's name.
    """

    def __init__(self, items: Sequence[PassItem], layout: Layout, layers: int, device: str) -> None:
        self._items, self._layout, self._layers, self._device = items, layout, layers, device
        self._prefixes: KeyValues | None = None  # of all prefixes, as they stand in the pass
        self._layers_stored: set[int] = set()
        self._weights: dict[tuple[int, int], torch.Tensor] = {}  # item, position in its heads
        self._groups = list(self._grouped())
        self._running: dict[tuple[int, int | None], GroupAttention] = {}  # by the group's number and the window

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
        if end := self._layout.prefix_end:
            self._store(layer, here.key[:, :end], here.value[:, :end])
        for number, group in enumerate(self._groups):
            if layer < group.until:
                output[group.rows] = self._attended(number, here)
        return output[None]

    def key_values(self, number: int) -> KeyValues | None:
        """Keys and values of one item's prefix; None without a prefix.

        Raises:
            RuntimeError: not all layers of the model attend, so that keys and values are not all it needs.
        """
        length = self._items[number].prefix_length
        if not length:
            return None
        if self._prefixes is None or len(self._layers_stored) < self._layers:
            raise RuntimeError(f"only {len(self._layers_stored)} of {self._layers} layers attend")
        if length == self._prefixes.tokens:
            return self._prefixes
        # A copy: whoever holds it must not hold the memory of all prefixes.
        rows = self._layout.prefix[number]
        return KeyValues(
            *(
                tensor[:, :, rows.start : rows.stop].clone(memory_format=torch.contiguous_format)
                for tensor in self._prefixes
            )
        )

    def weights(self, number: int) -> np.ndarray:
        """The mean weights of one item's heads (heads, tokens before)."""
        weights = [self._weights[number, position] for position in range(len(self._items[number].heads))]
        return torch.stack(weights).cpu().numpy() if weights else NOTHING

    def _grouped(self) -> Iterator[Group]:
        groups: dict[tuple[Any, ...], list[Part]] = {}
        for number, item in enumerate(self._items):
            prefix, rest = self._layout.prefix[number], self._layout.rest[number]
            # A prefix is computed by itself, as where nothing follows it: so it has the same bits. After another text,
            # too, since it stops at an earlier layer.
            for rows, rows_before, until, heads in (
                (prefix, range(0), self._layout.until[number], ()),
                (rest, prefix, self._layers, item.heads),
            ):
                if rows:
                    part = Part(number, rows, item.before, rows_before)
                    few = part.tokens_before > 0 and len(rows) <= FEW_TOKENS
                    width = part.tokens_before + len(rows)
                    width += -width % _KEYS_MULTIPLE if few else 0
                    alone = None if few else rows
                    groups.setdefault((len(rows), width, until, heads, alone), []).append(part)
        for (_, width, until, heads, _), parts in groups.items():
            group_rows = [row for part in parts for row in part.rows]
            first, last = group_rows[0], group_rows[-1]
            contiguous = group_rows == list(range(first, last + 1))
            places = slice(first, last + 1) if contiguous else torch.tensor(group_rows, device=self._device)
            yield Group(parts, places, width, until, heads)

    def _store(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if self._prefixes is None:
            self._prefixes = KeyValues(*(rows.new_empty((self._layers, *rows.shape)) for rows in (keys, values)))
        self._prefixes.keys[layer] = keys
        self._prefixes.values[layer] = values
        self._layers_stored.add(layer)

    def _attended(self, number: int, layer: Layer) -> torch.Tensor:
        """Attention of a group in one layer (tokens, heads, width); collects the weights that are wanted."""
        group = self._groups[number]
        running = number, layer.window
        if running not in self._running:
            self._running[running] = choose(group, layer, self._device).start(group, layer)
        wanted = [position for position, head in enumerate(group.heads) if head.layer == layer.number]
        output, weights = self._running[running](layer, [group.heads[position].head for position in wanted])
        if weights is not None:
            for part, part_weights in zip(group.parts, weights, strict=True):
                for position, row in zip(wanted, part_weights, strict=True):
                    self._weights[part.item, position] = row[: part.tokens_before]
        return output
