"""The exact fit: what is kept of pieces, of what they stand under and of their parts."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doubles import hash_of
from tersely import Document
from tersely.budget.counting import token_counter
from tersely.budget.fit import fit
from tersely.budget.pieces import Piece
from tersely.budget.rendering import Marks, render_context
from tersely.text.segmentation import SegmentedDocument, Unit, segment_documents

count = token_counter("o200k_base", fallback=lambda: pytest.fail("no encoding")).count
GUIDE = """# Guide

The mill was built in 1820. It stands on the river, which is wide there. Nobody knows who built it.

## Prices

| Year | Price in euros |
|------|----------------|
| 1820 | 1,850 |
| 2009 | 1,850,000 |

## Use

To open the door of the mill:

1. Turn the big wheel slowly.
2. Run:

   ```sh
   open --door
   ```
"""


def segment(*texts: str, **fields) -> list[SegmentedDocument]:
    return segment_documents(list(enumerate(Document(text=text, **fields) for text in texts)))


def piece_of(number: int, unit: Unit) -> Piece:
    """A unit as a piece, with its words, the longest first, as parts."""
    words = sorted(unit.words, key=lambda position: (hash_of(str(position)), position)) if unit.divisible else []
    parts = tuple(Piece(number, position, position + 1, unit.context) for position in words)
    return Piece(number, unit.words.start, unit.words.stop, unit.context, parts=lambda: parts)


def pieces_of(documents: list[SegmentedDocument], seed: int = 0) -> list[Piece]:
    """Every unit of some documents, in an order that only the seed decides."""
    pieces = [piece_of(number, unit) for number, segmented in enumerate(documents) for unit in segmented.units]
    random.Random(seed).shuffle(pieces)
    return pieces


def fitted(documents, pieces, target, gap_marker=None) -> str:
    order, marks = range(len(documents)), Marks(gap_marker)
    choice = fit(documents, order, pieces, target, count, marks=marks)
    return render_context(documents, choice.masks, order, marks)


def find(documents: list[SegmentedDocument], words: str) -> Piece:
    for number, segmented in enumerate(documents):
        for unit in segmented.units:
            start, end = segmented.words[unit.words.start].start, segmented.words[unit.words.stop - 1].end
            if words in segmented.document.text[start:end]:
                return piece_of(number, unit)
    raise AssertionError(words)


def test_context_stays_with_a_piece() -> None:
    documents = segment(GUIDE)
    table = GUIDE[GUIDE.index("| Year") : GUIDE.index("\n\n## Use")]
    row = f"# Guide\n\n## Prices\n\n{table}"
    assert fitted(documents, [find(documents, "1,850,000")], count(row)) == row
    assert fitted(documents, [find(documents, "1,850,000")], count(row) - 1) == ""
    code = "# Guide\n\n## Use\n\nTo open the door of the mill:\n\n2. Run:\n\n   ```sh\n   open --door\n   ```"
    assert fitted(documents, [find(documents, "--door")], count(code)) == code


def test_the_first_piece_that_does_not_fit_is_replaced_by_its_best_parts() -> None:
    documents = segment("One sentence is here. Another has some more words than it.")
    first, second = (piece_of(0, unit) for unit in documents[0].units)
    whole = count("One sentence is here.")
    parts = tuple(Piece(0, position, position + 1) for position in (8, 7, 6, 5, 9, 4, 10))
    assert documents[0].document.text[slice(*documents[0].words[8][:2])] == "words"
    second = second._replace(parts=lambda: parts)
    assert fitted(documents, [first, second], whole) == "One sentence is here."
    assert fitted(documents, [first, second], whole + 3) == "One sentence is here.", "three words say nothing"
    assert fitted(documents, [first, second], whole + 4) == "One sentence is here. has some more words"
    assert fitted(documents, [first, second], whole + 5) == "One sentence is here. has some more words than"
    assert fitted(documents, [first, second._replace(parts=tuple)], whole + 2) == "One sentence is here."


def test_what_fits_whole_comes_before_parts_of_what_does_not() -> None:
    documents = segment("It was long ago, and nobody knows more of it today.", "A short one.", "One that is short too.")
    long, short, other = (piece_of(number, document.units[0]) for number, document in enumerate(documents))
    target = count("A short one.\n\nOne that is short too.")
    assert (
        fitted(documents, [long._replace(parts=tuple), short, other], target)
        == "A short one.\n\nOne that is short too."
    )


def test_a_gap_marker_counts() -> None:
    documents = segment("One sentence is here. Another has some more words than it. The third is the last.")
    pieces = [piece_of(0, unit)._replace(parts=tuple) for unit in documents[0].units]
    marked = "One sentence is here. [...] The third is the last."
    assert fitted(documents, [pieces[0], pieces[2]], count(marked), " [...] ") == marked
    assert fitted(documents, [pieces[0], pieces[2]], count(marked) - 1, " [...] ") == "One sentence is here. [...]"


PROSE = " ".join(
    f"Sentence {i} says that {' '.join(f'word{j} and' for j in range(i % 9))} all is well." for i in range(40)
)
JAPANESE = "日本の首都です。大阪は西。" * 5
TEXTS = st.lists(
    st.sampled_from([GUIDE, PROSE, PROSE[:300], "Short.", GUIDE[40:180], JAPANESE]), min_size=1, max_size=4
)
MARKERS = st.sampled_from([None, " [...] ", "…"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, st.sampled_from([None, "A title"]), st.integers(1, 900), st.integers(0, 99), MARKERS)
def test_never_above_the_target_and_never_without_the_context(texts, title, target, seed, gap_marker) -> None:
    documents = segment(*texts, title=title)
    order = range(len(documents))
    pieces = pieces_of(documents, seed)
    marks = Marks(gap_marker)
    kept = fit(documents, order, pieces, target, count, marks=marks).masks
    assert count(render_context(documents, kept, order, marks)) <= target
    for segmented, mask in zip(documents, kept, strict=True):
        for unit in segmented.units:
            there = mask[unit.words.start : unit.words.stop]
            if there.any():
                assert unit.divisible or there.all()
                assert all(mask[part.start : part.stop].all() for part in unit.context)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 4), st.integers(100, 600), st.integers(0, 99))
def test_nothing_that_would_still_fit_is_left_out(number, target, seed) -> None:
    documents = segment(*[f"# Number {i}\n\n{GUIDE}\n\n{PROSE[i * 50 :]}" for i in range(number)])
    pieces = [piece._replace(parts=tuple) for piece in pieces_of(documents, seed)]
    order = range(len(documents))
    kept = fit(documents, order, pieces, target, count).masks
    used = count(render_context(documents, kept, order))
    assert used <= target
    for piece in pieces if used < 0.99 * target else ():
        more = [mask.copy() for mask in kept]
        for words in (range(piece.first, piece.last), *piece.context):
            more[piece.document][words.start : words.stop] = True
        is_kept = (more[piece.document] == kept[piece.document]).all()
        assert is_kept or count(render_context(documents, more, order)) > target


def test_what_did_not_fit_is_named_with_what_it_needs() -> None:
    documents = segment("The first sentence is much longer than the other two are.", "A short one.", "Another one.")
    pieces = [piece_of(number, document.units[0])._replace(parts=tuple) for number, document in enumerate(documents)]
    choice = fit(documents, range(3), pieces, count("A short one.\n\nAnother one."), count)
    assert [mask.any() for mask in choice.masks] == [False, True, True] and choice.best_is_missed
    (missed,) = choice.missed
    assert missed.piece == pieces[0]
    assert missed.budget == count(documents[0].document.text) <= missed.tokens + 1
    assert choice.instead == pieces[1:]
    choice = fit(documents, range(3), pieces, missed.budget, count)
    assert choice.masks[0].all() and not choice.best_is_missed and not choice.instead


def test_where_the_best_does_not_fit_what_is_worth_much_less_is_no_substitute() -> None:
    documents = segment("The first sentence is much longer than the other two are.", "A short one.", "Another one.")
    worths = (5.0, 4.5, 1.0)
    pieces = [
        Piece(number, 0, len(document.words), worth=worth)
        for number, (document, worth) in enumerate(zip(documents, worths, strict=True))
    ]
    choice = fit(documents, range(3), pieces, 10, count, margin=2.0)
    assert [mask.any() for mask in choice.masks] == [False, True, False]
    assert fit(documents, range(3), pieces[:1] + pieces[2:], 10, count, margin=2.0).masks[2].any() is np.False_


def test_ten_thousand_pieces_need_few_counts() -> None:
    documents = segment(*[f"# Part {i}\n\n{PROSE}" for i in range(250)])
    pieces = pieces_of(documents)
    assert len(pieces) == 10_000
    read = 0

    def counting(text: str) -> int:
        nonlocal read
        read += len(text)
        return count(text)

    order = range(len(documents))
    kept = fit(documents, order, pieces, 3000, counting).masks
    context = render_context(documents, kept, order)
    assert 0.97 * 3000 <= count(context) <= 3000
    everything = sum(len(segmented.document.text) for segmented in documents)
    assert read < 2 * everything + 150 * len(context)


def test_a_phrase_has_no_hole_though_the_unit_before_it_is_kept() -> None:
    documents = segment("It is late today. Then all five went supercalifragilisticexpialidocious or so far off.")
    first, second = (piece_of(0, unit) for unit in documents[0].units)
    words = [*range(second.first, second.last)]
    second = second._replace(parts=lambda: [Piece(0, word, word + 1) for word in words])
    begun = "It is late today. Then all five went"
    for more in range(1, 5):
        assert fitted(documents, [first, second], count(begun) + more) == begun


def test_what_stays_whole_is_rather_left_out_than_cut() -> None:
    row = " ".join(f"word{position}" for position in range(150))
    documents = segment(f"| A |\n|---|\n| {row} |")
    pieces = [piece_of(0, unit)._replace(parts=tuple) for unit in documents[0].units]
    assert fitted(documents, pieces, 140) == ""
