"""Where tokens stand in a pass: in one row, first those that the fewest layers compute. No tensors here.

So the tokens that a layer still computes are one slice of the pass, read and written without a copy.
"""

from __future__ import annotations

from collections.abc import Sequence

from tersely.scoring.pass_items import PassItem


class Layout:
    """The places of items in a pass.

    Args:
        items: at least one.
        layers: of the model.
        shallow: whether the decoder can compute prefixes by fewer layers.
        multiple: tokens that are computed by as many layers take a multiple of so many places; the last of them may
            be empty.

    Attributes:
        prefix, rest: of each item the places of its prefix, and of its other tokens.
        until: of each item the layer from which on its prefix is not computed any more.
        active_from: such a layer -> the first place that it and later layers compute.
        prefix_end: places up to the last one of any prefix.
        length: places of the pass.
    """

    def __init__(self, items: Sequence[PassItem], layers: int, *, shallow: bool, multiple: int) -> None:
        self.until = [_last_layer(item, layers) if shallow else layers for item in items]
        self.prefix, self.rest = [range(0) for _ in items], [range(0) for _ in items]
        self.active_from: dict[int, int] = {}
        self.prefix_end = end = 0
        for until in sorted({until for until, item in zip(self.until, items, strict=True) if item.prefix_length}):
            for number, item in enumerate(items):
                if item.prefix_length and self.until[number] == until:
                    self.prefix[number] = range(end, end := end + item.prefix_length)
            self.prefix_end = end
            end += -end % multiple
            if until < layers:
                self.active_from[until] = end
        for number, item in enumerate(items):
            self.rest[number] = range(end, end := end + len(item.tokens) - item.prefix_length)
        self.length = end + -end % multiple

    def rows(self, number: int) -> list[int]:
        """The places of one item's tokens, in their order."""
        return [*self.prefix[number], *self.rest[number]]


def _last_layer(item: PassItem, layers: int) -> int:
    last = layers - 1  # its keys and values are wanted, but not the hidden states that it would compute
    return last if item.layers is None else min(item.layers, last)
