"""The compressor in chains of runnables and in retrievers, its callbacks and how it is stored."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.load import dumps, loads
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough
from langchain_documents import QUESTION, compressor, documents
from langchain_tersely import TerselyCompressor
from pydantic import Field

from tersely import CompressionSettings, Compressor, InvalidInputError


@pytest.fixture
def slow_compressor(fake_compressor, monkeypatch) -> Compressor:
    """One that takes a third of a second, without letting go of its thread."""
    compress = fake_compressor.compress

    def slow(*arguments, **options):
        time.sleep(0.3)
        return compress(*arguments, **options)

    monkeypatch.setattr(fake_compressor, "compress", slow)
    return fake_compressor


class RecordingChatModel(FakeListChatModel):
    """LangChain's fake chat model, which also remembers what it was asked."""

    prompts: list[str] = Field(default_factory=list)

    def _call(self, messages: list[Any], *arguments: Any, **options: Any) -> str:
        self.prompts.append("\n".join(message.content for message in messages))
        return super()._call(messages, *arguments, **options)


class Runs(BaseCallbackHandler):
    """Remembers what it was told of every chain and retriever."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}  # name -> run
        self.parents: dict[str, Any] = {}  # name -> run of the parent
        self.ended: list[Any] = []
        self.errors: list[BaseException] = []

    def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, name=None, **rest) -> None:
        self.started[name], self.parents[name] = run_id, parent_run_id

    def on_retriever_start(self, serialized, query, *, run_id, parent_run_id=None, name=None, **rest) -> None:
        self.started[name], self.parents[name] = run_id, parent_run_id

    def on_chain_end(self, outputs, **rest) -> None:
        self.ended.append(outputs)

    def on_chain_error(self, error, **rest) -> None:
        self.errors.append(error)


@pytest.mark.parametrize("as_runnable", [False, True])
def test_async_gives_the_same_and_does_not_block(slow_compressor, documents, as_runnable) -> None:
    threads: list[threading.Thread] = []
    compressor = TerselyCompressor(
        rate=0.5, compressor=slow_compressor, on_result=lambda _: threads.append(threading.current_thread())
    )
    expected = compressor.compress_documents(documents, QUESTION)

    async def both():
        ticks = 0
        task = asyncio.create_task(
            compressor.ainvoke({"documents": documents, "query": QUESTION})
            if as_runnable
            else compressor.acompress_documents(documents, QUESTION)
        )
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return task.result(), ticks

    returned, ticks = asyncio.run(both())
    assert returned == expected
    assert ticks > 5
    assert threads == [threading.main_thread()] * 2  # where the caller's loop is, so that it may touch what is there


def test_the_model_is_loaded_once_at_first_use(fake_scorer, documents, loader) -> None:
    loaded: list[str] = []

    def load(model, **options):
        time.sleep(0.1)
        loaded.append(model)
        return fake_scorer

    loader(load)
    compressors = [TerselyCompressor(rate=rate, model="some/model", tokenizer="cl100k_base") for rate in (0.5, 0.6)]
    assert loaded == []
    threads = [
        threading.Thread(target=compressor.compress_documents, args=(documents, QUESTION))
        for compressor in compressors * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == ["some/model"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"no budget: give rate \(such as 0.25\) or target_tokens \(such as 500\)"),
        ({"rate": 0.5, "target_tokens": 5}, "exclude each other"),
        ({"rate": 1.5}, "rate: input should be less"),
        ({"rate": 0.5, "method": "magic"}, "method"),
        ({"rate": 0.5, "protect": ["("]}, "does not compile"),
        ({"rate": 0.5, "compressor": "GIVEN", "model": "m"}, "compressor excludes model and tokenizer"),
    ],
)
def test_misuse_is_said_at_construction(fake_compressor, arguments, message) -> None:
    if "compressor" in arguments:
        arguments = {**arguments, "compressor": fake_compressor}
    with pytest.raises(InvalidInputError, match=message):
        TerselyCompressor(**arguments)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="rat"):
        TerselyCompressor(rat=0.5)


def test_an_existing_compressor_brings_its_settings(fake_scorer, documents) -> None:
    existing = Compressor(fake_scorer, tokenizer="cl100k_base", settings=CompressionSettings(target_tokens=12))
    results: list[Any] = []
    compressor = TerselyCompressor(compressor=existing, on_result=results.append)
    assert (compressor.target_tokens, compressor.model, compressor.tokenizer) == (12, "fake", "cl100k_base")
    compressor.compress_documents(documents, QUESTION)
    compressor.target_tokens = 20
    compressor.compress_documents(documents, QUESTION)
    assert [result.target_tokens for result in results] == [12, 20]


def test_a_models_folder_is_stored_as_text(tmp_path) -> None:
    assert TerselyCompressor(rate=0.5, model=tmp_path).model == str(tmp_path)


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_it_can_be_stored_and_sent() -> None:
    compressor = TerselyCompressor(
        rate=0.25,
        method="llmlingua",
        protect=["a+"],
        gap_marker="...",
        fragments=True,
        tokenizer="cl100k_base",
        on_result=print,
    )
    stored = loads(dumps(compressor), allowed_objects=[TerselyCompressor], valid_namespaces=["langchain_tersely"])
    assert stored.model_dump() == compressor.model_dump()
    assert stored.on_result is None
    assert pickle.loads(pickle.dumps(compressor)) == compressor


def test_a_call_is_a_run_that_callbacks_see(compressor, documents) -> None:
    runs = Runs()
    returned = compressor.compress_documents(documents, QUESTION, callbacks=[runs])
    assert list(runs.started) == ["TerselyCompressor"]
    assert runs.ended == [returned]
    compressor.strict = True
    with pytest.raises(InvalidInputError) as raised:
        compressor.compress_documents([Document(page_content="a\0b")], QUESTION, callbacks=[runs])
    assert runs.errors == [raised.value]


def test_async_callbacks_run_in_the_callers_loop(compressor, documents) -> None:
    seen: list[Any] = []

    class Loops(AsyncCallbackHandler):
        async def on_chain_end(self, outputs, **rest) -> None:
            seen.append(asyncio.get_running_loop())

    async def call():
        await compressor.acompress_documents(documents, QUESTION, callbacks=[Loops()])
        return asyncio.get_running_loop()

    assert [asyncio.run(call())] == seen


def test_in_a_chain_of_runnables(compressor, documents) -> None:
    retriever = RunnableLambda(lambda question: documents)
    llm = RecordingChatModel(responses=["In 1820."])
    chain = (
        {
            "context": {"documents": retriever, "query": RunnablePassthrough()}
            | compressor
            | (lambda found: "\n\n".join(document.page_content for document in found)),
            "question": RunnablePassthrough(),
        }
        | ChatPromptTemplate.from_template("{context}\n\nQuestion: {question}")
        | llm
        | StrOutputParser()
    )
    context = "\n\n".join(d.page_content for d in compressor.compress_documents(documents, QUESTION))
    assert chain.invoke(QUESTION) == asyncio.run(chain.ainvoke(QUESTION)) == "In 1820."
    assert llm.prompts == [f"{context}\n\nQuestion: {QUESTION}"] * 2


def test_the_budget_can_be_set_for_one_run(compressor, fake_compressor, documents) -> None:
    results: list[Any] = []
    configurable = TerselyCompressor(
        rate=0.5, compressor=fake_compressor, on_result=results.append
    ).configurable_fields(rate=ConfigurableField(id="rate"))
    given = {"documents": documents, "query": QUESTION}
    configurable.invoke(given)
    configurable.invoke(given, {"configurable": {"rate": 0.25}})
    assert results[1].target_tokens < results[0].target_tokens * 0.6
    with pytest.raises(InvalidInputError, match="rate"):
        configurable.invoke(given, {"configurable": {"rate": 7.0}})


@pytest.mark.parametrize(
    ("given", "got"),
    [([Document(page_content="a")], "got list"), ({"documents": [], "question": "?"}, "got the keys documents, quest")],
)
def test_a_chain_without_documents_or_query_says_how_to_write_it(compressor, given, got) -> None:
    with pytest.raises(InvalidInputError, match=got) as raised:
        compressor.invoke(given)
    assert '{"documents": retriever, "query": RunnablePassthrough()}' in str(raised.value)


@pytest.mark.filterwarnings("ignore:`langchain-community` is being sunset")
def test_in_a_contextual_compression_retriever(fake_compressor, slow_compressor, documents) -> None:
    pytest.importorskip("langchain_classic")
    pytest.importorskip("rank_bm25")
    from langchain_classic.retrievers import ContextualCompressionRetriever
    from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
    from langchain_community.retrievers import BM25Retriever

    bm25 = BM25Retriever.from_documents(documents, k=3)
    compressor = TerselyCompressor(rate=0.5, compressor=slow_compressor)
    expected = compressor.compress_documents(bm25.invoke(QUESTION), QUESTION)
    runs = Runs()
    retriever = ContextualCompressionRetriever(base_retriever=bm25, base_compressor=compressor)
    assert retriever.invoke(QUESTION, {"callbacks": [runs]}) == expected
    assert runs.parents["TerselyCompressor"] == runs.started["ContextualCompressionRetriever"]

    async def ticking():
        ticks, task = 0, asyncio.create_task(retriever.ainvoke(QUESTION))
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return task.result(), ticks

    returned, ticks = asyncio.run(ticking())
    assert returned == expected and ticks > 5
    pipeline = DocumentCompressorPipeline(transformers=[compressor])
    assert pipeline.compress_documents(bm25.invoke(QUESTION), QUESTION) == expected


def test_without_langchain_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['langchain_core'] = None; import langchain_tersely"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ImportError: TerselyCompressor needs langchain-core" in done.stderr
    assert "pip install 'tersely[langchain]'" in done.stderr


@pytest.mark.model
@pytest.mark.filterwarnings("ignore:`langchain-community` is being sunset")
def test_in_a_retrieval_chain_with_the_embedded_model(real_compressor, hotpot) -> None:
    pytest.importorskip("langchain_classic")
    pytest.importorskip("rank_bm25")
    from langchain_classic.chains import create_retrieval_chain
    from langchain_classic.chains.combine_documents import create_stuff_documents_chain
    from langchain_classic.retrievers import ContextualCompressionRetriever
    from langchain_community.retrievers import BM25Retriever

    example = hotpot[0]
    bm25 = BM25Retriever.from_texts(
        [document["text"] for document in example["documents"]],
        metadatas=[{"title": document["title"]} for document in example["documents"]],
        k=5,
    )
    retriever = ContextualCompressionRetriever(
        base_retriever=bm25, base_compressor=TerselyCompressor(rate=0.5, compressor=real_compressor)
    )
    llm = RecordingChatModel(responses=["An answer."])
    prompt = ChatPromptTemplate.from_template("{context}\n\nQuestion: {input}")
    chain = create_retrieval_chain(retriever, create_stuff_documents_chain(llm, prompt))
    answer = chain.invoke({"input": example["question"]})
    assert answer["answer"] == "An answer."
    context = "\n\n".join(document.page_content for document in answer["context"])
    assert llm.prompts == [f"{context}\n\nQuestion: {example['question']}"]
    retrieved = "\n\n".join(document.page_content for document in bm25.invoke(example["question"]))
    count = real_compressor.tokenizer.count
    assert 0.45 * count(retrieved) <= count(context) <= 0.5 * count(retrieved) + 1
