"""The LlamaIndex postprocessor: nodes in, the same nodes shorter out, the caller's own untouched. No settings here."""

from __future__ import annotations

import asyncio
import copy
import subprocess
import sys

import pytest

pytest.importorskip("llama_index.core")

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import (
    Document,
    ImageNode,
    IndexNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.postprocessor.tersely import TerselyPostprocessor

from tersely import InvalidInputError

QUESTION = "When was the mill opened?"
SENTENCES = [
    "The water mill on the river was opened in 1820 by two brothers from the village.",
    "A bakery across the street sold bread and cake to everybody who passed by.",
    "The railway came late and left early, and nobody misses its noise any more.",
    "Every spring the meadow is under water for a week or two and then blooms.",
]


@pytest.fixture
def postprocessor(fake_compressor):
    return TerselyPostprocessor(target_tokens=30, compressor=fake_compressor)


def text_node(number: int) -> NodeWithScore:
    node = TextNode(
        id_=f"n{number}",
        text=SENTENCES[number],
        metadata={"page": number, "nested": {"a": [1]}},
        excluded_llm_metadata_keys=["page"],
        excluded_embed_metadata_keys=["nested"],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="source")},
        embedding=[0.5, 0.25],
        start_char_idx=10,
        end_char_idx=10 + len(SENTENCES[number]),
        metadata_template="{key}={value}",
    )
    return NodeWithScore(node=node, score=0.9 - number / 10)


@pytest.fixture
def nodes() -> list[NodeWithScore]:
    return [text_node(number) for number in range(4)]


def test_it_is_a_llama_index_postprocessor(postprocessor) -> None:
    assert isinstance(postprocessor, BaseNodePostprocessor)
    assert TerselyPostprocessor.class_name() == "TerselyPostprocessor"


def test_nodes_come_back_as_themselves_only_shorter(postprocessor, nodes) -> None:
    returned = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert returned
    originals = {node.node_id: node for node in nodes}
    for compressed in returned:
        original = originals[compressed.node_id]
        assert compressed.score == original.score
        assert type(compressed.node) is TextNode
        for name in ("relationships", "embedding", "start_char_idx", "end_char_idx", "metadata_template"):
            assert getattr(compressed.node, name) == getattr(original.node, name)
        account = compressed.metadata["tersely"]
        assert compressed.metadata == {**original.metadata, "tersely": account}
        assert compressed.text == "".join(original.text[start:end] for start, end in account["kept"])
        assert account["compressed_tokens"] <= account["original_tokens"]
        assert isinstance(account["relevance"], float)
    assert sum(len(node.text) for node in returned) < sum(len(node.text) for node in nodes)


@pytest.mark.parametrize("wrong", ["The mill.", TextNode(text="The mill.")])
def test_what_is_no_node_with_a_score_is_named(postprocessor, nodes, wrong) -> None:
    with pytest.raises(InvalidInputError, match=r"nodes\[4\] must be a NodeWithScore, got (str|TextNode) "):
        postprocessor.postprocess_nodes([*nodes, wrong], query_str=QUESTION)


def test_texts_to_embed_are_not_the_question_and_that_is_said(fake_compressor, nodes, caplog) -> None:
    caplog.set_level("DEBUG", logger="tersely")
    results = []
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    for bundle in (
        QueryBundle(QUESTION),
        QueryBundle(QUESTION, custom_embedding_strs=[QUESTION]),
        QueryBundle(QUESTION, custom_embedding_strs=["The mill was opened in 1820.", QUESTION]),
        QueryBundle("", custom_embedding_strs=["The mill was opened in 1820."]),
    ):
        postprocessor.postprocess_nodes(nodes, query_bundle=bundle)
    assert [result.question for result in results] == [QUESTION] * 3 + [None]
    said = [record for record in caplog.records if "custom_embedding_strs" in record.message]
    assert [record.levelname for record in said] == ["DEBUG", "WARNING"]
    assert said[1].message.endswith("query_str is empty: what is kept is chosen without a question; give a query_str")


