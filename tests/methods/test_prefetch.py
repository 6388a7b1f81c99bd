"""What `index` computes ahead is what `compress` asks for: a request that nobody makes later is time lost."""

from __future__ import annotations

import pytest

from doubles import FakeScorer
from tersely import Compressor, Document
from tersely.methods import METHODS, methods_of
from tersely.scoring.scorer import ScoringRequest

RIVER = "The river rises in the hills. It passes two mills, and a bridge of 1820 spans it near the town. "
# No copies among them: of a document that another one contains nothing is asked.
DOCUMENTS = [
    Document(text=RIVER, title="River"),
    Document(text="A short text without a title."),
    Document(
        text="".join(f"Sentence {number} tells of mill {number} of {number + 1800}. " for number in range(120)),
        title="A long text that is scored in several passages",
    ),
    Document(text="", title="Empty"),
]
QUESTIONS = ["Where does the river rise?", "Why?", "?", "When was the bridge near the town built, and by whom? " * 20]


class Recording(FakeScorer):
    """Remembers what was prefetched, and what was asked."""

    context_length = 2048

    def __init__(self, heads: bool) -> None:
        if not heads:
            self.fingerprint = "a model without a profile"
        self.prefetched: set[tuple] = set()
        self.asked: set[tuple] = set()

    def prepare(self, requests, progress=None):
        self.prefetched |= set(map(cached_part, requests))

    def score(self, requests, progress=None):
        self.asked |= set(map(cached_part, requests))
        return super().score(requests, progress)

    def attend(self, requests, heads, progress=None):
        self.asked |= set(map(cached_part, requests))
        return super().attend(requests, heads, progress)


def cached_part(request: ScoringRequest) -> tuple:
    """What a scorer caches of a request: the scores of its tokens, or its prefix without the last token."""
    if request.cached == "scores":
        return "scores", tuple(request.prefix), tuple(request.tokens)
    return request.cached, tuple(request.prefix[:-1])


@pytest.mark.parametrize("heads", [True, False], ids=["with heads", "without heads"])
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("method", methods_of(FakeScorer()))
def test_all_that_is_prefetched_is_asked_for(method: str, question: str, heads: bool) -> None:
    scorer = Recording(heads)
    compressor = Compressor(scorer, tokenizer="o200k_base")
    compressor.index(DOCUMENTS, method=method)
    if METHODS[method].needs_model:
        assert len(scorer.prefetched) >= len(DOCUMENTS) - 1
    compressor.compress(DOCUMENTS, question, rate=0.5, method=method)
    assert scorer.prefetched <= scorer.asked
