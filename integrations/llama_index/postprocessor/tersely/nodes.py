"""LlamaIndex nodes -> Tersely's documents, and back, node by node. No compression and no budget here.

The caller's nodes are never changed. Each compressed node is a copy with the same type, id, metadata, relationships and
score; only its text is shorter, and one metadata key, hidden from LLM and embedding, says what was kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from llama_index.core.schema import BaseNode, ImageNode, IndexNode, MetadataMode, Node, NodeWithScore, TextNode

from tersely import CompressedDocument, CompressionResult, Document, InvalidInputError
from tersely.input import shortened

METADATA_KEY = "tersely"


def document_of(node: BaseNode, with_metadata: bool = False) -> Document:
    """A node as a document: empty where there is nothing to compress, so that Tersely skips it.

    Args:
        node: any node.
        with_metadata: what LlamaIndex writes around the text becomes the document's title, which stays with whatever
            is kept of the text and is counted. As LlamaIndex lays it out, a blank line stands after it.
    """
    around = _with_text(node, "").get_content(MetadataMode.LLM) if with_metadata else ""
    return Document(text=text_of(node), title=f"{around}\n" if around else None, id=node.node_id)


def have_text(nodes: Sequence[NodeWithScore]) -> bool:
    """Whether there is anything to compress.

    Raises:
        InvalidInputError: an entry is no node with a score.
    """
    for index, node in enumerate(nodes):
        if not isinstance(node, NodeWithScore):
            raise InvalidInputError(
                f"nodes[{index}] must be a NodeWithScore, got {shortened(node)}; make it "
                f"NodeWithScore(node=TextNode(text=...))"
            )
    return any(text_of(node.node) for node in nodes)


def text_of(node: BaseNode) -> str:
    """The node's own text, without metadata; empty for index nodes, whose text only points to something else."""
    if isinstance(node, (TextNode, Node)) and not isinstance(node, IndexNode):
        text = node.get_content()
        return text if text.strip() else ""
    return ""


def context_of(nodes: Iterable[NodeWithScore]) -> str:
    """The context that LlamaIndex makes of nodes for the LLM, metadata included."""
    texts = (node.get_content(MetadataMode.LLM).strip() for node in nodes)
    return "\n\n".join(text for text in texts if text)


def compressed_nodes(nodes: Sequence[NodeWithScore], result: CompressionResult) -> list[NodeWithScore]:
    """The nodes with what was kept of them, in the order of the context, and what passes unchanged between them."""
    left = result.left(stays=lambda document: shows_more(nodes[document.index].node))
    return [
        _compressed(nodes[entry.index], result.account_of(entry), entry.text)
        if isinstance(entry, CompressedDocument)
        else nodes[entry.index]
        for entry in left
    ]


def shows_more(node: BaseNode) -> bool:
    """Whether a node has an image, sound or film beside its text: it stays even if none of its text does."""
    if isinstance(node, ImageNode):
        return True
    return isinstance(node, Node) and any((node.image_resource, node.audio_resource, node.video_resource))


def _compressed(node: NodeWithScore, account: dict[str, Any], text: str) -> NodeWithScore:
    """A copy of the node with the compressed text and the account of it."""
    original = node.node
    changes: dict[str, Any] = {
        "metadata": {**original.metadata, METADATA_KEY: account},
        "excluded_llm_metadata_keys": _with_key(original.excluded_llm_metadata_keys),
        "excluded_embed_metadata_keys": _with_key(original.excluded_embed_metadata_keys),
        "relationships": dict(original.relationships),
    }
    return node.model_copy(update={"node": _with_text(original, text, changes)})


def _with_text(node: BaseNode, text: str, changes: dict[str, Any] | None = None) -> BaseNode:
    """A copy of the node with another text and those changes."""
    update = dict(changes or {})
    if isinstance(node, TextNode):
        update["text"] = text
    elif isinstance(node, Node) and node.text_resource is not None:
        update["text_resource"] = node.text_resource.model_copy(update={"text": text})
    return node.model_copy(update=update)


def _with_key(keys: Sequence[str]) -> list[str]:
    return [*keys, *([] if METADATA_KEY in keys else [METADATA_KEY])]