def test_nodes_of_which_nothing_is_kept_are_left_out(fake_compressor, nodes) -> None:
    postprocessor = TerselyPostprocessor(target_tokens=20, compressor=fake_compressor)
    returned = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert 0 < len(returned) < 4
    assert all(node.text for node in returned)


def test_the_account_is_hidden_from_llm_and_embedding(postprocessor, nodes) -> None:
    compressed = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)[0].node
    assert compressed.excluded_llm_metadata_keys == ["page", "tersely"]
    assert compressed.excluded_embed_metadata_keys == ["nested", "tersely"]
    assert "tersely" not in compressed.get_content(MetadataMode.LLM)
    assert "tersely" not in compressed.get_content(MetadataMode.EMBED)


def test_the_callers_nodes_are_untouched(postprocessor, nodes) -> None:
    before = copy.deepcopy([node.to_dict() for node in nodes])
    for compressed in postprocessor.postprocess_nodes(nodes, query_str=QUESTION):
        compressed.node.metadata["mine"] = 1
        compressed.node.relationships.clear()
        compressed.node.excluded_llm_metadata_keys.append("mine")
    assert [node.to_dict() for node in nodes] == before


def test_the_budget_holds_for_the_joined_texts(fake_compressor, nodes) -> None:
    for target in (5, 30, 60):
        postprocessor = TerselyPostprocessor(target_tokens=target, compressor=fake_compressor)
        returned = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
        assert fake_compressor.tokenizer.count("\n\n".join(node.text for node in returned)) <= target


def test_order_is_that_of_the_context(fake_compressor, nodes) -> None:
    for order, sign in (("original", 0), ("best_first", 1)):
        results = []
        postprocessor = TerselyPostprocessor(
            rate=0.9, order=order, compressor=fake_compressor, on_result=results.append
        )
        returned = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
        assert "\n\n".join(node.text for node in returned) == results[0].context
        keys = [-node.metadata["tersely"]["relevance"] if sign else node.metadata["page"] for node in returned]
        assert keys == sorted(keys)


def test_protected_words_survive(fake_compressor, nodes) -> None:
    postprocessor = TerselyPostprocessor(target_tokens=20, protect=[r"in \d+"], compressor=fake_compressor)
    returned = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert any("in 1820" in node.text for node in returned)


def test_nodes_without_text_pass_in_their_places(fake_compressor, nodes) -> None:
    image = NodeWithScore(node=ImageNode(image_url="http://example.org/a.png"), score=0.5)
    index = NodeWithScore(node=IndexNode(text="a query engine of its own", index_id="i"), score=0.4)
    blank = NodeWithScore(node=TextNode(text=" \n"), score=None)
    texts = [NodeWithScore(node=TextNode(text=" ".join(SENTENCES[start : start + 2]))) for start in (0, 2)]
    given = [image, texts[0], index, texts[1], blank]
    postprocessor = TerselyPostprocessor(rate=0.8, order="original", compressor=fake_compressor)
    returned = postprocessor.postprocess_nodes(given, query_str=QUESTION)
    assert [node.node_id for node in returned] == [node.node_id for node in given]
    assert returned[0] is image and returned[2] is index and returned[4] is blank


def test_nothing_but_nodes_without_text(postprocessor) -> None:
    images = [NodeWithScore(node=ImageNode(image_url="http://example.org/a.png"))]
    returned = postprocessor.postprocess_nodes(images, query_str=QUESTION)
    assert returned == images and returned is not images


