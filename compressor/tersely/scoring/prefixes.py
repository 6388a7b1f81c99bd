"""The prefixes of requests: what of them is computed once, and how a request's tokens follow it through the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tersely.scoring.pass_items import KeyValues, PassItem
from tersely.scoring.scorer import Head, ScoringRequest

# Tokens of documents whose keys and values one caller holds at once, before its question follows them.
_GROUP_TOKENS = 4096


class Prefix(NamedTuple):
    """A request's prefix but for its last token, which predicts the first one scored.

    Attributes:
        tokens: of it.
        layers: so many of the model's layers compute its hidden states; None for all.
    """

    tokens: tuple[int, ...]
    layers: int | None


def item_after_prefix(
    request: ScoringRequest, prefix: Prefix, key_values: KeyValues | None, heads: tuple[Head, ...]
) -> PassItem:
    """A request's tokens after its prefix: after its keys and values, or, if there are none yet, together with it."""
    uncached = () if key_values is not None else prefix.tokens
    return PassItem(
        [*uncached, request.prefix[-1], *request.tokens],
        () if key_values is None else (key_values,),
        prefix_length=len(uncached),
        layers=prefix.layers,
        score_from=len(uncached) + 1,
        truncated_vocabulary=bool(heads),
        heads=heads,
    )


def groups(numbers: Sequence[int], requests: Sequence[ScoringRequest]) -> Iterator[list[int]]:
    """The numbers of requests whose prefixes can be held at once."""
    group: list[int] = []
    size = 0
    for number in numbers:
        size += len(requests[number].prefix)
        if group and size > _GROUP_TOKENS:
            yield group
            group, size = [], len(requests[number].prefix)
        group.append(number)
    if group:
        yield group
