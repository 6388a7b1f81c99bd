"""The LlamaIndex postprocessor where metadata counts: what becomes of a node whose metadata alone takes the budget."""

from __future__ import annotations

import pytest

pytest.importorskip("llama_index.core")

from llama_index.core.schema import MediaResource, MetadataMode, Node, NodeWithScore, TextNode
from llama_index.postprocessor.tersely import TerselyPostprocessor

from tersely import ProtectedTextError

QUESTION = "When was the mill opened?"
TEXTS = [
    "The water mill on the river was opened in 1820 by two brothers. It closed a hundred years later.",
    "A bakery across the street sold bread and cake. Everybody who passed by bought some.",
    "The railway came late and left early. Nobody misses its noise any more.",
]


def text_nodes() -> list[TextNode]:
    return [TextNode(id_=text[:9], text=text, metadata={"page": 1}) for text in TEXTS]


def test_a_node_whose_metadata_is_too_long_is_left_out_with_the_numbers(fake_compressor, caplog) -> None:
    heavy, *light = text_nodes()
    heavy.metadata = {"abstract": "lorem ipsum dolor " * 500}
    results = []
    postprocessor = TerselyPostprocessor(
        target_tokens=100, count_metadata=True, compressor=fake_compressor, on_result=results.append
    )
    for nodes in ([heavy], [heavy, *light]):
        caplog.clear()
        given = [NodeWithScore(node=node) for node in nodes]
        returned = postprocessor.postprocess_nodes(given, query_str=QUESTION)
        assert heavy.node_id not in [node.node_id for node in returned] and bool(returned) == (len(nodes) > 1)
        (skipped,) = results[-1].skipped
        needed = fake_compressor.tokenizer.count(heavy.get_metadata_str(MetadataMode.LLM).strip())
        assert (skipped.index, skipped.id) == (0, heavy.node_id) and needed > 1500
        assert f"takes {needed:,} tokens and leaves none for its text in the budget of 100;" in skipped.reason
        assert f"at least {needed + 1:,}, or name long metadata in excluded_llm_metadata_keys" in skipped.reason
        assert [message for message in caplog.messages if message.startswith("node ")] == [
            f"node {heavy.node_id} is left out: {skipped.reason}"
        ]
    postprocessor.target_tokens = needed + 100
    assert postprocessor.postprocess_nodes([NodeWithScore(node=heavy)], query_str=QUESTION)
    heavy.excluded_llm_metadata_keys = ["abstract"]
    postprocessor.target_tokens = 100
    assert postprocessor.postprocess_nodes([NodeWithScore(node=heavy)], query_str=QUESTION)


def test_protected_text_and_images_are_not_left_out_for_their_metadata(fake_compressor) -> None:
    metadata = {"abstract": "lorem ipsum dolor " * 100}
    picture = Node(
        text_resource=MediaResource(text=TEXTS[2]),
        image_resource=MediaResource(url="http://example.org/b.png"),
        metadata=metadata,
    )
    for node in (picture, TextNode(text=TEXTS[0], metadata=metadata)):
        postprocessor = TerselyPostprocessor(
            target_tokens=100, count_metadata=True, protect=["water mill"], compressor=fake_compressor
        )
        with pytest.raises(ProtectedTextError, match="than the budget of 100"):
            postprocessor.postprocess_nodes([NodeWithScore(node=node)], query_str=QUESTION)