def test_an_image_stays_even_where_its_text_does_not(fake_compressor, nodes) -> None:
    image = ImageNode(id_="image", text=SENTENCES[2], image_url="http://example.org/a.png")
    picture = Node(
        id_="picture",
        text_resource=MediaResource(text=SENTENCES[3], mimetype="text/markdown"),
        image_resource=MediaResource(url="http://example.org/b.png"),
    )
    given = [*nodes[:2], NodeWithScore(node=image), NodeWithScore(node=picture)]
    postprocessor = TerselyPostprocessor(target_tokens=2, compressor=fake_compressor)
    returned = {node.node_id: node.node for node in postprocessor.postprocess_nodes(given, query_str=QUESTION)}
    assert {"image", "picture"} <= returned.keys()
    assert returned["image"].image_url == image.image_url and len(returned["image"].text) < len(SENTENCES[2])
    assert returned["picture"].image_resource == picture.image_resource
    assert returned["picture"].text_resource.mimetype == "text/markdown"
    assert len(picture.text_resource.text) == len(SENTENCES[3])


def test_documents_and_nodes_keep_their_types(fake_compressor) -> None:
    texts = [" ".join(SENTENCES[:2]), " ".join(SENTENCES[2:])]
    given = [
        NodeWithScore(node=Document(id_="d", text=texts[0])),
        NodeWithScore(node=Node(id_="n", text_resource=MediaResource(text=texts[1]))),
    ]
    postprocessor = TerselyPostprocessor(rate=0.8, order="original", compressor=fake_compressor)
    returned = postprocessor.postprocess_nodes(given, query_str=QUESTION)
    assert [type(node.node) for node in returned] == [Document, Node]
    assert [node.get_content() for node in returned] != texts == [node.get_content() for node in given]


class Found(NodeWithScore):
    found_by: str


def test_what_holds_a_node_keeps_its_type_and_fields(postprocessor) -> None:
    found = Found(node=TextNode(id_="n", text=" ".join(SENTENCES)), score=0.5, found_by="words")
    (returned,) = postprocessor.postprocess_nodes([found], query_str=QUESTION)
    assert type(returned) is Found and (returned.found_by, returned.score) == ("words", 0.5)
    assert len(returned.text) < len(found.text) == len(" ".join(SENTENCES))


def test_no_nodes(postprocessor) -> None:
    assert postprocessor.postprocess_nodes([]) == []
    assert asyncio.run(postprocessor.apostprocess_nodes([])) == []


@pytest.mark.parametrize("query", [None, QueryBundle(""), QueryBundle("  ")])
def test_without_a_question_the_method_is_salience(fake_compressor, nodes, query) -> None:
    results = []
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    assert postprocessor.postprocess_nodes(nodes, query)
    assert results[0].method == "salience" and results[0].question is None


def test_async_gives_the_same(postprocessor, nodes) -> None:
    expected = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    returned = asyncio.run(postprocessor.apostprocess_nodes(nodes, query_str=QUESTION))
    assert [node.to_dict() for node in returned] == [node.to_dict() for node in expected]


def test_without_llama_index_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['llama_index.core'] = None; import llama_index.postprocessor.tersely"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ImportError: TerselyPostprocessor needs llama-index-core" in done.stderr
    assert "pip install 'tersely[llama-index]'" in done.stderr


@pytest.mark.model
def test_in_a_query_engine_with_the_embedded_model(real_compressor, hotpot) -> None:
    from llama_index.core import get_response_synthesizer
    from llama_index.core.llms import MockLLM
    from llama_index.core.query_engine import RetrieverQueryEngine
    from llama_index.retrievers.bm25 import BM25Retriever

    example = hotpot[0]
    nodes = [
        TextNode(text=document["text"], metadata={"title": document["title"]}) for document in example["documents"]
    ]
    engine = RetrieverQueryEngine(
        BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=5),
        node_postprocessors=[TerselyPostprocessor(rate=0.5, compressor=real_compressor)],
        response_synthesizer=get_response_synthesizer(llm=MockLLM()),
    )
    response = engine.query(example["question"])
    assert 0 < len(response.source_nodes) <= 5
    assert sum(len(node.text) for node in response.source_nodes) < sum(len(node.text) for node in nodes) / 2
    assert all(node.text in str(response) for node in response.source_nodes)
