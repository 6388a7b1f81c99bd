"""Iterative token-level compression, the fine stage that both papers share (LLMLingua, section 3.2 and algorithm 1).

The text is scored segment by segment, each given what was kept of the segments before it, and in each segment the words
that tell most are kept up to the document's rate. The unit is the whole word: it stays where any of its tokens would
stay, so that no rare name is lost to the ease of its last syllables. The result is an order, from the word that would
stay at the lowest rate to the one that would go first: the exact budget is met afterwards without scoring again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tersely.budget.pieces import Piece
from tersely.budget.rendering import DOCUMENT_SEPARATOR, TITLE_SEPARATOR
from tersely.methods.method import Task
from tersely.scoring.scorer import Scorer
from tersely.text.segmentation import SegmentedDocument

# A segment's tokens -> how much each of them tells (higher is kept first).
TokenValues = Callable[[list[int]], np.ndarray]
# Receives the tokens that were kept of a segment, after it was scored.
Accept = Callable[[list[int]], None]


class Share(NamedTuple):
    """A document to compress and the part of it to keep."""

    document: int  # position in the list of segmented documents
    rate: float


class _Segment(NamedTuple):
    """Words `first` up to but not including `last` of a document, and the tokens that stand for them."""

    first: int
    last: int
    tokens: list[int]
    words: np.ndarray  # for each token the position of its word; outside the range for a title's and a separator's
    inside: np.ndarray  # for each token whether it ends in a word (True) or in white space before one (False)

    @property
    def of_words(self) -> np.ndarray:
        """For each token whether it belongs to one of the segment's words, not to a title or a separator."""
        return (self.words >= self.first) & (self.words < self.last)


def compress_iteratively(
    task: Task,
    shares: Sequence[Share],
    values: TokenValues,
    accept: Accept,
) -> list[Piece]:
    """Every word of the documents in `shares`, as a piece, in the order in which words are worth keeping.

    Args:
        task: what to compress.
        shares: which documents, in the order in which they are read, and how far.
        values: what each token of a segment is worth.
        accept: told what is kept of each segment, the condition for the next ones.
    """
    margins: list[tuple[float, Piece]] = []
    for number, share in enumerate(shares):
        segmented = task.documents[share.document]
        for segment in _segments(segmented, task.scorer, task.settings.segment_tokens):
            task.progress((number + segment.first / len(segmented.words)) / len(shares))
            margin = share.rate - _share_worth_more(_word_values(values(segment.tokens), segment), segment)
            words = segmented.words[segment.first : segment.last]
            kept = (margin > 0) | np.array([word.protected for word in words])
            margins.extend(
                (float(margin[i]), Piece(share.document, segment.first + i, segment.first + i + 1))
                for i in range(len(words))
            )
            stays = ~segment.of_words
            stays[segment.of_words] = kept[segment.words[segment.of_words] - segment.first]
            accept(np.asarray(segment.tokens)[stays].tolist())
    margins.sort(key=lambda entry: -entry[0])
    return [piece for _, piece in margins]


def _segments(segmented: SegmentedDocument, scorer: Scorer, segment_tokens: int) -> Iterator[_Segment]:
    """A document in segments of whole units, as many as fit; a longer unit is cut between words."""
    title = segmented.title
    head = f"{title}{TITLE_SEPARATOR}" if title else ""
    encoding = scorer.encode(f"{head}{segmented.document.text}{DOCUMENT_SEPARATOR}")
    words, inside = _word_of_each_token(segmented, encoding.offsets, len(head))
    starts = np.searchsorted(words, np.arange(len(segmented.words) + 1))  # the first token of each word
    unit_ends = {unit.words.stop for unit in segmented.units}

    first, begin = 0, 0
    while first < len(segmented.words):
        limit = int(np.searchsorted(starts, begin + segment_tokens, side="right")) - 1
        last = min(max(limit, first + 1), len(segmented.words))
        if last < len(segmented.words):
            last = next((end for end in range(last, first, -1) if end in unit_ends), last)
        end = int(starts[last]) if last < len(segmented.words) else len(words)
        tokens = slice(begin, end)
        yield _Segment(first, last, encoding.tokens[tokens], words[tokens], inside[tokens])
        first, begin = last, end


def _word_of_each_token(
    segmented: SegmentedDocument, offsets: Sequence[tuple[int, int]], head: int
) -> tuple[np.ndarray, np.ndarray]:
    """The word in which each token ends, and whether it ends in it; in white space it counts to the next word.

    The title's tokens have -1, what follows the last word has the number of words.
    """
    last_character = np.array([end - 1 - head for _, end in offsets], dtype=np.int64)
    starts = np.array([word.start for word in segmented.words])
    ends = np.array([word.end for word in segmented.words])
    word = np.searchsorted(starts, last_character, side="right") - 1
    inside = (word >= 0) & (last_character < ends[word])
    word = np.where(inside, word, word + 1)
    return np.where(last_character < 0, -1, word), inside


def _word_values(values: np.ndarray, segment: _Segment) -> np.ndarray:
    """The highest value among each word's tokens: a word stays if any of its tokens would have stayed.

    A word without a token of its own has the value of the word before it.
    """
    counted = segment.inside & segment.of_words & ~np.isnan(values)
    words = segment.words[counted] - segment.first
    highest = np.full(segment.last - segment.first, -np.inf)
    np.maximum.at(highest, words, values[counted])
    # The position of the last word up to here that has tokens.
    source = np.maximum.accumulate(np.where(np.isfinite(highest), np.arange(len(highest)), 0))
    return highest[source]


def _share_worth_more(worth: np.ndarray, segment: _Segment) -> np.ndarray:
    """For each word the share of the segment's tokens that belong to words worth more: 0 for the best.

    A word stays at rate tau where this is below tau, which is the segment's threshold of algorithm 1.
    """
    size = segment.last - segment.first
    words = segment.words[segment.of_words] - segment.first
    tokens = np.maximum(np.bincount(words, minlength=size), 1)
    order = np.argsort(-worth, kind="stable")
    above = np.empty(size)
    above[order] = np.cumsum(tokens[order]) - tokens[order]
    share: np.ndarray = above / tokens.sum()
    return share
