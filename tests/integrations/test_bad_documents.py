"""One bad document among good ones, in every framework: the good are compressed, and what was repaired says so."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when haystack is imported
pytest.importorskip("llama_index.core")
pytest.importorskip("langchain_core")
pytest.importorskip("haystack")

import haystack
from haystack_integrations.components.rankers.tersely import TerselyRanker
from langchain_core.documents import Document
from langchain_tersely import TerselyCompressor
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.tersely import TerselyPostprocessor

from tersely import InvalidInputError

TEXTS = [f"The mill number {number} was opened in 18{number}0. It rains there." for number in range(1, 10)]
BROKEN = "Umsatz \udbc0 12 Mio. and \0 more."
REASON = r"2 characters of the text that are no text became U+FFFD, first a lone surrogate '\udbc0' at 7"

# From an id to a text and its metadata.
Returned = dict[str, tuple[str, dict]]


def llama_index(texts: dict[str, str], **settings) -> Returned:
    nodes = [NodeWithScore(node=TextNode(id_=name, text=text), score=0.5) for name, text in texts.items()]
    returned = TerselyPostprocessor(**settings).postprocess_nodes(nodes, query_str="When was it opened?")
    return {node.node_id: (node.text, node.metadata) for node in returned}


def llama_index_with_metadata(texts: dict[str, str], **settings) -> Returned:
    return llama_index(texts, count_metadata=True, **settings)


def langchain(texts: dict[str, str], **settings) -> Returned:
    documents = [Document(id=name, page_content=text) for name, text in texts.items()]
    returned = TerselyCompressor(**settings).compress_documents(documents, "When was it opened?")
    return {document.id: (document.page_content, document.metadata) for document in returned}


def in_haystack(texts: dict[str, str], **settings) -> Returned:
    documents = [haystack.Document(id=name, content=text) for name, text in texts.items()]
    returned = TerselyRanker(**settings).run("When was it opened?", documents)["documents"]
    return {document.id: (document.content, document.meta) for document in returned}


@pytest.mark.parametrize("compress", [llama_index, llama_index_with_metadata, langchain, in_haystack])
def test_one_bad_text_of_ten_is_repaired_and_says_so(fake_model, caplog, compress: Callable[..., Returned]) -> None:
    texts = {**{str(number): text for number, text in enumerate(TEXTS)}, "broken": BROKEN}
    returned = compress(texts, rate=1.0)
    assert returned.keys() == texts.keys()
    text, metadata = returned.pop("broken")
    assert text == "Umsatz \ufffd 12 Mio. and \ufffd more."
    assert metadata["tersely"]["repaired"] == REASON
    for name, (text, metadata) in returned.items():
        assert text == texts[name] and "repaired" not in metadata["tersely"]
    assert [message for message in caplog.messages if "became" in message] == [
        f"documents[9] (broken) is repaired: {REASON}"
    ]
    with pytest.raises(InvalidInputError, match=r"documents\[9\] has a NUL byte"):
        compress(texts, rate=1.0, strict=True)
