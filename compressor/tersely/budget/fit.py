"""The exact fit: as many pieces, best first, as the budget holds. Knows nothing of models.

It goes through four phases. Each serves one promise:

1. What must survive is kept. It alone may exceed the budget, and then the call is refused.
2. The best pieces are kept, as many as fit together. The rendered context is counted, so the budget is never exceeded.
3. A fragment of the best piece that did not fit is kept, but only where the method offers fragments.
4. What is left of the budget goes to the next best pieces that fit whole, never to what is no substitute for the best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from tersely.budget.pieces import Choice, Missed, Piece
from tersely.budget.rendering import NO_MARKS, Marks
from tersely.budget.selection import Selection
from tersely.errors import ProtectedTextError
from tersely.text.segmentation import SegmentedDocument

# Phase 4 ends when this share of the budget is used, or after so many pieces were tried, each with a count of the whole
# context, or after so many were looked at, each with a count of its own words.
_FULL = 0.995
_TRIES = 40
_LOOKS = 1000
# For so many pieces that did not fit the result says what they would need.
_REPORTED = 5
# Fewer words of a longer sentence say nothing.
_SHORTEST_PHRASE = 4


def fit(
    documents: Sequence[SegmentedDocument],
    order: Sequence[int],
    pieces: Sequence[Piece],
    target: int,
    count: Callable[[str], int],
    *,
    marks: Marks = NO_MARKS,
    separators: bool = True,
    margin: float = float("inf"),
) -> Choice:
    """Keep protected words and as many pieces, best first, as the budget holds; counted exactly.

    Args:
        documents: all of them.
        order: the order in which they stand in the context, as positions in `documents`.
        pieces: best first.
        target: the budget in tokens of the rendered context.
        count: text -> tokens.
        marks: what stands where something was left out.
        separators: whether what stands between two pieces, such as a comma, stays with them (see `Separator`).
        margin: where the best piece does not fit, those worth less than it by more than this are no substitute.

    Raises:
        ProtectedTextError: the protected words alone exceed the budget.
    """
    selection = Selection(documents, order, target, count, marks, separators)
    _keep_protected(selection)
    number = _keep_best(selection, pieces)
    rest = pieces[number:]
    best_is_missed = not number and bool(pieces)
    if best_is_missed:
        rest = [piece for piece in rest if piece.worth >= pieces[0].worth - margin]
    if rest and _keep_fragment(selection, rest[0]):
        best_is_missed, rest = False, rest[1:]
    filling = _fill(selection, rest)
    missed = filling.missed
    if best_is_missed and not (missed and missed[0][0] is pieces[0]):
        missed = [(pieces[0], selection.own_tokens(pieces[0])), *missed]
    return Choice(
        selection.masks,
        [Missed(piece, tokens, selection.budget_for(piece)) for piece, tokens in missed[:_REPORTED]],
        filling.instead,
        best_is_missed,
    )


def _keep_protected(selection: Selection) -> None:
    """Phase 1: a selection begins with the protected words; refuse a budget that does not hold them."""
    if selection.used > selection.target:
        raise ProtectedTextError(selection.used, selection.target)


def _keep_best(selection: Selection, pieces: Sequence[Piece]) -> int:
    """Phase 2: keep the largest number of leading pieces that fits together, found with few counts; return it."""
    return selection.keep_first(pieces)


def _keep_fragment(selection: Selection, piece: Piece) -> bool:
    """Phase 3: keep neighbouring words of a piece, as many as fit but never just a few; return whether any are kept."""
    parts = piece.parts()
    number = selection.keep_first(parts, least=min(_SHORTEST_PHRASE, len(parts)))
    if not number:
        return False
    # A word that did not fit ends the phrase on one side only.
    _try_each(selection, (part for part in parts[number:] if selection.touches(part, piece)))
    return True


def _fill(selection: Selection, pieces: Sequence[Piece]) -> _Filling:
    """Phase 4: keep the next best pieces that fit whole. A single word is no reason to bring in a document."""
    return _try_each(
        selection, (piece for piece in pieces if selection.has(piece.document) or piece.last - piece.first > 1)
    )


class _Filling(NamedTuple):
    """What came of trying pieces one by one.

    Attributes:
        missed: those that did not fit, each with about the tokens that it would have added.
        instead: those that were kept after the first of these.
    """

    missed: list[tuple[Piece, int]]
    instead: list[Piece]


def _try_each(selection: Selection, pieces: Iterable[Piece]) -> _Filling:
    """Keep the pieces that fit, one after the other, until nearly all of the budget is used."""
    filling = _Filling([], [])
    tries = 0
    for piece in islice(pieces, _LOOKS):
        if selection.used >= _FULL * selection.target or tries == _TRIES:
            break
        own = selection.own_tokens(piece)
        if not own:
            continue
        if own <= selection.target - selection.used:
            tries += 1
            added = selection.keep_if_it_fits(piece)
            if added is None:
                if filling.missed:
                    filling.instead.append(piece)
                continue
            own = added
        filling.missed.append((piece, own))
    return filling
