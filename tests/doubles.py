"""Test doubles: a scorer that computes from letters instead of a model, and a count of real models' passes."""

from __future__ import annotations

import copy
import zlib

import numpy as np
import pytest

from tersely.scoring import packing
from tersely.scoring.scorer import Attention, Encoding, Head


class FakeScorer:
    """A scorer without a model: a token is a word with its white space, its surprisal comes from its letters.

    A token that also stands in the prefix is likelier. Attention goes to words of the prefix that the tokens repeat.
    All other words get a little, by letters and by head.
    """

    name = "fake"
    fingerprint = "fake"
    supports_shallow = True
    depth = None  # how many layers shallow prefixes are computed with
    context_length = 512
    heads = tuple(Head(layer, head) for layer in range(2) for head in range(3))

    def encode(self, text: str) -> Encoding:
        import regex

        spans = [match.span() for match in regex.finditer(r"\s*\S+|\s+$", text)]
        return Encoding([hash_of(text[start:end].strip()) for start, end in spans], spans)

    def score(self, requests, progress=None):
        scores = []
        for request in requests:
            seen_before = np.isin(request.tokens, request.prefix)
            scores.append(self.log_probabilities(request.tokens) / np.where(seen_before, 2, 1).astype(np.float32))
        return scores

    def attend(self, requests, heads, progress=None):
        scores = self.score(requests)
        return [Attention(self.weights(request, heads), row) for request, row in zip(requests, scores, strict=True)]

    def prepare(self, requests, progress=None):
        pass

    def chain(self, prefixes, shallow=False):
        return FakeChain(self, [len(prefix) for prefix in prefixes])

    def with_depth(self, layers):
        scorer = copy.copy(self)
        scorer.depth = layers
        return scorer

    def weights(self, request, heads):
        *before, last = request.prefix
        prefix = np.asarray(before, dtype=np.int64)
        rows = []
        for head in heads:
            by_letters = (prefix * (7 * head.layer + 3 * head.head + 1)) % 101 / 1000
            seen = np.isin(prefix, [last, *request.tokens]) + by_letters
            rows.append(seen / (seen.sum() + 1))
        return np.array(rows, dtype=np.float32)

    def log_probabilities(self, tokens):
        return -np.array([1 + token % 97 for token in tokens], dtype=np.float32) / 10


class FakeChain:
    """Scores as its scorer does, but each prefix's length changes the scores; `accepted` lists the accepted tokens."""

    def __init__(self, scorer: FakeScorer, prefixes: list[int]) -> None:
        self.scorer, self.prefixes, self.accepted = scorer, prefixes, []

    def score(self, tokens):
        rows = [[token * (1 + prefix % 3) for token in tokens] for prefix in self.prefixes]
        return np.stack([self.scorer.log_probabilities(row) for row in rows])

    def accept(self, tokens) -> None:
        self.accepted.extend(tokens)


class PassCount:
    """Counts the forward passes of all models from now on.

    Attributes:
        tokens: how many tokens the passes computed.
        items: how many items each pass had, in the order of the passes.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tokens = 0
        self.items: list[int] = []
        run = packing.run

        def counting(decoder, items):
            self.tokens += sum(len(item.tokens) for item in items)
            self.items.append(len(items))
            return run(decoder, items)

        monkeypatch.setattr(packing, "run", counting)


def hash_of(word: str) -> int:
    """A number that is the same in every process."""
    return zlib.crc32(word.encode()) % 10_007
