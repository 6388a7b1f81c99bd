"""Attention in a pass over packed stretches: each token sees its own text only, and what is wanted of it is read here.

A text from its first token on is computed by itself. Few tokens after a text, such as a question after each document,
are computed together with others like them, padded to a length that depends on nothing but their own: so they have the
same bits whatever shares the pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from tersely.scoring.scorer import Head
from tersely.scoring.stretches import NOTHING, State, Stretch

# At most so many queries are computed together with others of their kind: each text's padded to a multiple of so many,
# and so its keys. With other numbers a matrix library may sum in an order that hangs on how many texts there are.
_FEW = 32
_QUERIES_MULTIPLE = 16
_KEYS_MULTIPLE = 64


class _Part(NamedTuple):
    """Tokens of one stretch whose attention is computed at once."""

    stretch: int
    rows: range  # of the pass
    text: range  # the same and those before them that belong to the same text
    length: int  # of the text up to here, with what other passes read of it


class _Group(NamedTuple):
    """Parts of as many tokens each that are computed together.

    Attributes:
        parts: at least one.
        rows: of the pass, all their tokens.
        width: keys of each; of few queries some are only padding.
        until: from this layer on nothing is computed of them.
        heads: whose attention is read.
        looking: from which of their tokens on.
    """

    parts: list[_Part]
    rows: slice | torch.Tensor
    width: int
    until: int
    heads: tuple[Head, ...]
    looking: int

    @property
    def begins(self) -> bool:
        """Whether it is one text from its first token on."""
        return len(self.parts[0].rows) == self.width

    @property
    def padding(self) -> int:
        """How many queries each part gets in addition."""
        return 0 if isinstance(self.rows, slice) else -len(self.parts[0].rows) % _QUERIES_MULTIPLE


class PackedAttention:
    """Attention of one pass: called layer by layer, it also collects what is wanted of the stretches.

    Args:
        stretches: side by side in the pass.
        layers: of the model.
        stops: whether hidden states of what is kept stay as they are from some layer on.
        device: a torch device's name.

    Attributes:
        rows: of each stretch, in the pass.
        states: of what was to be kept, by the number of the stretch.
    """

    def __init__(self, stretches: Sequence[Stretch], layers: int, *, stops: bool, device: str) -> None:
        self._stretches, self._layers, self._stops, self._device = stretches, layers, stops, device
        ends = np.cumsum([len(stretch.tokens) for stretch in stretches]).tolist()
        self.rows = [range(end - len(one.tokens), end) for end, one in zip(ends, stretches, strict=True)]
        self.states: dict[int, State] = {}
        self._weights: dict[tuple[int, int], torch.Tensor] = {}  # stretch, position in heads
        self._masks: dict[tuple[int, int | None], torch.Tensor] = {}  # group, sliding window
        self._groups = list(self._grouped())

    def stop(self, stretch: Stretch) -> int:
        """The layer from which on the hidden states of what is kept of it stay as they are."""
        last = self._layers - 1  # of which keys and values are kept, too, but nothing that comes of them
        if not self._stops:
            return self._layers
        return last if stretch.layers is None else min(stretch.layers, last)

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
        output = query.new_zeros((1, query.shape[2], query.shape[1], value.shape[3]))
        for number, (stretch, rows) in enumerate(zip(self._stretches, self.rows, strict=True)):
            if stretch.keep:
                kept = slice(rows.start, rows.start + stretch.keep)
                self._keep(number, layer, key[0, :, kept], value[0, :, kept])
        for number, group in enumerate(self._groups):
            if layer >= group.until:
                continue
            queries = query[0, :, group.rows].unflatten(1, (len(group.parts), -1)).transpose(0, 1)
            keys, values = self._seen(group, layer, 0, key[0]), self._seen(group, layer, 1, value[0])
            if any(head.layer == layer for head in group.heads):
                self._read(group, layer, queries, keys, self._mask(number, sliding_window, query.dtype), scaling)
            causal = group.begins and not _slides(sliding_window, group.width)
            mask = None if causal else self._mask(number, sliding_window, query.dtype)
            if group.padding:
                queries = pad(queries, (0, 0, 0, group.padding))
            found = scaled_dot_product_attention(
                queries,
                keys,
                values,
                mask,
                is_causal=causal,
                scale=scaling,
                enable_gqa=queries.shape[1] != keys.shape[1],
            )
            output[0, group.rows] = found[:, :, : len(group.parts[0].rows)].transpose(1, 2).flatten(0, 1)
        return output

    def attended(self, number: int) -> np.ndarray:
        """What the heads of one stretch saw (heads, tokens before those that look)."""
        found = [self._weights[number, position] for position in range(len(self._stretches[number].heads))]
        return torch.stack(found).cpu().numpy() if found else NOTHING

    def _grouped(self) -> Iterator[_Group]:
        groups: dict[tuple[Any, ...], list[_Part]] = {}
        for number, (stretch, rows) in enumerate(zip(self._stretches, self.rows, strict=True)):
            begin = 0
            # What may be kept of a text from its beginning on is by itself, as it is where nothing follows.
            for end in [len(rows)] if stretch.before else [stretch.keep, len(rows)]:
                if end > begin:
                    length = stretch.first_position + end
                    part = _Part(number, rows[begin:end], rows[:end], length)
                    until = self.stop(stretch) if end <= stretch.keep else self._layers
                    heads = stretch.heads if end == len(rows) else ()
                    looking = stretch.look_from - begin if heads else 0
                    alone = end - begin == length or end - begin > _FEW
                    width = length if alone else length + -length % _KEYS_MULTIPLE
                    apart = (number, begin) if alone else ()
                    groups.setdefault((end - begin, width, until, heads, looking, apart), []).append(part)
                begin = end
        for (_, width, until, heads, looking, apart), parts in groups.items():
            rows_of_all = [row for part in parts for row in part.rows]
            by_itself = slice(rows_of_all[0], rows_of_all[-1] + 1)
            chosen = by_itself if apart else torch.tensor(rows_of_all, device=self._device)
            yield _Group(parts, chosen, width, until, heads, looking)

    def _keep(self, number: int, layer: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if layer == 0:
            keys_of_all, values_of_all = (one.new_empty((self._layers, *one.shape)) for one in (keys, values))
            self.states[number] = State(keys_of_all, values_of_all)
        self.states[number].keys[layer] = keys
        self.states[number].values[layer] = values

    def _seen(self, group: _Group, layer: int, kind: int, own: torch.Tensor) -> torch.Tensor:
        """What the parts of a group see (parts, heads, keys, width).

        Args:
            group: of parts.
            layer: whose.
            kind: 0 for keys, 1 for values, as in a `State`.
            own: those of the pass (heads, tokens, width).
        """
        if group.begins:
            return own[None, :, group.rows]
        pieces = []
        padding = own.new_zeros((own.shape[0], _KEYS_MULTIPLE, own.shape[2]))
        for part in group.parts:
            pieces += [state[kind][layer] for state in self._stretches[part.stretch].before]
            pieces.append(own[:, part.text.start : part.text.stop])
            if part.length < group.width:
                pieces.append(padding[:, : group.width - part.length])
        packed = torch.cat(pieces, dim=1)  # one piece, too, is copied: the same layout, the same bits
        return packed.unflatten(1, (len(group.parts), group.width)).transpose(0, 1)

    def _read(
        self,
        group: _Group,
        layer: int,
        queries: torch.Tensor,
        keys: torch.Tensor,
        mask: torch.Tensor,
        scaling: float | None,
    ) -> None:
        """Take the weights that are wanted of one layer: they are computed a second time, for a few rows and heads."""
        here = [position for position, head in enumerate(group.heads) if head.layer == layer]
        heads = [group.heads[position].head for position in here]
        shared = queries.shape[1] // keys.shape[1]  # heads may share their keys
        looking = queries[:, heads, group.looking :].float()
        logits = looking @ keys[:, [head // shared for head in heads]].float().transpose(2, 3)
        logits = logits * (scaling or queries.shape[-1] ** -0.5) + mask[:, :, group.looking : queries.shape[2]]
        for part, rows in zip(group.parts, logits.softmax(dim=-1).mean(dim=2), strict=True):
            before = part.length - looking.shape[2]
            self._weights.update(
                ((part.stretch, position), row[:before]) for position, row in zip(here, rows, strict=True)
            )

    def _mask(self, number: int, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        """What to add to the logits of a group (parts, 1, queries, keys): 0, or minus infinity where a query may not
        see a key.
        """
        if (number, window) not in self._masks:
            group = self._groups[number]
            masks = []
            for part in group.parts:
                before = part.length - len(part.rows)
                seen = torch.ones((len(part.rows), group.width), dtype=torch.bool, device=self._device).tril(before)
                if window is not None and _slides(window, part.length):
                    seen = seen.triu(before - window + 1)
                # Made here, since torch would make it of bools in each layer anew.
                masks.append(torch.zeros(seen.shape, dtype=dtype, device=self._device).masked_fill_(~seen, -torch.inf))
            self._masks[number, window] = pad(torch.stack(masks)[:, None], (0, 0, 0, group.padding))
        return self._masks[number, window]


def _slides(window: int | None, keys: int) -> bool:
    """Whether some of the keys are too far from some of the queries."""
    return window is not None and window < keys
