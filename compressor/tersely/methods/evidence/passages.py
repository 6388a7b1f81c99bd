"""Documents cut into passages, which a model scores one by one with the question. Runs no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tersely.budget.rendering import LONG_WHITE_SPACE, TITLE_SEPARATOR, with_title
from tersely.scoring.scorer import Encoding, Scorer
from tersely.text.segmentation import SegmentedDocument, Unit

# Longer documents are scored in parts of at most so many tokens: the scores of a token then have the same scale in
# long and short documents, and the time grows with the length, not with its square.
PASSAGE_TOKENS = 256
_TITLE_TOKENS = 64  # of a title, before each part


class Passage(NamedTuple):
    """Tokens `first` up to but not including `last` of a document, and what the model is given of it."""

    document: int
    first: int
    last: int
    tokens: list[int]  # with the title, where `first` is not the beginning


def cut_into_passages(
    scorer: Scorer, documents: Sequence[SegmentedDocument], room: int
) -> tuple[list[np.ndarray], list[Passage]]:
    """The end of each document's tokens in its text, and its passages: as many whole units as fit into one.

    They are the same whatever the question, so the cached forward passes over them serve the next question, too.

    Args:
        scorer: its tokenizer is used.
        documents: to cut.
        room: the most tokens that the model can take of a passage.
    """
    all_ends, passages = [], []
    room = min(PASSAGE_TOKENS, room)
    for position, segmented in enumerate(documents):
        title = segmented.title
        encoding = _encoding(scorer, segmented)
        ends = np.array([end for _, end in encoding.offsets], dtype=np.int64)
        ends -= len(title) + len(TITLE_SEPARATOR) if title else 0
        all_ends.append(ends)
        of_title = encoding.tokens[: int(np.searchsorted(ends, 0, side="right"))][: min(_TITLE_TOKENS, room // 2)]
        unit_starts = [segmented.words[_start_with_context(unit)].start for unit in segmented.units]
        starts = set(np.searchsorted(ends, unit_starts[1:], side="right").tolist())
        first = 0
        while first < len(ends):
            repeated = of_title if first else []
            last = min(first + room - len(repeated), len(ends))
            if last < len(ends):
                last = next((start for start in range(last, first, -1) if start in starts), last)
            passages.append(Passage(position, first, last, [*repeated, *encoding.tokens[first:last]]))
            first = last
    return all_ends, passages


def tokens_between(ends: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tokens that end between characters `starts` and `stops`: the first of each and the one after the last.

    Where none does, the token is taken that ends next.
    """
    first = np.minimum(np.searchsorted(ends, starts, side="right"), len(ends) - 1)
    return first, np.maximum(np.searchsorted(ends, stops, side="right"), first + 1)


def _encoding(scorer: Scorer, segmented: SegmentedDocument) -> Encoding:
    """What `_encode` gives, computed once for each document and scorer."""
    encodings = segmented.cache.encodings
    if scorer.fingerprint not in encodings:
        encodings[scorer.fingerprint] = _encode(scorer, segmented)
    return Encoding(*encodings[scorer.fingerprint])


def _encode(scorer: Scorer, segmented: SegmentedDocument) -> Encoding:
    """A document's title and text in tokens, without what is not read of it."""
    text = with_title(segmented.title, segmented.document.text)
    unread = [*segmented.unread, *(match.span() for match in LONG_WHITE_SPACE.finditer(segmented.document.text))]
    if not unread:
        return scorer.encode(text)
    before = len(text) - len(segmented.document.text)
    edges = [0, *(before + edge for span in sorted(unread) for edge in span), len(text)]
    tokens: list[int] = []
    offsets: list[tuple[int, int]] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        part = scorer.encode(text[start:end])
        tokens += part.tokens
        offsets += [(start + first, start + last) for first, last in part.offsets]
    return Encoding(tokens, offsets)


def _start_with_context(unit: Unit) -> int:
    """The position of a unit's first word, or of that of that of its context which stands right before it."""
    start = unit.words.start
    for part in reversed(unit.context):
        if part.stop == start:
            start = part.start
    return start
