"""The LangChain compressor: documents in, the same documents shorter out, alone, in a retriever and in a chain."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.load import dumps, loads
from langchain_documents import QUESTION, SENTENCES, compressor, documents
from langchain_tersely import TerselyCompressor

from tersely import InvalidInputError

pytest.importorskip("langchain_core")


def test_it_is_a_document_compressor(compressor) -> None:
    assert isinstance(compressor, BaseDocumentCompressor)


def test_documents_come_back_as_themselves_only_shorter(compressor, documents) -> None:
    returned = compressor.compress_documents(documents, QUESTION)
    assert returned
    originals = {document.id: document for document in documents}
    for compressed in returned:
        original = originals[compressed.id]
        account = compressed.metadata["tersely"]
        assert compressed.metadata == {**original.metadata, "tersely": account}
        assert compressed.page_content == "".join(original.page_content[start:end] for start, end in account["kept"])
        assert account["compressed_tokens"] <= account["original_tokens"]
        assert isinstance(account["relevance"], float)
    assert sum(len(d.page_content) for d in returned) < sum(len(d.page_content) for d in documents)


def test_documents_keep_their_type(fake_compressor) -> None:
    class Page(Document):
        number: int

    pages = [Page(page_content=sentence, number=number) for number, sentence in enumerate(SENTENCES)]
    returned = TerselyCompressor(rate=0.9, order="original", compressor=fake_compressor).invoke(
        {"documents": pages, "query": QUESTION}
    )
    assert [type(document) for document in returned] == [Page] * len(returned)
    numbers = [document.number for document in returned]
    assert numbers == sorted(numbers) and len(numbers) == len(pages) - 1
    assert [document.id for document in returned] == [None] * len(returned)


@pytest.mark.parametrize("rate", [0.9, 1.0])
def test_after_an_embeddings_filter_documents_are_plain(fake_compressor, documents, rate) -> None:
    pytest.importorskip("langchain_community")
    from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline, EmbeddingsFilter
    from langchain_core.embeddings import DeterministicFakeEmbedding

    given = [*documents, Document(page_content=" ", metadata={"page": 9})]
    filtering = EmbeddingsFilter(embeddings=DeterministicFakeEmbedding(size=4), k=5)
    compressing = TerselyCompressor(rate=rate, compressor=fake_compressor)
    pipeline = DocumentCompressorPipeline(transformers=[filtering, compressing])
    returned = pipeline.compress_documents(given, QUESTION)
    assert [type(document) for document in returned] == [Document] * len(returned)
    assert {9} < {document.metadata["page"] for document in returned}
    assert loads(dumps(returned), allowed_objects=[Document]) == returned


def test_a_string_stands_for_a_document(fake_compressor, documents) -> None:
    compressing = TerselyCompressor(rate=1.0, order="original", compressor=fake_compressor)
    returned = compressing.invoke({"documents": [*SENTENCES[:2], documents[2]], "query": QUESTION})
    assert [document.page_content for document in returned] == SENTENCES[:3]
    assert [type(document) for document in returned] == [Document] * 3
    assert asyncio.run(compressing.acompress_documents([" "], QUESTION)) == [Document(page_content=" ")]


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (SENTENCES[0], "documents must be a list of documents, got str 'The water .*; put it in a list"),
        (Document(page_content="a"), "documents must be a list of documents, got Document"),
        (None, "documents must be a list of documents, got NoneType"),
        (
            ["a", {"page_content": "b"}],
            r"documents\[1\] must be a Document or a string, got dict .*Document\(page_cont",
        ),
        ([["a"]], r"documents\[0\] must be a Document or a string, got list"),
    ],
)
def test_what_is_no_document_is_named(compressor, documents, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        compressor.compress_documents(documents, QUESTION)


def test_documents_of_which_nothing_is_kept_are_left_out(fake_compressor, documents) -> None:
    returned = TerselyCompressor(target_tokens=20, compressor=fake_compressor).compress_documents(documents, QUESTION)
    assert 0 < len(returned) < 4
    assert all(document.page_content for document in returned)


def test_the_callers_documents_are_untouched(compressor, documents) -> None:
    before = copy.deepcopy(documents)
    for compressed in compressor.compress_documents(documents, QUESTION):
        compressed.metadata["mine"] = 1
    assert documents == before


def test_the_budget_holds_for_the_joined_texts(fake_compressor, documents) -> None:
    for target in (5, 30, 60):
        compressor = TerselyCompressor(target_tokens=target, compressor=fake_compressor)
        returned = compressor.compress_documents(documents, QUESTION)
        assert fake_compressor.tokenizer.count("\n\n".join(d.page_content for d in returned)) <= target


def test_a_title_in_the_metadata_is_not_counted(fake_compressor, documents) -> None:
    results: list[Any] = []
    compressor = TerselyCompressor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    compressor.compress_documents(documents, QUESTION)
    for document in documents:
        document.metadata["title"] = "A title, as loaders give it, that no prompt has unless it asks for it"
    compressor.compress_documents(documents, QUESTION)
    assert results[0].original_tokens == results[1].original_tokens
    assert results[0].context == results[1].context


def test_order_is_that_of_the_context(fake_compressor, documents) -> None:
    for order in ("original", "best_first"):
        results: list[Any] = []
        compressor = TerselyCompressor(rate=0.9, order=order, compressor=fake_compressor, on_result=results.append)
        returned = compressor.compress_documents(documents, QUESTION)
        assert "\n\n".join(document.page_content for document in returned) == results[0].context
        keys = [
            -document.metadata["tersely"]["relevance"] if order == "best_first" else document.metadata["page"]
            for document in returned
        ]
        assert keys == sorted(keys)


def test_protected_words_survive_and_gaps_are_marked(fake_compressor, documents) -> None:
    compressor = TerselyCompressor(
        target_tokens=12, protect=[r"in \d+"], gap_marker=" [...] ", compressor=fake_compressor
    )
    returned = compressor.compress_documents(documents, QUESTION)
    assert any("in 1820" in document.page_content for document in returned)
    assert any("[...]" in document.page_content for document in returned)


def test_documents_without_text_pass_in_their_places(fake_compressor, documents) -> None:
    empty, blank = Document(page_content="", metadata={"image": "a.png"}), Document(page_content=" \n")
    texts = [Document(id=f"d{start}", page_content=" ".join(SENTENCES[start : start + 2])) for start in (0, 2)]
    given = [empty, texts[0], blank, texts[1]]
    compressor = TerselyCompressor(rate=0.8, order="original", compressor=fake_compressor)
    returned = compressor.compress_documents(given, QUESTION)
    assert returned[0] is empty and returned[2] is blank
    assert [document.id for document in returned] == [None, "d0", None, "d2"]


def test_nothing_to_compress(compressor) -> None:
    assert compressor.compress_documents([], QUESTION) == []
    assert asyncio.run(compressor.acompress_documents([], QUESTION)) == []
    blank = [Document(page_content=" ")]
    assert compressor.compress_documents(blank, QUESTION) == blank


@pytest.mark.parametrize("query", [None, "", "  "])
def test_without_a_question_the_method_is_salience(fake_compressor, documents, query) -> None:
    results: list[Any] = []
    compressor = TerselyCompressor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    assert compressor.compress_documents(documents, query)
    assert results[0].method == "salience" and results[0].question is None
