"""Attention in a pass over packed stretches: each token sees its own text only, and what is wanted of it is read here.

A text from its first token on is computed by itself, and so are many tokens after one; many tokens by products where
these are faster. Few tokens after a text, such as a question after each document, are computed together with others
like them, by products, too, and padded to a length that depends on nothing but their own: so they have the same bits
whatever shares the pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from tersely.scoring.attention_products import (
    FEW_KEYS,
    FEW_ROWS_MULTIPLE,
    PRODUCT_KEYS_MULTIPLE,
    attention_by_products,
    few_by_products,
    products_outrun_attention,
)
from tersely.scoring.products import padded
from tersely.scoring.scorer import Head
from tersely.scoring.stretches import NOTHING, State, Stretch

# So many tokens are few: after a text they are computed together with others of their kind.
_FEW = 64
# Each one's rows of queries and its keys are padded to a multiple of so many: with other numbers a matrix library may
# sum in an order that hangs on how many texts there are.
_ROWS_MULTIPLE = 8
_KEYS_MULTIPLE = 64


class _Part(NamedTuple):
    """Tokens of one stretch whose attention is computed at once."""

    stretch: int
    rows: range  # of the pass
    length: int  # of the text up to here, with what other passes read of it


class _Group(NamedTuple):
    """Parts of as many tokens each that are computed together.

    Attributes:
        parts: at least one.
        rows: of the pass, all their tokens.
        width: keys of each; after a text some may be only padding.
        until: from this layer on nothing is computed of them.
        heads: whose attention is read.
        by_products: whether products are for it, where it is of bfloat16 and, if they are many, no window slides.
    """

    parts: list[_Part]
    rows: slice | torch.Tensor
    width: int
    until: int
    heads: tuple[Head, ...]
    by_products: bool

    @property
    def many(self) -> bool:
        """Whether these are many tokens of one text."""
        return len(self.parts[0].rows) > _FEW

    def goes_by_products(self, dtype: torch.dtype) -> bool:
        """Whether products are for it, if it is of this dtype."""
        return self.by_products and dtype == torch.bfloat16

    @property
    def begins(self) -> bool:
        """Whether it is one text from its first token on."""
        return len(self.parts[0].rows) == self.width


class _Seen:
    """Keys, or values, that the parts of a group see: one place for all layers, written anew for each.

    Args:
        parts: of the group.
        width: keys of each.
        stretches: of the pass.
        kind: 0 for keys, 1 for values, as in a `State`.
        own: those of the pass (heads, tokens, width).
    """

    def __init__(
        self, parts: Sequence[_Part], width: int, stretches: Sequence[Stretch], kind: int, own: torch.Tensor
    ) -> None:
        self._packed = own.new_zeros((len(parts), own.shape[0], width, own.shape[2]))
        self._before: list[tuple[torch.Tensor, Sequence[torch.Tensor]]] = []  # where, and what of each layer
        self._own: list[tuple[torch.Tensor, int]] = []  # where, and of which stretch
        for part, room in zip(parts, self._packed, strict=True):
            begin = 0
            for state in stretches[part.stretch].before:
                self._before.append((room[:, begin : begin + state.tokens], state[kind].unbind()))
                begin += state.tokens
            self._own.append((room[:, begin : part.length], part.stretch))

    def of(self, layer: int, texts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Those of one layer (parts, heads, keys, width), good until the next one is asked for.

        Args:
            layer: its number.
            texts: those of the pass, by stretch (heads, tokens, width).
        """
        for room, of_layers in self._before:
            room.copy_(of_layers[layer])
        for room, stretch in self._own:
            room.copy_(texts[stretch][:, : room.shape[1]])
        return self._packed


