"""Which words are kept so far, and how many tokens the context has with them. `fit.py` decides what to try next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tersely.budget.pieces import Piece
from tersely.budget.rendering import Marks, join_documents, render_document
from tersely.text.segmentation import SegmentedDocument, with_separators


class _Kept(NamedTuple):
    """What is kept of a document: which of its words (bool, one a word), and the text that they make."""

    mask: np.ndarray
    text: str


class Selection:
    """The words kept so far, at first the protected ones, and the tokens of the context that they make.

    Args:
        documents: all of them.
        order: the order in which they stand in the context, as positions in `documents`.
        target: the budget in tokens.
        count: text -> tokens.
        marks: what stands where something was left out.
        separators: whether what stands between two pieces, such as a comma, stays with them.

    Attributes:
        used: tokens of the context.
        target: the budget.
    """

    def __init__(
        self,
        documents: Sequence[SegmentedDocument],
        order: Sequence[int],
        target: int,
        count: Callable[[str], int],
        marks: Marks,
        separators: bool,
    ) -> None:
        self._documents, self._order, self.target, self._marks = documents, order, target, marks
        self._count = count
        self._separators = separators
        self._protected: list[_Kept] = []
        for segmented in documents:
            mask = np.array([word.protected for word in segmented.words])
            self._protected.append(_Kept(mask, render_document(segmented, mask, marks)))
        self._kept = list(self._protected)
        self.used = self._tokens({})

    @property
    def masks(self) -> list[np.ndarray]:
        """For each document which of its words are kept (bool, one a word)."""
        return [kept.mask for kept in self._kept]

    def has(self, document: int) -> bool:
        """Whether anything of a document is kept."""
        return bool(self._kept[document].text)

    def keep_first(self, pieces: Sequence[Piece], least: int = 0) -> int:
        """Keep the largest number of leading pieces that fits, if it is at least `least`; return how many are kept."""
        if not pieces:
            return 0
        lengths = np.array(list(self._lengths(pieces)), dtype=np.int64)
        number, used = _most_that_fit(
            lengths, self.used, self.target, lambda number: self._tokens(self._changed(pieces[:number]))
        )
        if number < least:
            return 0
        self._keep(self._changed(pieces[:number]), used)
        return number

    def keep_if_it_fits(self, piece: Piece) -> int | None:
        """Keep a piece if the budget holds it; else return the tokens that it would have added."""
        changed = self._changed([piece])
        used = self._tokens(changed)
        if used > self.target:
            return used - self.used
        self._keep(changed, used)
        return None

    def budget_for(self, piece: Piece) -> int:
        """The tokens of a context with this piece and what must be kept, and nothing else."""
        return self._tokens({**dict(enumerate(self._protected)), **self._changed([piece], self._protected)})

    def touches(self, part: Piece, piece: Piece) -> bool:
        """Whether a word of the piece right beside this part of it is kept."""
        mask = self._kept[part.document].mask[piece.first : piece.last]
        before, after = part.first - piece.first - 1, part.last - piece.first
        return bool((before >= 0 and mask[before]) or (after < len(mask) and mask[after]))

    def own_tokens(self, piece: Piece) -> int:
        """About the tokens that a piece adds: those of its words, and of its context's, that are not kept yet."""
        segmented, mask = self._documents[piece.document], self._kept[piece.document].mask
        text, words = segmented.document.text, segmented.words
        title = f"{segmented.title}\n" if segmented.title else ""
        added = [] if self.has(piece.document) else [title]
        for positions in sorted((*piece.context, range(piece.first, piece.last)), key=lambda part: part.start):
            for position in positions:
                if not mask[position]:
                    following = words[position + 1].start if position + 1 < len(words) else len(text)
                    added.append(text[words[position].start : following])
        return self._count("".join(added).rstrip())

    def _characters(self, piece: Piece) -> int:
        """The length of a piece without its context."""
        words = self._documents[piece.document].words
        return words[piece.last - 1].end - words[piece.first].start

    def _lengths(self, pieces: Sequence[Piece]) -> Iterator[int]:
        """The characters that each piece adds to those before it."""
        seen: set[tuple[int, int]] = set()
        for piece in pieces:
            length = self._characters(piece)
            for part in piece.context:
                if (piece.document, part.start) not in seen:
                    seen.add((piece.document, part.start))
                    length += self._characters(Piece(piece.document, part.start, part.stop))
            yield length

    def _changed(self, pieces: Sequence[Piece], before: Sequence[_Kept] | None = None) -> dict[int, _Kept]:
        """What is kept of the documents to which some more pieces belong, with these.

        Args:
            pieces: to keep besides what is kept.
            before: what is kept of each document; by default what is now.
        """
        before = self._kept if before is None else before
        masks: dict[int, np.ndarray] = {}
        for piece in pieces:
            if piece.document not in masks:
                masks[piece.document] = before[piece.document].mask.copy()
            mask = masks[piece.document]
            for words in (range(piece.first, piece.last), *piece.context):
                mask[words.start : words.stop] = True
        changed: dict[int, _Kept] = {}
        for document, mask in masks.items():
            segmented = self._documents[document]
            mask = with_separators(segmented, mask) if self._separators else mask
            changed[document] = _Kept(mask, render_document(segmented, mask, self._marks))
        return changed

    def _tokens(self, changed: Mapping[int, _Kept]) -> int:
        """The tokens of the context once these documents have changed."""
        return self._count(join_documents(changed.get(position, self._kept[position]).text for position in self._order))

    def _keep(self, changed: Mapping[int, _Kept], used: int) -> None:
        for document, kept in changed.items():
            self._kept[document] = kept
        self.used = used


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
