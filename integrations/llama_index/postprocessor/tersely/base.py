"""LlamaIndex nodes -> Tersely's documents, and back, node by node. All compression is Tersely's own.

The caller's nodes are never changed. Each compressed node is a copy with the same type, id, metadata, relationships and
score; only its text is shorter, and one metadata key, hidden from LLM and embedding, says what was kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, ImageNode, IndexNode, Node, NodeWithScore, QueryBundle, TextNode

from tersely import (
    DEFAULT_MODEL,
    CompressedDocument,
    CompressionResult,
    CompressionSettings,
    Compressor,
    Document,
    InvalidInputError,
    shared_compressor,
)

METADATA_KEY = "tersely"


class TerselyPostprocessor(BaseNodePostprocessor):
    """Compresses retrieved nodes to a token budget.

    Nodes of which nothing is kept are left out. Nodes without text, and index nodes, pass unchanged. The budget covers
    the nodes' texts; what LlamaIndex adds to them (metadata, the prompt's own words) is outside it.

    Args:
        rate: compressed / original tokens, in (0, 1]. Give this or `target_tokens`.
        target_tokens: the budget in tokens.
        method, order, protect: as in `tersely.CompressionSettings`.
        model: scores the text: the embedded default's name, a folder, a `.gguf` file or a Hub id. Loaded at first use.
        tokenizer: the name of the tokenizer that counts the budget.
        compressor: an existing compressor, instead of `model` and `tokenizer`; its settings hold where none are given.
        on_result: called with the full account of every compression, for logging or `CompressionResult.recover`.

    Raises:
        InvalidInputError: no budget or two, or a value out of range; the message names it.
    """

    rate: float | None = Field(default=None, description="Compressed / original tokens, in (0, 1].")
    target_tokens: int | None = Field(default=None, description="The budget in tokens, instead of a rate.")
    method: str | None = Field(default=None, description="How to choose what is kept.")
    order: str | None = Field(default=None, description="Order of the nodes that are returned.")
    protect: list[str] = Field(default_factory=list, description="Patterns whose matches survive byte for byte.")
    model: str = Field(default=DEFAULT_MODEL, description="The model that scores the text.")
    tokenizer: str | None = Field(default=None, description="The tokenizer that counts the budget.")
    on_result: Callable[[CompressionResult], Any] | None = Field(default=None, exclude=True)

    _defaults: CompressionSettings = PrivateAttr()
    _compressor: Compressor | None = PrivateAttr(default=None)

    def __init__(
        self,
        rate: float | None = None,
        target_tokens: int | None = None,
        method: str | None = None,
        order: str | None = None,
        protect: Sequence[str] | None = None,
        model: str | None = None,
        tokenizer: str | None = None,
        compressor: Compressor | None = None,
        on_result: Callable[[CompressionResult], Any] | None = None,
        **base: Any,
    ) -> None:
        unknown = ", ".join(sorted(set(base) - set(BaseNodePostprocessor.model_fields) - {"class_name"}))
        if unknown:
            raise InvalidInputError(f"{unknown}: no such setting; there are {', '.join(type(self).model_fields)}")
        if compressor is not None and (model is not None or tokenizer is not None):
            raise InvalidInputError("compressor excludes model and tokenizer: it has its own")
        defaults = compressor.settings if compressor else CompressionSettings()
        settings = defaults.overridden(
            rate=rate, target_tokens=target_tokens, method=method, order=order, protect=protect
        )
        if settings.rate is None and settings.target_tokens is None:
            raise InvalidInputError("no budget: give rate (such as 0.25) or target_tokens (such as 500)")
        super().__init__(
            rate=settings.rate,
            target_tokens=settings.target_tokens,
            method=settings.method,
            order=settings.order,
            protect=list(settings.protect),
            model=compressor.scorer.name if compressor else model or DEFAULT_MODEL,
            tokenizer=compressor.tokenizer.name if compressor else tokenizer,
            on_result=on_result,
            **base,
        )
        self._defaults = defaults
        self._compressor = compressor

    @classmethod
    def class_name(cls) -> str:
        return "TerselyPostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        documents = _documents(nodes)
        if not any(document.text for document in documents):
            return list(nodes)
        result = self._loaded().compress(documents, _question(query_bundle), settings=self._settings())
        return self._returned(nodes, result)

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        documents = _documents(nodes)
        if not any(document.text for document in documents):
            return list(nodes)
        compressor = await asyncio.to_thread(self._loaded)
        result = await compressor.acompress(documents, _question(query_bundle), settings=self._settings())
        return self._returned(nodes, result)

    def _settings(self) -> CompressionSettings:
        """As the fields say now: they can be set after construction."""
        return self._defaults.overridden(
            rate=self.rate,
            target_tokens=self.target_tokens,
            method=self.method,
            order=self.order,
            protect=self.protect,
        )

    def _loaded(self) -> Compressor:
        return self._compressor or shared_compressor(self.model, self.tokenizer)

    def _returned(self, nodes: Sequence[NodeWithScore], result: CompressionResult) -> list[NodeWithScore]:
        """The compressed nodes in the order of the context, and what passes unchanged between them.

        A node that passes stands after as many nodes as are left of those that stood before it.
        """
        if self.on_result is not None:
            self.on_result(result)
        left = [document for document in result.documents if document.kept or _shows_more(nodes[document.index].node)]
        returned = [_compressed(nodes[document.index], document) for document in left]
        for number, skipped in enumerate(result.skipped):
            before = sum(document.index < skipped.index for document in left)
            returned.insert(before + number, nodes[skipped.index])
        return returned


def _documents(nodes: Sequence[NodeWithScore]) -> list[Document]:
    """One document a node, in the same places; empty where there is no text to compress, so that Tersely skips it."""
    return [Document(text=_text(node.node), id=node.node.node_id) for node in nodes]


def _text(node: BaseNode) -> str:
    """The node's own text, without metadata; empty for index nodes, whose text only points to something else."""
    if isinstance(node, (TextNode, Node)) and not isinstance(node, IndexNode):
        text = node.get_content()
        return text if text.strip() else ""
    return ""


def _shows_more(node: BaseNode) -> bool:
    """Whether a node has an image, sound or film beside its text: it stays even if none of its text does."""
    if isinstance(node, ImageNode):
        return True
    return isinstance(node, Node) and any((node.image_resource, node.audio_resource, node.video_resource))


def _question(query_bundle: QueryBundle | None) -> str | None:
    question = query_bundle.query_str if query_bundle else ""
    return question if question.strip() else None


def _compressed(node: NodeWithScore, document: CompressedDocument) -> NodeWithScore:
    """A copy of the node with the compressed text and the account of it."""
    original = node.node
    account = {
        "kept": [list(span) for span in document.kept],
        "original_tokens": document.original_tokens,
        "compressed_tokens": document.compressed_tokens,
        "relevance": document.relevance,
    }
    changes: dict[str, Any] = {
        "metadata": {**original.metadata, METADATA_KEY: account},
        "excluded_llm_metadata_keys": _with_key(original.excluded_llm_metadata_keys),
        "excluded_embed_metadata_keys": _with_key(original.excluded_embed_metadata_keys),
        "relationships": dict(original.relationships),
    }
    if isinstance(original, TextNode):
        changes["text"] = document.text
    elif isinstance(original, Node) and original.text_resource is not None:
        changes["text_resource"] = original.text_resource.model_copy(update={"text": document.text})
    return NodeWithScore(node=original.model_copy(update=changes), score=node.score)


def _with_key(keys: Sequence[str]) -> list[str]:
    return [*keys, *([] if METADATA_KEY in keys else [METADATA_KEY])]
