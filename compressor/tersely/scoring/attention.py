"""What chosen attention heads see, read in passing: beside transformers' scaled-dot-product attention, not instead.

The weights of a whole pass would take a square of its length for every head. Here only the rows of a few tokens, of a
few heads, are computed a second time, from the queries and keys that the pass has anyway.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from tersely.scoring.scorer import Head

# The name under which transformers finds the function below.
IMPLEMENTATION = "tersely"


class PassEnded(Exception):  # noqa: N818 - it is news, no error
    """Ends a forward pass when all that is wanted of it has been read."""


class AttentionReader:
    """Collects, during one forward pass, the mean attention that some rows of each sequence pay to what is before them.

    Args:
        heads: which heads to read.
        rows: for each sequence of the batch the tokens that look back.
        end_early: end the pass with `PassEnded` after the last layer that has one of the heads.
    """

    def __init__(self, heads: Sequence[Head], rows: Sequence[range], end_early: bool) -> None:
        self._wanted: dict[int, list[tuple[int, int]]] = defaultdict(list)  # layer -> (position in `heads`, head)
        for position, head in enumerate(heads):
            self._wanted[head.layer].append((position, head.head))
        self._last_layer = max(self._wanted)
        self._end_early = end_early
        longest = max(len(row) for row in rows)
        self._rows = torch.tensor([[*row, *[row[-1]] * (longest - len(row))] for row in rows])
        self._share = torch.tensor([[1 / len(row)] * len(row) + [0.0] * (longest - len(row)) for row in rows])
        self._read: dict[int, torch.Tensor] = {}

    @property
    def has_all(self) -> bool:
        """Whether every head was seen: not in a model whose attention goes its own ways."""
        return len(self._read) == sum(map(len, self._wanted.values()))

    @property
    def weights(self) -> torch.Tensor:
        """Attention weights (float32; sequences, heads, tokens), the mean over each sequence's rows."""
        return torch.stack([self._read[position] for position in range(len(self._read))], dim=1)

    def read(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """Take what is wanted of one layer from its queries and keys (sequences, heads, tokens, width)."""
        if layer in self._wanted:
            positions, heads = zip(*self._wanted[layer], strict=True)
            rows, share = self._rows.to(query.device), self._share.to(query.device)
            queries = query[:, list(heads)]
            queries = queries.gather(2, rows[:, None, :, None].expand(-1, len(heads), -1, query.shape[-1]))
            keys = key[:, [head * key.shape[1] // query.shape[1] for head in heads]]  # heads may share their keys
            logits = queries.float() @ keys.float().transpose(2, 3) * scaling
            later = torch.arange(key.shape[2], device=key.device) > rows[:, None, :, None]
            weights = logits.masked_fill(later, -torch.inf).softmax(dim=-1)
            self._read.update(zip(positions, torch.einsum("shrt,sr->hst", weights, share), strict=True))
        if layer == self._last_layer and self._end_early:
            raise PassEnded


_READER: ContextVar[AttentionReader | None] = ContextVar("attention_reader", default=None)


@contextmanager
def reading(reader: AttentionReader) -> Iterator[AttentionReader]:
    """Let a reader see the pass that runs meanwhile in this thread."""
    token = _READER.set(reader)
    try:
        yield reader
    finally:
        _READER.reset(token)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **arguments: Any,
) -> tuple[torch.Tensor, None]:
    reader = _READER.get()
    if reader is not None:
        scaling = arguments.get("scaling") or query.shape[-1] ** -0.5
        reader.read(int(module.layer_idx), query, key, scaling)  # type: ignore[arg-type]
    return sdpa_attention_forward(module, query, key, value, attention_mask, **arguments)


AttentionInterface.register(IMPLEMENTATION, _attention)
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)
