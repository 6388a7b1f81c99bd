"""The exact fit: as many pieces, best first, as the budget holds. Knows nothing of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from tersely.budget.pieces import Choice, Missed, Piece
from tersely.budget.rendering import NO_MARKS, Marks, join_documents, render_document
from tersely.errors import ProtectedTextError
from tersely.text.segmentation import SegmentedDocument, with_separators

# Filling up stops when this share of the budget is used, or after so many pieces were tried, each with a count of the
# whole context, or after so many were looked at, each with a count of its own words.
_FULL = 0.995
_TRIES = 40
_LOOKS = 1000
# Of so many pieces that did not fit it is said what they would need.
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
    chosen = _Chosen(documents, order, target, count, marks, separators)
    if chosen.used > target:
        raise ProtectedTextError(chosen.used, target)

    # The best ones, as many as fit together: few counts for most of the budget.
    number = chosen.keep_first(pieces)
    rest = pieces[number:]
    best_is_missed = not number and bool(pieces)
    if best_is_missed:
        rest = [piece for piece in rest if piece.worth >= pieces[0].worth - margin]

    # A fragment of the best one that does not fit, where the method offers any.
    fragment = chosen.keep_phrase(rest[:1])

    # Then the next best that fit. One word is no reason to bring in a document.
    missed, instead = chosen.fill(
        piece for piece in rest[fragment:] if chosen.has(piece.document) or piece.last - piece.first > 1
    )
    best_is_missed = best_is_missed and not fragment
    if best_is_missed and not (missed and missed[0][0] is pieces[0]):
        missed.insert(0, (pieces[0], chosen.own_tokens(pieces[0])))
    return Choice(
        chosen.kept,
        [Missed(piece, tokens, chosen.budget_for(piece)) for piece, tokens in missed[:_REPORTED]],
        instead,
        best_is_missed,
    )


class _Chosen:
    """The words kept so far, at first the protected ones, and the tokens of the context that they make."""

    def __init__(
        self,
        documents: Sequence[SegmentedDocument],
        order: Sequence[int],
        target: int,
        count: Callable[[str], int],
        marks: Marks,
        separators: bool,
    ) -> None:
        self._documents, self._order, self._target, self._marks = documents, order, target, marks
        self._count = count
        self._separators = separators
        self.kept = [np.array([word.protected for word in segmented.words]) for segmented in documents]
        self._texts = [render_document(*both, marks) for both in zip(documents, self.kept, strict=True)]
        self.used = count(join_documents(self._texts[position] for position in order))
        self._at_first = list(zip(self.kept, self._texts, strict=True))

    def has(self, document: int) -> bool:
        """Whether anything of a document is kept."""
        return bool(self._texts[document])

    def keep_first(self, pieces: Sequence[Piece], least: int = 0) -> int:
        """Keep the largest number of leading pieces that fits, and say which it is; none where it is below `least`."""
        if not pieces:
            return 0
        lengths = np.array(list(self._lengths(pieces)), dtype=np.int64)
        number, used = _most_that_fit(
            lengths, self.used, self._target, lambda number: self._tokens(self._changed(pieces[:number]))
        )
        if number < least:
            return 0
        self._keep(self._changed(pieces[:number]), used)
        return number

    def keep_phrase(self, pieces: Sequence[Piece]) -> int:
        """Keep of each piece as many neighbouring words as fit, never just a few; say of how many pieces any are."""
        kept = 0
        for piece in pieces:
            parts = piece.parts()
            number = self.keep_first(parts, least=min(_SHORTEST_PHRASE, len(parts)))
            if number:  # a word that did not fit ends the phrase on one side only
                self.fill(part for part in parts[number:] if self._touches(part, piece))
                kept += 1
        return kept

    def fill(self, pieces: Iterable[Piece]) -> tuple[list[tuple[Piece, int]], list[Piece]]:
        """Keep the pieces that fit, one after the other, until nearly all of the budget is used.

        Returns:
            Those that did not fit, each with about the tokens that it would have added, and those that were kept after
            the first of these.
        """
        missed: list[tuple[Piece, int]] = []
        instead: list[Piece] = []
        tries = 0
        for piece in islice(pieces, _LOOKS):
            if self.used >= _FULL * self._target or tries == _TRIES:
                break
            own = self.own_tokens(piece)
            if not own:
                continue
            if own <= self._target - self.used:
                tries += 1
                changed = self._changed([piece])
                used = self._tokens(changed)
                if used <= self._target:
                    self._keep(changed, used)
                    if missed:
                        instead.append(piece)
                    continue
                own = used - self.used
            missed.append((piece, own))
        return missed, instead

    def budget_for(self, piece: Piece) -> int:
        """The tokens of a context with this piece and what must be kept, and nothing else."""
        return self._tokens({**dict(enumerate(self._at_first)), **self._changed([piece], self._at_first)})

    def characters(self, piece: Piece) -> int:
        """The length of a piece without its context."""
        words = self._documents[piece.document].words
        return words[piece.last - 1].end - words[piece.first].start

    def _touches(self, part: Piece, piece: Piece) -> bool:
        """Whether a word of the piece right beside this part of it is kept."""
        kept = self.kept[part.document][piece.first : piece.last]
        before, after = part.first - piece.first - 1, part.last - piece.first
        return bool((before >= 0 and kept[before]) or (after < len(kept) and kept[after]))

    def _lengths(self, pieces: Sequence[Piece]) -> Iterator[int]:
        """The characters that each piece adds to those before it."""
        seen: set[tuple[int, int]] = set()
        for piece in pieces:
            length = self.characters(piece)
            for part in piece.context:
                if (piece.document, part.start) not in seen:
                    seen.add((piece.document, part.start))
                    length += self.characters(Piece(piece.document, part.start, part.stop))
            yield length

    def own_tokens(self, piece: Piece) -> int:
        """About the tokens that a piece adds: those of its words, and of its context's, that are not kept yet."""
        segmented, kept = self._documents[piece.document], self.kept[piece.document]
        text, words = segmented.document.text, segmented.words
        title = f"{segmented.title}\n" if segmented.title else ""
        added = [] if self.has(piece.document) else [title]
        for positions in sorted((*piece.context, range(piece.first, piece.last)), key=lambda part: part.start):
            for position in positions:
                if not kept[position]:
                    following = words[position + 1].start if position + 1 < len(words) else len(text)
                    added.append(text[words[position].start : following])
        return self._count("".join(added).rstrip())

    def _changed(
        self, pieces: Sequence[Piece], before: Sequence[tuple[np.ndarray, str]] | None = None
    ) -> dict[int, tuple[np.ndarray, str]]:
        """For the documents that some more pieces change which of their words stay, and their text.

        Args:
            pieces: to keep besides what is kept.
            before: what is kept of each document; by default what is now.
        """
        masks: dict[int, np.ndarray] = {}
        for piece in pieces:
            if piece.document not in masks:
                now = before[piece.document][0] if before else self.kept[piece.document]
                masks[piece.document] = now.copy()
            for words in (range(piece.first, piece.last), *piece.context):
                masks[piece.document][words.start : words.stop] = True
        changed: dict[int, tuple[np.ndarray, str]] = {}
        for document, mask in masks.items():
            segmented = self._documents[document]
            if self._separators:
                mask = with_separators(segmented, mask)
            changed[document] = mask, render_document(segmented, mask, self._marks)
        return changed

    def _tokens(self, changed: dict[int, tuple[np.ndarray, str]]) -> int:
        texts = (changed[position][1] if position in changed else self._texts[position] for position in self._order)
        return self._count(join_documents(texts))

    def _keep(self, changed: dict[int, tuple[np.ndarray, str]], used: int) -> None:
        for document, (mask, text) in changed.items():
            self.kept[document], self._texts[document] = mask, text
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
