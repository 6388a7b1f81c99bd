"""The text compressors of headroom-ai: TextCrusher, and Kompress, whose weights cannot be had offline.

The budget is met by the highest `target_ratio` that fits; what is still too long is cut at its end. `peer_process.py`
loads this file in the peer's own environment, so it imports nothing of Tersely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tersely_eval.peers.peer_process import Budget

NAME = "headroom"
MODEL = ""
INSTALL = (("headroom-ai", "tiktoken"),)
METHODS = {"headroom-0.42.0/text-crusher": ("text-crusher", ""), "headroom-0.42.0/kompress": ("kompress", "")}

_STEPS = 1000  # of the ratio


def load(model: str, dtype: str, device: str) -> Callable[[list[str], str, Budget, str], str]:
    """The documents are one text, as TextCrusher takes them, and the question is its context."""
    from headroom.transforms.text_crusher import TextCrusher

    crusher = TextCrusher()

    def compress(documents: list[str], question: str, budget: Budget, recipe: str) -> str:
        if recipe == "kompress":
            raise RuntimeError("its weights, chopratejas/kompress-v2-base, are only on the Hugging Face hub")
        text = "\n\n".join(documents)
        return budget.fullest(lambda step: str(crusher.compress(text, question, step / _STEPS).compressed), _STEPS + 1)

    return compress
