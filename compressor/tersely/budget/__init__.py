"""How a budget is counted, spent and met exactly. Runs no model."""

from __future__ import annotations

from tersely.budget.counting import TokenCounter, token_counter
from tersely.budget.fit import fit
from tersely.budget.pieces import Piece
from tersely.budget.rendering import DOCUMENT_SEPARATOR, kept_spans, render_context, render_prompt, with_title
from tersely.budget.shares import target_from_rate

__all__ = [
    "DOCUMENT_SEPARATOR",
    "Piece",
    "TokenCounter",
    "fit",
    "kept_spans",
    "render_context",
    "render_prompt",
    "target_from_rate",
    "token_counter",
    "with_title",
]
