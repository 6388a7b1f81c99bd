"""The methods of LLMLingua (arXiv 2310.05736), LongLLMLingua (2310.06839) and LLMLingua-2 (2403.12968) on words."""

from __future__ import annotations

from tersely.methods.papers.llmlingua import LLMLINGUA
from tersely.methods.papers.llmlingua2 import LLMLINGUA2
from tersely.methods.papers.longllmlingua import LONGLLMLINGUA

__all__ = ["LLMLINGUA", "LLMLINGUA2", "LONGLLMLINGUA"]
