"""Where tokens stand in a pass: in one row, those first that are computed by the fewest layers. No tensors here.

So those that are still computed in a layer are one slice of the pass, and it is read and written without a copy.
"""

from __future__ import annotations

from collections.abc import Sequence

from tersely.scoring.stretches import Stretch


class Layout:
    """The places of stretches in a pass.

    Args:
        stretches: at least one.
        layers: of the model.
        stops: whether hidden states of what is kept stay as they are from some layer on.
        multiple: tokens that are computed by as many layers take a multiple of so many places; the last of them may
            be empty.

    Attributes:
        kept, rest: of each stretch the places of what is kept, and of its other tokens.
        until: of each stretch the layer from which on the hidden states of what is kept stay as they are.
        going_on: such a layer -> the first place that it and later layers change.
        kept_length: places up to the last one of what is kept.
        length: places of the pass.
    """

    def __init__(self, stretches: Sequence[Stretch], layers: int, *, stops: bool, multiple: int) -> None:
        self.until = [_stop(stretch, layers) if stops else layers for stretch in stretches]
        self.kept, self.rest = [range(0) for _ in stretches], [range(0) for _ in stretches]
        self.going_on: dict[int, int] = {}
        self.kept_length = end = 0
        for until in sorted({until for until, stretch in zip(self.until, stretches, strict=True) if stretch.keep}):
            for number, stretch in enumerate(stretches):
                if stretch.keep and self.until[number] == until:
                    self.kept[number] = range(end, end := end + stretch.keep)
            self.kept_length = end
            end += -end % multiple
            if until < layers:
                self.going_on[until] = end
        for number, stretch in enumerate(stretches):
            self.rest[number] = range(end, end := end + len(stretch.tokens) - stretch.keep)
        self.length = end + -end % multiple

    def rows(self, number: int) -> list[int]:
        """The places of one stretch's tokens, in their order."""
        return [*self.kept[number], *self.rest[number]]


def _stop(stretch: Stretch, layers: int) -> int:
    last = layers - 1  # of which keys and values are kept, too, but nothing that comes of them
    return last if stretch.layers is None else min(stretch.layers, last)
