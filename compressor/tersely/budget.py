"""Rate or target -> tokens, shares per document, and the exact fit at the end. Knows nothing of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tersely.errors import ProtectedTextError
from tersely.rendering import render_context
from tersely.segmentation import SegmentedDocument

# Filling up stops when this share of the budget is used, or after so many pieces were tried.
_FULL = 0.995
_TRIES = 40
# Where less than this is used, pieces are tried for their shortness alone.
_ENOUGH = 0.98


class Piece(NamedTuple):
    """Words `first` up to but not including `last` of a document: what is kept or left out as one."""

    document: int  # position in the list of segmented documents
    first: int
    last: int


def target_from_rate(rate: float, original_tokens: int) -> int:
    """The budget in whole tokens that a rate allows, at least one."""
    return max(1, int(rate * original_tokens + 1e-9))  # 0.29 * 100 is a little less than 29


def dynamic_rates(count: int, rate: float, spread: float) -> list[float]:
    """Rates for documents in order of relevance (LongLLMLingua, equation 5): more for the better.

    Args:
        count: number of documents.
        rate: the rate of the document in the middle (tau).
        spread: how far the first lies above it and the last below (delta tau).
    """
    return [min(max(rate + spread * (1 - 2 * rank / max(count - 1, 1)), 0.0), 1.0) for rank in range(count)]


def select_documents(relevance: Sequence[float], tokens: Sequence[int], target: int, granularity: float) -> list[int]:
    """The most relevant documents whose tokens together reach `granularity` times the budget, best first.

    This is the coarse half of the budget controller (LLMLingua, section 3.1; k is `granularity`): what remains for the
    fine half to delete is about 1 - 1/k of what is selected.
    """
    selected: list[int] = []
    total = 0
    for position in sorted(range(len(relevance)), key=lambda position: -relevance[position]):
        if total >= granularity * target:
            break
        selected.append(position)
        total += tokens[position]
    return selected


def fit(
    documents: Sequence[SegmentedDocument],
    order: Sequence[int],
    pieces: Sequence[Piece],
    target: int,
    count: Callable[[str], int],
) -> list[np.ndarray]:
    """Keep protected words and as many pieces, best first, as the budget holds; counted exactly.

    Args:
        documents: all of them.
        order: the order in which they stand in the context, as positions in `documents`.
        pieces: best first.
        target: the budget in tokens of the rendered context.
        count: text -> tokens.

    Returns:
        For each of `documents` which words stay (bool, one a word).

    Raises:
        ProtectedTextError: the protected words alone exceed the budget.
    """

    def tokens(kept: list[np.ndarray]) -> int:
        return count(render_context(documents, kept, order))

    def keeping(number: int) -> list[np.ndarray]:
        kept = [mask.copy() for mask in protected]
        for document, first, last in pieces[:number]:
            kept[document][first:last] = True
        return kept

    protected = [np.array([word.protected for word in segmented.words]) for segmented in documents]
    needed = tokens(protected)
    if needed > target:
        raise ProtectedTextError(needed, target)
    lengths = np.array([_characters(documents, piece) for piece in pieces], dtype=np.int64)
    number, used = _most_that_fit(lengths, needed, target, lambda number: tokens(keeping(number)))
    kept = keeping(number)

    # What is left of the budget goes to the next best pieces that fit: first of the documents that are there already,
    # and if that is not enough to whatever is short.
    rest = range(number, len(pieces))
    already_there = [i for i in rest if kept[pieces[i].document].any()][:_TRIES]
    short = sorted(rest, key=lambda i: lengths[i])[:_TRIES] if used < _ENOUGH * target else []
    for candidates, enough in ((already_there, _FULL), (short, _ENOUGH)):
        for i in candidates:
            if used >= enough * target:
                break
            document, first, last = pieces[i]
            before = kept[document]
            kept[document] = before.copy()
            kept[document][first:last] = True
            now = tokens(kept)
            if now <= target:
                used = now
            else:
                kept[document] = before
    return kept


def _most_that_fit(lengths: np.ndarray, none: int, target: int, tokens: Callable[[int], int]) -> tuple[int, int]:
    """The largest number of leading pieces that fit, found with few counts, and the tokens that they take.

    Args:
        lengths: characters of each piece: tokens grow about in step with them.
        none: tokens with no piece, at most `target`.
        target: the budget in tokens.
        tokens: number of pieces -> tokens.
    """
    characters = np.concatenate([[0], np.cumsum(lengths)])
    fits, fits_tokens = 0, none
    exceeds, exceeds_tokens = len(lengths), tokens(len(lengths))
    if exceeds_tokens <= target:
        return exceeds, exceeds_tokens
    interpolate = True
    while exceeds - fits > 1:
        if interpolate:
            share = (target - fits_tokens) / (exceeds_tokens - fits_tokens)
            wanted = characters[fits] + share * (characters[exceeds] - characters[fits])
            guess = int(np.searchsorted(characters, wanted, side="right")) - 1
        else:
            guess = (fits + exceeds) // 2
        interpolate = not interpolate
        guess = min(max(guess, fits + 1), exceeds - 1)
        now = tokens(guess)
        if now <= target:
            fits, fits_tokens = guess, now
        else:
            exceeds, exceeds_tokens = guess, now
    return fits, fits_tokens


def _characters(documents: Sequence[SegmentedDocument], piece: Piece) -> int:
    words = documents[piece.document].words
    return words[piece.last - 1].end - words[piece.first].start
