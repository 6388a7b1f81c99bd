"""What no budget of a call can hold is not read by the model, and is named in the result."""

from __future__ import annotations

import base64
import random

import pytest

from doubles import FakeScorer
from tersely import Compressor

USEFUL = "The useful sentence says that the mill was sold in October 2009."
FILLER = "The garden is green in spring and the lake is blue."
NEVER_KEPT = {
    "base64": base64.b64encode(random.Random(1).randbytes(33_750)).decode(),
    "carets": "^" * 300_000,
    "emoji": "😀😃" * 10_000,
    "line feeds": "\n" * 200_000,
    "spaces": " " * 200_000,
}


class Recording(FakeScorer):
    """Remembers the longest text that it was given."""

    longest = 0

    def encode(self, text: str):
        self.longest = max(self.longest, len(text))
        return super().encode(text)


@pytest.mark.parametrize("name", NEVER_KEPT)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_what_can_never_be_kept_is_not_read(name, before) -> None:
    parts = [NEVER_KEPT[name], f"{USEFUL} {FILLER}"]
    scorer = Recording()
    compressor = Compressor(scorer, tokenizer="o200k_base")
    text = "\n\n".join(parts if before else parts[::-1])
    result = compressor.compress([text], "When was the mill sold?", target_tokens=60)
    assert USEFUL in result.context and result.compressed_tokens <= 60
    assert scorer.longest < 2_000


def test_a_unit_that_is_larger_than_the_budget_is_named_with_the_budget_that_holds_it() -> None:
    compressor = Compressor(FakeScorer(), tokenizer="o200k_base")
    result = compressor.compress(["word " * 3000 + "."], "Which word?", target_tokens=40)
    assert result.context == "" and result.smallest_useful_budget == result.original_tokens
    (unit,) = result.left_out
    assert unit.relevance is None and unit.budget == result.original_tokens
    assert "larger than the whole budget of 40 tokens" in result.notes[0]
