"""Nodes, retrievers and an LLM for the tests of LlamaIndex."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.bridge.pydantic import Field
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.tersely import TerselyPostprocessor
from llama_index.retrievers.bm25 import BM25Retriever

QUESTION = "When was the water mill opened?"
TEXTS = [
    "The water mill on the river was opened in 1820. Two brothers from the village had built it within a year. "
    "It had two wheels of oak. The stones came from the south by ship.",
    "A bakery across the street sold bread and cake. Everybody who passed by bought some. The mill gave it flour. "
    "Its oven burned day and night, and its door was never shut.",
    "The railway came late and left early. Nobody misses its noise any more. Its bridge over the water still stands. "
    "A path for bicycles lies where the rails were.",
    "Every spring the meadow is under water for a week or two. Then it blooms. The miller's goats like it there. "
    "In the summer of 1911 it was opened to everybody.",
]
METADATA = [{"title": f"Chapter {number}", "page": 10 * number, "checksum": "9f86d081884c7d65"} for number in range(4)]
CONTEXT = PromptTemplate("<context>{context_str}</context>\n{query_str}")


class RecordingLLM(MockLLM):
    """LlamaIndex's own stand-in, which also remembers every prompt."""

    prompts: list[str] = Field(default_factory=list)
    answer: str = "In 1820."

    def __init__(self, answer: str = "In 1820.") -> None:
        super().__init__()
        self.answer = answer

    def _record(self, prompt: str) -> None:
        self.prompts.append(prompt)

    def complete(self, prompt: str, formatted: bool = False, **options: Any):
        self._record(prompt)
        return super().complete(self.answer, formatted, **options)

    def stream_complete(self, prompt: str, formatted: bool = False, **options: Any):
        self._record(prompt)
        return super().stream_complete(self.answer, formatted, **options)


@pytest.fixture
def llm() -> RecordingLLM:
    return RecordingLLM()


def text_nodes() -> list[TextNode]:
    return [
        TextNode(id_=f"n{number}", text=text, metadata=dict(metadata), excluded_llm_metadata_keys=["checksum"])
        for number, (text, metadata) in enumerate(zip(TEXTS, METADATA, strict=True))
    ]


def bm25(nodes: list[TextNode] | None = None):
    return BM25Retriever.from_defaults(nodes=nodes or text_nodes(), similarity_top_k=4)


def vectors(nodes: list[TextNode] | None = None):
    return VectorStoreIndex(nodes=nodes or text_nodes(), embed_model=MockEmbedding(8)).as_retriever(similarity_top_k=4)


@pytest.fixture(params=[bm25, vectors], ids=["bm25", "vectors"])
def retriever(request):
    return request.param()


@pytest.fixture
def half(fake_compressor) -> TerselyPostprocessor:
    return TerselyPostprocessor(rate=0.5, compressor=fake_compressor)


def query_engine(retriever, postprocessors, llm, **options) -> RetrieverQueryEngine:
    return RetrieverQueryEngine.from_args(
        retriever, llm=llm, node_postprocessors=postprocessors, text_qa_template=CONTEXT, **options
    )


def same_as_read(nodes: list[NodeWithScore], prompt: str) -> bool:
    """Whether the prompt has what was kept of each node, and whole only the texts that were kept whole."""
    kept = [node.text for node in nodes]
    whole = [text for text in TEXTS if text in prompt]
    return all(text in prompt for text in kept) and whole == [text for text in TEXTS if text in kept] != TEXTS
