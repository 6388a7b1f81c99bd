"""Prompts for the drop-in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import tiktoken

from doubles import FakeScorer
from tersely import Compressor
from tersely.compat.llmlingua import PromptCompressor

QUESTION = "When was the mill sold?"
MILL = (
    "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros, "
    "after years of decay. Its roof had fallen in, and nobody had lived there since the war. The new owner turned it "
    "into a museum, which is open daily."
)
WIND = "Windmills turn when the wind blows. Water mills turn when water flows. Both have ground corn for centuries."
BAKER = "The baker in the village sells bread and cake. His daughter plays the organ in church on Sundays."
CONTEXTS = [MILL, WIND, BAKER]


def count(text: str) -> int:
    return len(tiktoken.get_encoding("cl100k_base").encode_ordinary(text))


@pytest.fixture
def prompt_compressor(fake_model: FakeScorer) -> PromptCompressor:
    return PromptCompressor()


@pytest.fixture(autouse=True)
def no_unexpected_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def watched(monkeypatch: pytest.MonkeyPatch) -> list:
    """Every result that a compressor gives from now on."""
    results: list = []
    compress = Compressor.compress

    def compress_and_note(self, *arguments, **named):
        results.append(compress(self, *arguments, **named))
        return results[-1]

    monkeypatch.setattr(Compressor, "compress", compress_and_note)
    return results
