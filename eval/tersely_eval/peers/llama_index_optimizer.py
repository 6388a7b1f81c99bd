"""LlamaIndex's `SentenceEmbeddingOptimizer` with all-MiniLM-L6-v2: in each node the sentences near the question.

The budget is met by the highest number of sentences that fits: one threshold for all nodes is searched. Sentences are
embedded once. `peer_process.py` loads this file in the peer's own environment, so it imports nothing of Tersely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tersely_eval.peers.peer_process import Budget

NAME = "llama-index"
MODEL = "minilm"
INSTALL = (("torch",), ("llama-index-core", "llama-index-embeddings-huggingface", "sentence-transformers", "tiktoken"))
METHODS = {"llama-index-0.14.25/sentence-embedding-optimizer": ("threshold", "float32")}


def load(model: str, dtype: str, device: str) -> Callable[[list[str], str, Budget, str], str]:
    """Neighbours of a sentence are not added, as they are by default: they would stand in the context twice.

    The optimizer refuses to leave a node empty, so each node is given to it alone, and dropped where it refuses.
    """
    from llama_index.core.postprocessor import SentenceEmbeddingOptimizer
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    class CachedEmbedding(HuggingFaceEmbedding):  # type: ignore[misc]  # its package has no types
        def _get_text_embeddings(self, texts: list[str]) -> Any:
            key = tuple(texts)
            if key not in cache:
                cache[key] = super()._get_text_embeddings(texts)
            return cache[key]

    cache: dict[tuple[str, ...], Any] = {}
    embedding = CachedEmbedding(model_name=model, device=device)
    embedding.get_text_embedding("warm")

    def compress(documents: list[str], question: str, budget: Budget, recipe: str) -> str:
        cache.clear()
        query = QueryBundle(question, embedding=embedding.get_query_embedding(question))

        def above(threshold: float) -> str:
            optimizer = SentenceEmbeddingOptimizer(
                embed_model=embedding, threshold_cutoff=threshold, context_before=0, context_after=0
            )
            kept = []
            for document in documents:
                try:
                    (node,) = optimizer.postprocess_nodes([NodeWithScore(node=TextNode(text=document))], query)
                except ValueError:
                    continue
                kept.append(node.node.get_content())
            return "\n\n".join(kept)

        return budget.fullest(lambda step: above(1 - step / 1000), 2001)

    return compress
