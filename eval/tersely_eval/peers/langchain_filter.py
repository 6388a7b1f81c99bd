"""LangChain's `EmbeddingsRedundantFilter` and `EmbeddingsFilter` with all-MiniLM-L6-v2, over pieces of 300 characters.

The pieces come best first, and are cut where the budget ends. `peer_process.py` loads this file in the peer's own
environment, so it imports nothing of Tersely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tersely_eval.peers.peer_process import Budget

NAME = "langchain"
MODEL = "minilm"
INSTALL = (
    ("torch",),
    ("langchain-classic", "langchain-community", "langchain-huggingface", "sentence-transformers", "tiktoken"),
)
METHODS = {"langchain-1.0.8/embeddings-filter": ("best-first", "float32")}

_PIECE_CHARACTERS = 300
# LangChain's own, and ends of sentences, with those of scripts that write no spaces.
_SEPARATORS = ["\n\n", "\n", ". ", "。", " ", ""]


def load(model: str, dtype: str, device: str) -> Callable[[list[str], str, Budget, str], str]:
    """The pipeline of LangChain's guide to contextual compression: a splitter, the redundant filter, the filter."""
    from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline, EmbeddingsFilter
    from langchain_community.document_transformers import EmbeddingsRedundantFilter
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    embeddings = HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": device})
    embeddings.embed_query("warm")
    splitter = RecursiveCharacterTextSplitter(
        _SEPARATORS, chunk_size=_PIECE_CHARACTERS, chunk_overlap=0, keep_separator="end"
    )

    def compress(documents: list[str], question: str, budget: Budget, recipe: str) -> str:
        pipeline = DocumentCompressorPipeline(
            transformers=[
                splitter,
                EmbeddingsRedundantFilter(embeddings=embeddings),
                EmbeddingsFilter(embeddings=embeddings, k=sum(map(len, documents))),
            ]
        )
        pieces = pipeline.compress_documents([Document(page_content=document) for document in documents], question)
        return budget.cut("\n\n".join(piece.page_content for piece in pieces))

    return compress
