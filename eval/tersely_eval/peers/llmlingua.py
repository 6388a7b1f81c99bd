"""LLMLingua and LongLLMLingua by the package llmlingua 0.2.2, called as the reference's README calls them.

`peer_process.py` loads this file in the peer's own environment, so it imports nothing of Tersely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tersely_eval.peers.peer_process import Budget

NAME = "llmlingua"
MODEL = "causal"
INSTALL = (("torch",), ("llmlingua", "transformers"))
METHODS = {
    "llmlingua-0.2.2/llmlingua/float32": ("llmlingua", "float32"),
    "llmlingua-0.2.2/llmlingua/bfloat16": ("llmlingua", "bfloat16"),
    "llmlingua-0.2.2/longllmlingua/float32": ("longllmlingua", "float32"),
    "llmlingua-0.2.2/longllmlingua/bfloat16": ("longllmlingua", "bfloat16"),
}


def load(model: str, dtype: str, device: str) -> Callable[[list[str], str, Budget, str], str]:
    """The budget is given as it is, though the reference counts it with the tokenizer of its small model."""
    import torch
    from llmlingua import PromptCompressor

    compressor = PromptCompressor(
        model, device_map=device, model_config={"torch_dtype": getattr(torch, dtype), "trust_remote_code": False}
    )
    with_question = {
        "rank_method": "longllmlingua",
        "condition_in_question": "after_condition",
        "condition_compare": True,
        "reorder_context": "sort",
        "dynamic_context_compression_ratio": 0.3,
        "context_budget": "+100",
    }

    def compress(documents: list[str], question: str, budget: Budget, recipe: str) -> str:
        options = {"llmlingua": {}, "longllmlingua": {"question": question, **with_question}}[recipe]
        result = compressor.compress_prompt(
            documents, instruction="", target_token=budget.tokens, concate_question=False, **options
        )
        return str(result["compressed_prompt"])

    return compress
