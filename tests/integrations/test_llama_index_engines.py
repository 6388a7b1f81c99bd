"""The LlamaIndex postprocessor where it is used: behind real retrievers, in engines, and what the LLM then reads."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

pytest.importorskip("llama_index.retrievers.bm25")

from llama_index.core import VectorStoreIndex, get_response_synthesizer
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.bridge.pydantic import Field
from llama_index.core.chat_engine import CondensePlusContextChatEngine, ContextChatEngine
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.postprocessor import (
    LongContextReorder,
    MetadataReplacementPostProcessor,
    SimilarityPostprocessor,
)
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import CitationQueryEngine, RetrieverQueryEngine
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import ImageNode, IndexNode, MediaResource, Node, NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import RetrieverTool
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from llama_index.postprocessor.tersely import TerselyPostprocessor
from llama_index.retrievers.bm25 import BM25Retriever

from tersely import InvalidInputError, ProtectedTextError, TerselyError

QUESTION = "When was the water mill opened?"
TEXTS = [
    "The water mill on the river was opened in 1820. Two brothers from the village had built it within a year. "
    "It had two wheels of oak. The stones came from the south by ship.",
    "A bakery across the street sold bread and cake. Everybody who passed by bought some. The mill gave it flour. "
    "Its oven burned day and night, and its door was never shut.",
    "The railway came late and left early. Nobody misses its noise any more. Its bridge over the water still stands. "
    "A path for bicycles lies where the rails were.",
    "Every spring the meadow is under water for a week or two. Then it blooms. The miller's goats like it there. "
    "In the summer of 1911 it was opened to everybody.",
]
METADATA = [{"title": f"Chapter {number}", "page": 10 * number, "checksum": "9f86d081884c7d65"} for number in range(4)]
# No sentence with the metadata of its node, in any template, has more tokens: less of a budget than this may be unused.
LARGEST = 45
CONTEXT = PromptTemplate("<context>{context_str}</context>\n{query_str}")


class RecordingLLM(MockLLM):
    """LlamaIndex's own stand-in, which also remembers every prompt."""

    prompts: list[str] = Field(default_factory=list)
    answer: str = "In 1820."

    def __init__(self, answer: str = "In 1820.") -> None:
        super().__init__()
        self.answer = answer

    def _record(self, prompt: str) -> None:
        self.prompts.append(prompt)

    def complete(self, prompt: str, formatted: bool = False, **options: Any):
        self._record(prompt)
        return super().complete(self.answer, formatted, **options)

    def stream_complete(self, prompt: str, formatted: bool = False, **options: Any):
        self._record(prompt)
        return super().stream_complete(self.answer, formatted, **options)


@pytest.fixture
def llm() -> RecordingLLM:
    return RecordingLLM()


def text_nodes() -> list[TextNode]:
    return [
        TextNode(id_=f"n{number}", text=text, metadata=dict(metadata), excluded_llm_metadata_keys=["checksum"])
        for number, (text, metadata) in enumerate(zip(TEXTS, METADATA, strict=True))
    ]


def bm25(nodes: list[TextNode] | None = None):
    return BM25Retriever.from_defaults(nodes=nodes or text_nodes(), similarity_top_k=4)


def vectors(nodes: list[TextNode] | None = None):
    return VectorStoreIndex(nodes=nodes or text_nodes(), embed_model=MockEmbedding(8)).as_retriever(similarity_top_k=4)


@pytest.fixture(params=[bm25, vectors], ids=["bm25", "vectors"])
def retriever(request):
    return request.param()


@pytest.fixture
def half(fake_compressor) -> TerselyPostprocessor:
    return TerselyPostprocessor(rate=0.5, compressor=fake_compressor)


def query_engine(retriever, postprocessors, llm, **options) -> RetrieverQueryEngine:
    return RetrieverQueryEngine.from_args(
        retriever, llm=llm, node_postprocessors=postprocessors, text_qa_template=CONTEXT, **options
    )


def context_in(prompt: str) -> str:
    return re.search(r"<context>(.*)</context>", prompt, re.S)[1]


def same_as_read(nodes: list[NodeWithScore], prompt: str) -> bool:
    """Whether the prompt has what was kept of each node, and whole only the texts that were kept whole."""
    kept = [node.text for node in nodes]
    whole = [text for text in TEXTS if text in prompt]
    return all(text in prompt for text in kept) and whole == [text for text in TEXTS if text in kept] != TEXTS


def test_the_llm_of_a_query_engine_reads_what_was_kept(retriever, half, llm) -> None:
    response = query_engine(retriever, [half], llm).query(QUESTION)
    assert response.source_nodes and str(response) == llm.answer
    assert len(llm.prompts) == 1 and same_as_read(response.source_nodes, llm.prompts[0])
    assert "tersely" not in llm.prompts[0] and "checksum" not in llm.prompts[0]


def test_what_the_retriever_holds_stays_whole(retriever, half, llm) -> None:
    engine = query_engine(retriever, [half], llm)
    first, second = engine.query(QUESTION), engine.query(QUESTION)
    assert [node.to_dict() for node in first.source_nodes] == [node.to_dict() for node in second.source_nodes]
    assert {node.text for node in retriever.retrieve(QUESTION)} == set(TEXTS)


