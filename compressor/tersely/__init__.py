"""Tersely compresses what a RAG pipeline sends to its LLM: more of the answer kept per token, never over budget.

This is the public face. `compress` is the one-call form; `Compressor` holds a loaded model for many calls.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tersely.compressor import Compressor
from tersely.documents import (
    CompressedDocument,
    CompressionResult,
    Document,
    RecoveredAnswer,
    RecoveredPhrase,
    SkippedDocument,
    Span,
)
from tersely.errors import InvalidInputError, ModelError, ProtectedTextError, TerselyError, TokenizerError
from tersely.scoring.models import DEFAULT_MODEL
from tersely.settings import CompressionSettings, MethodName, Order

__all__ = [
    "CompressedDocument",
    "CompressionResult",
    "CompressionSettings",
    "Compressor",
    "Document",
    "InvalidInputError",
    "ModelError",
    "ProtectedTextError",
    "RecoveredAnswer",
    "RecoveredPhrase",
    "SkippedDocument",
    "Span",
    "TerselyError",
    "TokenizerError",
    "compress",
]

__version__ = "0.1.0"


def compress(
    documents: Sequence[str | Document | Mapping[str, Any]],
    question: str | None = None,
    *,
    rate: float | None = None,
    target_tokens: int | None = None,
    method: MethodName | None = None,
    order: Order | None = None,
    protect: Sequence[str] | None = None,
    instruction: str | None = None,
    model: str = DEFAULT_MODEL,
    tokenizer: Any = None,
) -> CompressionResult:
    """Compress documents to a budget: `Compressor.compress` with a compressor that is made once and kept.

    Args:
        documents, question, rate, target_tokens, method, order, protect, instruction: as in `Compressor.compress`.
        model, tokenizer: as in `Compressor`.

    Raises:
        TerselyError: one of its children; the message says what was wrong and what to do.
    """
    with _loading:  # two first calls at once must not load the model twice
        named = tokenizer is None or isinstance(tokenizer, str)
        compressor = _compressor(str(model), tokenizer if named else None)
    if not named:  # an object need not be hashable, and may be made anew for each call
        compressor = Compressor(compressor.scorer, tokenizer=tokenizer)
    return compressor.compress(
        documents,
        question,
        rate=rate,
        target_tokens=target_tokens,
        method=method,
        order=order,
        protect=protect,
        instruction=instruction,
    )


_loading = threading.Lock()


@lru_cache(maxsize=4)
def _compressor(model: str, tokenizer: str | None) -> Compressor:
    return Compressor(model, tokenizer=tokenizer)
