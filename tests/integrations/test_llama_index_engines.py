"""The LlamaIndex postprocessor where it is used: behind real retrievers, in engines, and what the LLM then reads."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.chat_engine import CondensePlusContextChatEngine, ContextChatEngine
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import RetrieverTool
from llama_index.postprocessor.tersely import TerselyPostprocessor
from llama_index_texts import (
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

pytest.importorskip("llama_index.retrievers.bm25")


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
