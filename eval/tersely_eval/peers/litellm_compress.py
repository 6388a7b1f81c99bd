"""`litellm.compress` with BM25: a message a document, the question last. Its embeddings come from a service alone.

The budget is met by the highest `compression_target` that fits. `peer_process.py` loads this file in the peer's own
environment, so it imports nothing of Tersely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tersely_eval.peers.peer_process import Budget

NAME = "litellm"
MODEL = ""
INSTALL = (("litellm", "tiktoken"),)
METHODS = {"litellm-1.110.2/compress": ("bm25", "")}


def load(model: str, dtype: str, device: str) -> Callable[[list[str], str, Budget, str], str]:
    """What it puts in place of a message, a hint at a tool that fetches it, neither counts nor is delivered."""
    import os

    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices when it is imported
    import litellm

    def compress(documents: list[str], question: str, budget: Budget, recipe: str) -> str:
        messages = [{"role": "user", "content": text} for text in (*documents, question)]

        def kept(target: int) -> str:
            result = litellm.compress(messages, model="gpt-4o", compression_trigger=0, compression_target=target)
            *delivered, _ = (message["content"] for message in result["messages"])
            return "\n\n".join(
                text
                for text, document in zip(delivered, documents, strict=True)
                if text == document or document not in result["cache"].values()
            )

        # Its target holds the question, too, and counts with another tokenizer.
        return budget.fullest(kept, 2 * budget.tokens + len(question))

    return compress
