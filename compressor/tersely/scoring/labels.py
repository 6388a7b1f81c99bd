"""What a trained compressor says of tokens: the protocols of token classifiers and pruners; `encoders/` has both."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tersely.scoring.scorer import Progress


class LabelledChunk(NamedTuple):
    """A part of a text that went through a token classifier at once.

    Attributes:
        tokens: the text of each, without the marks of its tokenizer.
        begins: for each token whether a word begins with it, as the model's tokenizer has words.
        offsets: for each token the characters `(start, end)` of the text that it stands for.
        probabilities: for each token that it is kept, in [0, 1] (float32).
    """

    tokens: list[str]
    begins: list[bool]
    offsets: list[tuple[int, int]]
    probabilities: np.ndarray


class TokenClassifier(Protocol):
    """A model that says of each token of a text whether to keep it, whatever is asked (LLMLingua-2)."""

    def label(
        self, texts: Sequence[str], chunk_ends: Collection[str], progress: Progress | None = None
    ) -> list[list[LabelledChunk]]:
        """The tokens of each text with their probabilities, in chunks that end at one of some tokens.

        Args:
            texts: each by itself.
            chunk_ends: tokens that a chunk may end with, such as `.`; where there is none it ends where it is full.
            progress: called now and then with the share that is done, from 0 to 1.
        """
        ...


class LabelledPassage(NamedTuple):
    """A text as a pruner sees it after a question.

    Attributes:
        offsets: for each token of the text its characters `(start, end)`.
        probabilities: for each token that it helps to answer, in [0, 1] (float32).
        relevance: of the whole text, on the scale of the model's ranking head; higher is more relevant.
    """

    offsets: list[tuple[int, int]]
    probabilities: np.ndarray
    relevance: float


class Pruner(Protocol):
    """A model that reads a question and a text and says of each token of the text whether it helps to answer.

    Attributes:
        threshold: the probability from which on the checkpoint's authors keep a sentence.
        rounds: whether they round each token's probability to a label before they take a sentence's mean.
    """

    threshold: float
    rounds: bool

    def prune(
        self, question: str, texts: Sequence[str], ends: Sequence[Sequence[int]], progress: Progress | None = None
    ) -> list[LabelledPassage]:
        """The tokens of each text with their probabilities, and how relevant the text is.

        Args:
            question: what is asked.
            texts: each by itself. One that is longer than the model reads is cut, and its best part's relevance counts.
            ends: for each text the characters where it may be cut, ascending: the ends of its sentences.
            progress: called now and then with the share that is done, from 0 to 1.
        """
        ...
