"""Documents and models for the tests of LangChain."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document
from langchain_tersely import TerselyCompressor

QUESTION = "When was the mill opened?"
SENTENCES = [
    "The water mill on the river was opened in 1820 by two brothers from the village.",
    "A bakery across the street sold bread and cake to everybody who passed by.",
    "The railway came late and left early, and nobody misses its noise any more.",
    "Every spring the meadow is under water for a week or two and then blooms.",
]


@pytest.fixture
def compressor(fake_compressor) -> TerselyCompressor:
    return TerselyCompressor(target_tokens=30, compressor=fake_compressor)


@pytest.fixture
def documents() -> list[Document]:
    return [
        Document(id=f"d{number}", page_content=sentence, metadata={"page": number, "nested": {"a": [1]}})
        for number, sentence in enumerate(SENTENCES)
    ]
