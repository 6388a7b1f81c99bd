"""LLMLingua-2's words: what a token classifier says of tokens becomes what it says of words (arXiv 2403.12968, 3.3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import numpy as np

from tersely.scoring.labels import LabelledChunk


class LabelledWord(NamedTuple):
    """A word as the model's tokenizer has words: a punctuation mark is one of its own.

    Attributes:
        text: its characters, without white space.
        start, end: where it stands in the text that was labelled.
        probability: that it is kept, with what the caller forces at 1.
        own: its first token's probability, with nothing forced: what llmlingua 0.2.2 takes for a document's relevance.
    """

    text: str
    start: int
    end: int
    probability: float
    own: float


def labelled_words(
    chunk: LabelledChunk, token_to_word: Literal["mean", "first"], force_tokens: Collection[str], force_digits: bool
) -> list[LabelledWord]:
    """The words of a chunk in order.

    Args:
        chunk: tokens with their probabilities.
        token_to_word: whether a word has the mean of its tokens' probabilities, or its first token's.
        force_tokens: words whose probability is 1.
        force_digits: whether tokens with a digit have a probability of 1.
    """
    groups: list[list[int]] = []
    for position, (token, begins) in enumerate(zip(chunk.tokens, chunk.begins, strict=True)):
        if begins or not groups or token in force_tokens:
            groups.append([])
        groups[-1].append(position)
    words = []
    for group in groups:
        tokens = [chunk.tokens[position] for position in group]
        text, probabilities = "".join(tokens), chunk.probabilities[group]
        forced = [force_digits and any(map(str.isdigit, token)) for token in tokens]
        forced[0] = forced[0] or tokens[0] in force_tokens
        raised = np.where(forced, np.float32(1), probabilities)
        words.append(
            LabelledWord(
                text,
                chunk.offsets[group[0]][0],
                chunk.offsets[group[-1]][1],
                1.0 if text in force_tokens else float(raised.mean() if token_to_word == "mean" else raised[0]),
                float(probabilities[0]),
            )
        )
    return words


def without_repeats(words: Sequence[LabelledWord], force_tokens: Collection[str], rate: float) -> list[LabelledWord]:
    """The words of a chunk; a forced one goes last if only words that go stand between it and the same one before it.

    Args:
        words: in order.
        force_tokens: the forced ones.
        rate: the share of the words that stays.
    """
    if not words:
        return []
    threshold = float(np.percentile([word.probability for word in words], int(100 * max(0.0, 1 - rate))))
    single: list[LabelledWord] = []
    previous: str | None = None
    stays_between = False
    for word in words:
        if word.text in force_tokens:
            repeats = word.text == previous and not stays_between
            single.append(word._replace(probability=0.0) if repeats else word)
            previous, stays_between = word.text, False
        else:
            stays_between = stays_between or word.probability > threshold
            single.append(word)
    return single