class PackedAttention:
    """Attention of one pass: called layer by layer, it also collects what is wanted of the stretches.

    Args:
        stretches: side by side in the pass.
        layers: of the model.
        stops: whether hidden states of what is kept stay as they are from some layer on.
        device: a torch device's name.

    Attributes:
        rows: of each stretch, in the pass.
    """

    def __init__(self, stretches: Sequence[Stretch], layers: int, *, stops: bool, device: str) -> None:
        self._stretches, self._layers, self._stops, self._device = stretches, layers, stops, device
        ends = np.cumsum([len(stretch.tokens) for stretch in stretches]).tolist()
        self.rows = [range(end - len(one.tokens), end) for end, one in zip(ends, stretches, strict=True)]
        kept = [row for stretch, rows in zip(stretches, self.rows, strict=True) for row in rows[: stretch.keep]]
        self._kept_rows = torch.tensor(kept, dtype=torch.int64, device=device)
        self._kept: State | None = None  # of all that is kept, one after the other
        self._layers_kept: set[int] = set()
        self._weights: dict[tuple[int, int], torch.Tensor] = {}  # stretch, position in heads
        self._masks: dict[tuple[int, int | None], torch.Tensor] = {}  # group, sliding window
        self._seen: dict[int, list[_Seen]] = {}  # group: keys and values
        self._products = device == "cpu" and products_outrun_attention()
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
        scaling = query.shape[3] ** -0.5 if scaling is None else scaling
        if len(self._kept_rows):
            self._keep(layer, key[0, :, self._kept_rows], value[0, :, self._kept_rows])
        ends = [rows.stop for rows in self.rows]
        texts = [own[0].tensor_split(ends, dim=1) for own in (key, value)]
        for number, group in enumerate(self._groups):
            if layer >= group.until:
                continue
            queries = query[0, :, group.rows].unflatten(1, (len(group.parts), -1)).transpose(0, 1)
            if group.begins:
                keys, values = key[:, :, group.rows], value[:, :, group.rows]
            else:
                if number not in self._seen:
                    self._seen[number] = [
                        _Seen(group.parts, group.width, self._stretches, kind, own[0])
                        for kind, own in enumerate((key, value))
                    ]
                queries = queries.contiguous()  # it depends on what else is in the pass whether they are
                keys, values = (seen.of(layer, of) for seen, of in zip(self._seen[number], texts, strict=True))
            if any(head.layer == layer for head in group.heads):
                self._read(group, layer, queries, keys, self._mask(number, sliding_window, query, key), scaling)
            slides = _slides(sliding_window, group.width)
            by_products = group.goes_by_products(query.dtype)
            if by_products and group.many and not slides:
                found = attention_by_products(queries, keys, values, group.parts[0].length, scaling)
            elif group.begins and not slides:
                shares = queries.shape[1] != keys.shape[1]
                found = scaled_dot_product_attention(
                    queries, keys, values, is_causal=True, scale=scaling, enable_gqa=shares
                )
            else:
                kernel = few_by_products if by_products and not group.many else scaled_dot_product_attention
                mask = self._mask(number, sliding_window, query, key)
                found = _folded(kernel, queries, keys, values, mask, scaling)
            output[0, group.rows] = found.transpose(1, 2).flatten(0, 1)
        return output

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
        begin = sum(stretch.keep for stretch in self._stretches[:number])
        if keep == self._kept.tokens:
            return self._kept
        # A copy: who holds it shall not hold what others keep.
        whole = torch.contiguous_format
        return State(*(one[:, :, begin : begin + keep].clone(memory_format=whole) for one in self._kept))

    def attended(self, number: int) -> np.ndarray:
        """What the heads of one stretch saw (heads, tokens before)."""
        found = [self._weights[number, position] for position in range(len(self._stretches[number].heads))]
        return torch.stack(found).cpu().numpy() if found else NOTHING

    def _grouped(self) -> Iterator[_Group]:
        groups: dict[tuple[Any, ...], list[_Part]] = {}
        for number, (stretch, rows) in enumerate(zip(self._stretches, self.rows, strict=True)):
            begin = 0
            # What may be kept of a text from its beginning on is by itself, as it is where nothing follows: so it has
            # the same bits. After another text it is by itself since it stops earlier.
            for end in (stretch.keep, len(rows)):
                tokens = end - begin
                if tokens > 0:
                    length = stretch.first_position + end
                    part = _Part(number, rows[begin:end], length)
                    until = self.stop(stretch) if end <= stretch.keep else self._layers
                    heads = stretch.heads if end == len(rows) else ()
                    begins, many = tokens == length, tokens > _FEW
                    width = length
                    if not begins and (self._products or not many):
                        width += -length % (PRODUCT_KEYS_MULTIPLE if many else _KEYS_MULTIPLE)
                    by_products = self._products and (many or (not begins and width <= FEW_KEYS))
                    apart = (number, begin) if begins or many else ()
                    groups.setdefault((tokens, width, until, heads, by_products, apart), []).append(part)
                begin = end
        for (_, width, until, heads, by_products, _), parts in groups.items():
            rows_of_all = [row for part in parts for row in part.rows]
            whole = slice(rows_of_all[0], rows_of_all[-1] + 1)
            side_by_side = len(rows_of_all) == whole.stop - whole.start
            chosen = whole if side_by_side else torch.tensor(rows_of_all, device=self._device)
            yield _Group(parts, chosen, width, until, heads, by_products)

    def _keep(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if self._kept is None:
            self._kept = State(*(one.new_empty((self._layers, *one.shape)) for one in (keys, values)))
        self._kept.keys[layer] = keys
        self._kept.values[layer] = values
        self._layers_kept.add(layer)

    def _read(
        self,
        group: _Group,
        layer: int,
        queries: torch.Tensor,
        keys: torch.Tensor,
        mask: torch.Tensor,
        scaling: float,
    ) -> None:
        """Take the weights that are wanted of one layer: they are computed a second time, for a few rows and heads."""
        here = [position for position, head in enumerate(group.heads) if head.layer == layer]
        heads = [group.heads[position].head for position in here]
        shared = queries.shape[1] // keys.shape[1]  # heads may share their keys
        logits = queries[:, heads].float() @ keys[:, [head // shared for head in heads]].float().transpose(2, 3)
        logits = logits * scaling + mask[:, :, : queries.shape[2]]
        for part, rows in zip(group.parts, logits.softmax(dim=-1).mean(dim=2), strict=True):
            before = part.length - len(part.rows)
            self._weights.update(
                ((part.stretch, position), row[:before]) for position, row in zip(here, rows, strict=True)
            )

    def _mask(self, number: int, window: int | None, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """What to add to the logits of a group, as `_folded` takes it: 0, or minus infinity where a query may not see a
        key. The first rows are those of one head.
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
                masks.append(torch.zeros(seen.shape, dtype=query.dtype, device=self._device))
                masks[-1].masked_fill_(~seen, -torch.inf)
            of_all = torch.stack(masks)[:, None].repeat(1, 1, query.shape[1] // key.shape[1], 1)
            multiple = FEW_ROWS_MULTIPLE if group.goes_by_products(query.dtype) else _ROWS_MULTIPLE
            self._masks[number, window] = padded(of_all, multiple)
        return self._masks[number, window]


def _folded(
    kernel: Callable[..., torch.Tensor],
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor,
    scaling: float,
) -> torch.Tensor:
    """Attention (parts, heads, queries, width), the queries of heads that share keys as rows of one head.

    torch would copy keys for each head otherwise, and computes rows by 32: few queries of one head are some of them.

    Args:
        kernel: `scaled_dot_product_attention`, or what computes the same.
        queries: (parts, heads, queries, width).
        keys, values: (parts, heads with keys of their own, keys, width).
        mask: to be added to the logits (parts, 1, rows, keys); it may have some rows more.
        scaling: of the logits.
    """
    rows = queries.unflatten(1, (keys.shape[1], -1)).flatten(2, 3)
    rest = mask.shape[2] - rows.shape[2]
    found = kernel(pad(rows, (0, 0, 0, rest)), keys, values, mask, scale=scaling)
    return found[:, :, : rows.shape[2]].unflatten(2, (-1, queries.shape[2])).flatten(1, 2)


def _slides(window: int | None, keys: int) -> bool:
    """Whether some of the keys are too far from some of the queries."""
    return window is not None and window < keys
