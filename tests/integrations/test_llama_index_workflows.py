"""The postprocessor in workflows, beside other postprocessors, and with metadata counted."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from llama_index.core import get_response_synthesizer
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.chat_engine import ContextChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.postprocessor import (
    LongContextReorder,
    MetadataReplacementPostProcessor,
    SimilarityPostprocessor,
)
from llama_index.core.schema import ImageNode, IndexNode, MediaResource, Node, NodeWithScore, QueryBundle
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from llama_index.postprocessor.tersely import TerselyPostprocessor
from llama_index_texts import (
    CONTEXT,
    QUESTION,
    TEXTS,
    RecordingLLM,
    bm25,
    half,
    llm,
    query_engine,
    retriever,
    same_as_read,
    text_nodes,
    vectors,
)

from tersely import InvalidInputError, ProtectedTextError, TerselyError

# No sentence with the metadata of its node, in any template, has more tokens: less of a budget than this may be unused.
LARGEST = 45


def context_in(prompt: str) -> str:
    return re.search(r"<context>(.*)</context>", prompt, re.S)[1]


class Retrieved(Event):
    nodes: list[NodeWithScore]


class Compressed(Event):
    nodes: list[NodeWithScore]


class RagWorkflow(Workflow):
    """Retrieve, compress, answer: a step each."""

    def __init__(self, retriever, postprocessor, llm, **options: Any) -> None:
        super().__init__(**options)
        self.retriever, self.postprocessor = retriever, postprocessor
        self.synthesizer = get_response_synthesizer(llm=llm, text_qa_template=CONTEXT)

    @step
    async def retrieve(self, context: Context, event: StartEvent) -> Retrieved:
        await context.store.set("question", event.question)
        return Retrieved(nodes=await self.retriever.aretrieve(event.question))

    @step
    async def compress(self, context: Context, event: Retrieved) -> Compressed:
        question = await context.store.get("question")
        return Compressed(nodes=await self.postprocessor.apostprocess_nodes(event.nodes, query_str=question))

    @step
    async def answer(self, context: Context, event: Compressed) -> StopEvent:
        question = await context.store.get("question")
        return StopEvent(result=await self.synthesizer.asynthesize(question, event.nodes))


def test_a_workflow(retriever, half, llm) -> None:
    async def run() -> Any:
        return await RagWorkflow(retriever, half, llm, timeout=60).run(question=QUESTION)

    response = asyncio.run(run())
    assert str(response) == llm.answer
    assert same_as_read(response.source_nodes, llm.prompts[0])


@pytest.mark.parametrize(
    "first",
    [
        SimilarityPostprocessor(similarity_cutoff=0.01),
        LongContextReorder(),
        MetadataReplacementPostProcessor(target_metadata_key="window"),
        TerselyPostprocessor(rate=0.9, model="whatever", tokenizer="o200k_base"),
    ],
    ids=lambda postprocessor: type(postprocessor).__name__,
)
def test_after_another_postprocessor(half, llm, fake_model, first) -> None:
    nodes = text_nodes()
    for node in nodes:
        node.metadata["window"] = f"Here it begins. {node.text} Here it ends."
        node.excluded_llm_metadata_keys.append("window")
    before = first.postprocess_nodes(bm25(nodes).retrieve(QUESTION), query_str=QUESTION)
    response = query_engine(bm25(nodes), [first, half], llm).query(QUESTION)
    assert {node.node_id for node in response.source_nodes} <= {node.node_id for node in before}
    texts = {node.node_id: node.text for node in before}
    for node in response.source_nodes:
        assert node.text == "".join(texts[node.node_id][start:end] for start, end in node.metadata["tersely"]["kept"])
        assert node.node.excluded_llm_metadata_keys.count("tersely") == 1
    assert sum(map(len, texts.values())) > sum(len(node.text) for node in response.source_nodes) > 0


@pytest.mark.parametrize("template", ["{metadata_str}\n\n{content}", "Metadata: {metadata_str}\n---\nText: {content}"])
def test_before_another_postprocessor(half, llm, template) -> None:
    nodes = text_nodes()
    for node in nodes:
        node.text_template = template
    response = query_engine(bm25(nodes), [half, SimilarityPostprocessor(), LongContextReorder()], llm).query(QUESTION)
    assert same_as_read(response.source_nodes, llm.prompts[0])


TEMPLATES = [
    "{metadata_str}\n\n{content}",
    "Metadata: {metadata_str}\n-----\nContent: {content}",
    "{content}\n\n({metadata_str})",
    "<{metadata_str}>{content}</>",
    "{content} {metadata_str} {content}",
]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("retriever_of", [bm25, vectors])
@pytest.mark.parametrize("target", [60, 100, 140])
def test_with_metadata_counted_the_whole_context_is_within_the_budget(
    retriever_of, fake_compressor, llm, template, target
) -> None:
    nodes = text_nodes()
    for node in nodes:
        node.text_template = template
        node.metadata_template = "* {key} = {value}"
        node.metadata_separator = " ;\n"
    retriever = retriever_of(nodes)
    postprocessor = TerselyPostprocessor(target_tokens=target, count_metadata=True, compressor=fake_compressor)
    response = query_engine(retriever, [postprocessor], llm).query(QUESTION)
    context = context_in(llm.prompts[0])
    assert response.source_nodes and "title = Chapter" in context and "checksum" not in context
    assert fake_compressor.tokenizer.count(context) <= target
    if target >= 100 and template.count("{content}") == 1:
        assert fake_compressor.tokenizer.count(context) > target - LARGEST


def test_with_metadata_counted_a_budget_that_holds_no_sentence_leaves_no_node(fake_compressor) -> None:
    results = []
    postprocessor = TerselyPostprocessor(
        target_tokens=15, count_metadata=True, compressor=fake_compressor, on_result=results.append
    )
    assert (
        postprocessor.postprocess_nodes([NodeWithScore(node=node) for node in text_nodes()], query_str=QUESTION) == []
    )
    assert "nothing is kept" in results[0].notes[0] and not any(
        document.short_title for document in results[0].documents
    )


def test_with_metadata_counted_a_rate_is_of_the_whole_context(fake_compressor, llm) -> None:
    count = fake_compressor.tokenizer.count
    query_engine(bm25(), [], llm).query(QUESTION)
    for rate in (0.25, 0.5, 0.75, 1.0):
        postprocessor = TerselyPostprocessor(rate=rate, count_metadata=True, compressor=fake_compressor)
        query_engine(bm25(), [postprocessor], llm).query(QUESTION)
        whole, now = count(context_in(llm.prompts[0])), count(context_in(llm.prompts[-1]))
        assert now <= rate * whole
        assert now > rate * whole - LARGEST


@pytest.mark.parametrize("streaming", [False, True])
def test_with_metadata_counted_a_chat_is_within_the_budget_too(fake_compressor, llm, streaming) -> None:
    postprocessor = TerselyPostprocessor(target_tokens=90, count_metadata=True, compressor=fake_compressor)
    engine = ContextChatEngine.from_defaults(
        bm25(), llm=llm, node_postprocessors=[postprocessor], context_template="<context>{context_str}</context>"
    )
    if streaming:
        "".join(engine.stream_chat(QUESTION).response_gen)
    else:
        engine.chat(QUESTION)
    assert 80 <= fake_compressor.tokenizer.count(context_in(llm.prompts[0])) <= 90


def test_without_it_the_metadata_comes_on_top(fake_compressor, llm) -> None:
    postprocessor = TerselyPostprocessor(target_tokens=100, compressor=fake_compressor)
    response = query_engine(bm25(), [postprocessor], llm).query(QUESTION)
    count = fake_compressor.tokenizer.count
    assert count("\n\n".join(node.text for node in response.source_nodes)) <= 100 < count(context_in(llm.prompts[0]))


def test_with_metadata_counted_what_passes_unchanged_counts(fake_compressor) -> None:
    given = [
        NodeWithScore(node=IndexNode(text="a query engine of its own", index_id="i")),
        *[NodeWithScore(node=node) for node in text_nodes()],
        NodeWithScore(node=ImageNode(image_url="http://example.org/a.png", metadata={"caption": "The mill at night"})),
        NodeWithScore(
            node=Node(
                id_="picture",
                text_resource=MediaResource(text=TEXTS[2]),
                image_resource=MediaResource(url="http://example.org/b.png"),
                metadata={"caption": "A bridge"},
            )
        ),
    ]
    count = fake_compressor.tokenizer.count
    for target in (20, 30, 60, 120):
        postprocessor = TerselyPostprocessor(target_tokens=target, count_metadata=True, compressor=fake_compressor)
        returned = postprocessor.postprocess_nodes(given, query_str=QUESTION)
        response = get_response_synthesizer(llm=(llm := RecordingLLM()), text_qa_template=CONTEXT).synthesize(
            QUESTION, returned
        )
        assert given[0] in response.source_nodes and given[5] in response.source_nodes
        assert "a query engine of its own" in llm.prompts[-1] and "caption: A bridge" in llm.prompts[-1]
        assert count(context_in(llm.prompts[-1])) <= target
    postprocessor.target_tokens = 10
    with pytest.raises(ProtectedTextError, match="than the budget of 10"):
        postprocessor.postprocess_nodes(given, query_str=QUESTION)


def test_with_metadata_counted_protected_text_that_is_too_long_names_the_whole_budget(fake_compressor) -> None:
    given = [
        NodeWithScore(node=IndexNode(text="a query engine of its own", index_id="i")),
        *[NodeWithScore(node=node) for node in text_nodes()],
    ]
    postprocessor = TerselyPostprocessor(
        target_tokens=20, count_metadata=True, protect=["water mill[^.]*", "railway[^.]*"], compressor=fake_compressor
    )
    with pytest.raises(ProtectedTextError) as raised:
        postprocessor.postprocess_nodes(given, query_str=QUESTION)
    assert raised.value.target == 20
    postprocessor.target_tokens = raised.value.needed
    returned = postprocessor.postprocess_nodes(given, query_str=QUESTION)
    assert any("opened in 1820" in node.text for node in returned)


def test_after_a_failure_the_engine_can_answer_from_the_nodes_as_they_were(fake_compressor, llm) -> None:
    nodes = text_nodes()
    nodes[0].text += "\0"
    engine = query_engine(bm25(nodes), [TerselyPostprocessor(rate=0.5, strict=True, compressor=fake_compressor)], llm)
    with pytest.raises(InvalidInputError, match="NUL byte"):
        engine.query(QUESTION)
    assert llm.prompts == []
    retrieved = engine.retriever.retrieve(QUESTION)
    assert str(engine.synthesize(QueryBundle(QUESTION), retrieved)) == llm.answer
    assert all(text in llm.prompts[0] for text in TEXTS)


def test_after_a_failure_another_chat_engine_can_go_on_with_the_same_memory(fake_compressor, llm) -> None:
    memory = ChatMemoryBuffer.from_defaults(chat_history=[ChatMessage(role=MessageRole.USER, content="Hello")], llm=llm)
    nodes = text_nodes()
    nodes[0].text += "\0"
    postprocessor = TerselyPostprocessor(rate=0.5, strict=True, compressor=fake_compressor)
    compressing = ContextChatEngine.from_defaults(
        bm25(nodes), llm=llm, memory=memory, node_postprocessors=[postprocessor]
    )
    plain = ContextChatEngine.from_defaults(bm25(nodes), llm=llm, memory=memory)
    with pytest.raises(TerselyError):
        compressing.chat(QUESTION)
    assert plain.chat(QUESTION).response == llm.answer
    assert [message.content for message in memory.get_all()] == ["Hello", QUESTION, llm.answer]
