"""Tersely compresses what a RAG pipeline sends to its LLM: more of the answer kept per token, never over budget.

This is the public face. `compress` is the one-call form; `Compressor` holds a loaded model for many calls. The pipeline
is imported when it is first asked for, so that a program starts fast that only might compress.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tersely.documents import Document, Span
from tersely.errors import InvalidInputError, ModelError, ProtectedTextError, TerselyError, TokenizerError
from tersely.outcomes import CompressedDocument, RepairedDocument, SkippedDocument
from tersely.recovery import RecoveredAnswer, RecoveredPhrase
from tersely.result import CompressionResult
from tersely.scoring.models import DEFAULT_MODEL
from tersely.settings import CacheSettings, CompressionSettings, MethodName, Order
from tersely.version import __version__

if TYPE_CHECKING:
    from tersely.compressor import Compressor, shared_compressor

__all__ = [
    "DEFAULT_MODEL",
    "CacheSettings",
    "CompressedDocument",
    "CompressionResult",
    "CompressionSettings",
    "Compressor",
    "Document",
    "InvalidInputError",
    "MethodName",
    "ModelError",
    "Order",
    "ProtectedTextError",
    "RecoveredAnswer",
    "RecoveredPhrase",
    "RepairedDocument",
    "SkippedDocument",
    "Span",
    "TerselyError",
    "TokenizerError",
    "__version__",
    "compress",
    "shared_compressor",
]


def __getattr__(name: str) -> Any:
    if name in ("Compressor", "shared_compressor"):
        from tersely import compressor

        return getattr(compressor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    from tersely.compressor import shared_compressor

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
