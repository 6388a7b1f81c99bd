"""Which fields name their record, such as `id`. Without them the other fields could be those of any record."""

from __future__ import annotations

from collections.abc import Iterable

import regex

# The last word of a field's name, the surest first.
_NAMES = (
    "name title id metadata key label slug path file filename url uri link sku symbol email question command query "
    "date day month year time timestamp type kind"
).split()
_RANKS = {name: rank for rank, name in enumerate(_NAMES)}
_LAST_WORD = regex.compile(r"(?:[A-Z]?[^A-Z_\-.:@ ]+|[A-Z]+)$")
_MOST = 2


def naming_fields(fields: Iterable[tuple[int, str]]) -> list[int]:
    """The numbers of the fields that name their record.

    Args:
        fields: the number and the name of each short field.
    """
    ranked: list[tuple[int, int]] = []
    for number, name in fields:
        last_word = _LAST_WORD.search(name)
        rank = _RANKS.get(last_word[0].lower()) if last_word else None
        if rank is not None:
            ranked.append((rank, number))
    return [number for _, number in sorted(ranked)[:_MOST]]