def test_a_streaming_query_engine(retriever, half, llm) -> None:
    response = query_engine(retriever, [half], llm, streaming=True).query(QUESTION)
    assert "".join(response.response_gen) == llm.answer
    assert same_as_read(response.source_nodes, llm.prompts[0])


def test_an_awaited_query_is_the_same(retriever, half, llm) -> None:
    engine = query_engine(retriever, [half], llm)
    engine.query(QUESTION)
    asyncio.run(engine.aquery(QUESTION))
    assert llm.prompts[0] == llm.prompts[1]


@pytest.mark.parametrize("mode", ["refine", "compact", "simple_summarize", "tree_summarize", "accumulate"])
def test_every_way_to_synthesize(half, llm, mode) -> None:
    response = query_engine(bm25(), [half], llm, response_mode=mode).query(QUESTION)
    assert same_as_read(response.source_nodes, "\n".join(llm.prompts))


def test_a_question_with_other_words_to_search_by_is_still_the_question(fake_compressor, llm) -> None:
    results = []
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    query = QueryBundle(QUESTION, custom_embedding_strs=["mill opened in"])
    query_engine(vectors(), [postprocessor], llm).query(query)
    assert results[0].question == QUESTION


@pytest.mark.parametrize("streaming", [False, True])
def test_a_context_chat_engine_asks_with_the_last_message(retriever, fake_compressor, llm, streaming) -> None:
    results = []
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    engine = ContextChatEngine.from_defaults(retriever, llm=llm, node_postprocessors=[postprocessor])
    for message in (QUESTION, "And who built it?"):
        response = engine.stream_chat(message) if streaming else engine.chat(message)
        assert ("".join(response.response_gen) if streaming else response.response) == llm.answer
        assert same_as_read(response.source_nodes, llm.prompts[-1])
    assert [result.question for result in results] == [QUESTION, "And who built it?"]


def test_an_awaited_chat_engine(retriever, half, llm) -> None:
    async def chat() -> Any:
        memory = ChatMemoryBuffer.from_defaults(llm=llm)  # the default one's database outlives the event loop
        engine = ContextChatEngine.from_defaults(retriever, llm=llm, memory=memory, node_postprocessors=[half])
        streamed = await engine.astream_chat(QUESTION)
        text = "".join([token async for token in streamed.async_response_gen()])
        return text, await engine.achat(QUESTION)

    text, response = asyncio.run(chat())
    assert text == response.response == llm.answer
    assert same_as_read(response.source_nodes, llm.prompts[-1])


def test_a_condensing_chat_engine_asks_with_the_condensed_question(retriever, fake_compressor) -> None:
    results = []
    llm = RecordingLLM(answer="When was the mill on the river opened?")
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    engine = CondensePlusContextChatEngine.from_defaults(retriever, llm=llm, node_postprocessors=[postprocessor])
    engine.chat("What is on the river?")
    response = engine.stream_chat("When was it opened?")
    assert "".join(response.response_gen) == llm.answer
    assert [result.question for result in results] == ["What is on the river?", llm.answer]
    assert same_as_read(response.source_nodes, llm.prompts[-1])


def test_engines_that_an_index_makes(half, llm) -> None:
    index = VectorStoreIndex(nodes=text_nodes(), embed_model=MockEmbedding(8))
    options = {"llm": llm, "similarity_top_k": 4, "node_postprocessors": [half]}
    response = index.as_query_engine(**options).query(QUESTION)
    assert same_as_read(response.source_nodes, llm.prompts[-1])
    response = index.as_chat_engine(chat_mode="context", **options).chat(QUESTION)
    assert same_as_read(response.source_nodes, llm.prompts[-1])


def test_a_fusion_of_retrievers_before_it(half, llm) -> None:
    fusion = QueryFusionRetriever([bm25(), vectors()], llm=llm, num_queries=1, similarity_top_k=4, use_async=False)
    response = query_engine(fusion, [half], llm).query(QUESTION)
    assert same_as_read(response.source_nodes, llm.prompts[-1])


def test_a_retriever_as_a_tool(retriever, half) -> None:
    tool = RetrieverTool.from_defaults(retriever, node_postprocessors=[half], description="The village.")
    output = tool.call(QUESTION)
    assert same_as_read(output.raw_output, output.content)
    assert asyncio.run(tool.acall(QUESTION)).content == output.content


def test_citations_of_what_was_kept(half, llm) -> None:
    engine = CitationQueryEngine.from_args(
        VectorStoreIndex(nodes=text_nodes(), embed_model=MockEmbedding(8)),
        llm=llm,
        retriever=bm25(),
        node_postprocessors=[half],
        citation_chunk_size=512,
    )
    engine.query(QUESTION)
    assert "Source 1:" in llm.prompts[0]
    assert same_as_read(half.postprocess_nodes(bm25().retrieve(QUESTION), query_str=QUESTION), llm.prompts[0])


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
