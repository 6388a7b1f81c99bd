"""The methods of LLMLingua (arXiv 2310.05736) and LongLLMLingua (arXiv 2310.06839), with whole words."""

from __future__ import annotations

from tersely.methods.papers.llmlingua import LLMLINGUA
from tersely.methods.papers.longllmlingua import LONGLLMLINGUA

__all__ = ["LLMLINGUA", "LONGLLMLINGUA"]
