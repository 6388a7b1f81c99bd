"""Tersely compresses what a RAG pipeline sends to its LLM: more of the answer kept per token, never over budget.

This is the public face. `compress` is the one-call form; `Compressor` holds a loaded model for many calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tersely.compressor import Compressor, shared_compressor
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
from tersely.settings import CacheSettings, CompressionSettings, MethodName, Order

__all__ = [
    "DEFAULT_MODEL",
    "CacheSettings",
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
    "shared_compressor",
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
    return shared_compressor(model, tokenizer).compress(
        documents,
        question,
        rate=rate,
        target_tokens=target_tokens,
        method=method,
        order=order,
        protect=protect,
        instruction=instruction,
    )
