"""The budget where metadata counts: the whole context that LlamaIndex makes of the nodes stays within it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from llama_index.core.schema import NodeWithScore
from llama_index.postprocessor.tersely.nodes import compressed_nodes, context_of, document_of, shows_more, text_of

from tersely import CompressionResult, CompressionSettings, Compressor, Document, ProtectedTextError
from tersely.input import repaired_text
from tersely.text.patterns import compiled

logger = logging.getLogger("tersely")


def compress_with_metadata(
    compressor: Compressor, nodes: Sequence[NodeWithScore], question: str | None, settings: CompressionSettings
) -> tuple[CompressionResult, list[NodeWithScore]]:
    """The account and the nodes that are left of `nodes`, whose context is within the budget, metadata included.

    A node whose metadata alone takes the budget is left out; a warning and the account's `skipped` say so.

    Raises:
        TerselyError: as `Compressor.compress`; the numbers are of the whole context.
    """

    def count(text: str) -> int:
        return compressor.tokenizer.count(repaired_text(text))

    documents = [document_of(node.node, with_metadata=True) for node in nodes]
    of_metadata = [count((document.title or "").strip()) for document in documents]
    target = settings.target_tokens or max(1, int((settings.rate or 1) * count(context_of(nodes)) + 1e-9))
    # What Tersely must leave of it: first to the nodes that pass unchanged, then, seldom, to a node's own template
    # or the metadata of an image whose text went.
    unchanged = context_of(node for node in nodes if not text_of(node.node))
    reserved = count(f"{unchanged}\n\n") if unchanged else 0
    while reserved < target:
        left_out = {
            index: _reason(tokens, reserved, target)
            for index, tokens in enumerate(of_metadata)
            if tokens + reserved >= target and not _must_stay(nodes[index], documents[index], settings)
        }
        given = [
            Document(text="", id=document.id) if index in left_out else document
            for index, document in enumerate(documents)
        ]
        settings = settings.overridden(target_tokens=target - reserved)
        try:
            result = compressor.compress(given, question, settings=settings)
        except ProtectedTextError as error:
            raise ProtectedTextError(error.needed + reserved, target) from None
        result = _with_reasons(result, left_out)
        returned = compressed_nodes(nodes, result)
        excess = count(context_of(returned)) - target
        if excess <= 0:
            _warn(nodes, left_out)
            return result, returned
        reserved += excess
    raise ProtectedTextError(reserved + 1, target)


def _must_stay(node: NodeWithScore, document: Document, settings: CompressionSettings) -> bool:
    """Whether a node cannot be left out for its metadata: it passes unchanged, shows an image or has protected text."""
    if not document.text or shows_more(node.node):
        return True
    return any(compiled(pattern).search(document.text) for pattern in settings.protect)


def _reason(tokens: int, reserved: int, target: int) -> str:
    beside = f" ({reserved:,} of them are for what passes unchanged)" if reserved else ""
    return (
        f"its metadata takes {tokens:,} tokens and leaves none for its text in the budget of {target:,}{beside}; raise "
        f"the budget to at least {tokens + reserved + 1:,}, or name long metadata in excluded_llm_metadata_keys"
    )


def _with_reasons(result: CompressionResult, reasons: Mapping[int, str]) -> CompressionResult:
    """The account with the reasons why nodes were left out that compression saw without text."""
    skipped = [
        document.model_copy(update={"reason": reasons.get(document.index, document.reason)})
        for document in result.skipped
    ]
    return result.model_copy(update={"skipped": skipped})


def _warn(nodes: Sequence[NodeWithScore], left_out: Mapping[int, str]) -> None:
    for index, reason in left_out.items():
        logger.warning("node %s is left out: %s", nodes[index].node_id, reason)
