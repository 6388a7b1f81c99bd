"""The Haystack ranker: documents in, the same documents shorter out, alone and in pipelines that were stored."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when haystack is imported
pytest.importorskip("haystack")

from haystack import Document, Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.retrievers import InMemoryBM25Retriever
from haystack.core.serialization import component_from_dict, component_to_dict
from haystack.dataclasses import ByteStream, ChatMessage, SparseEmbedding
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.rankers.tersely import TerselyRanker

from tersely import CompressionResult, CompressionSettings, Compressor, InvalidInputError

QUESTION = "When was the mill opened?"
SENTENCES = [
    "The water mill on the river was opened in 1820 by two brothers from the village.",
    "A bakery across the street sold bread and cake to everybody who passed by.",
    "The railway came late and left early, and nobody misses its noise any more.",
    "Every spring the meadow is under water for a week or two and then blooms.",
]
TEMPLATE = "{% for document in documents %}{{ document.content }}\n\n{% endfor %}Question: {{ query }}"


@pytest.fixture
def documents(fake_model) -> list[Document]:
    """Documents to compress, and a fake model that does it."""
    return [
        Document(
            content=sentence,
            meta={"page": number, "nested": {"a": [1]}},
            score=0.9 - number / 10,
            embedding=[0.5, 0.25],
            sparse_embedding=SparseEmbedding([1], [0.5]),
        )
        for number, sentence in enumerate(SENTENCES)
    ]


def run(ranker: TerselyRanker, documents: list[Document], query: str = QUESTION, **options: Any) -> list[Document]:
    return ranker.run(query=query, documents=documents, **options)["documents"]


def rag_pipeline(documents: list[Document], **settings: Any) -> Pipeline:
    """Retriever, ranker, prompt and an LLM that answers with the prompt that it was given."""
    store = InMemoryDocumentStore()
    store.write_documents(documents)
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=4))
    pipeline.add_component("tersely", TerselyRanker(**settings))
    pipeline.add_component("prompt", ChatPromptBuilder([ChatMessage.from_user(TEMPLATE)]))
    pipeline.add_component("llm", MockChatGenerator())
    pipeline.connect("retriever.documents", "tersely.documents")
    pipeline.connect("tersely.documents", "prompt.documents")
    pipeline.connect("prompt.prompt", "llm.messages")
    return pipeline


def asked(query: str, **options: Any) -> dict[str, Any]:
    return {"retriever": {"query": query}, "tersely": {"query": query, **options}, "prompt": {"query": query}}


def test_documents_come_back_as_themselves_only_shorter(documents) -> None:
    returned = run(TerselyRanker(target_tokens=30), documents)
    assert returned
    originals = {document.id: document for document in documents}
    for compressed in returned:
        original = originals[compressed.id]
        account = compressed.meta["tersely"]
        assert compressed == replace(original, content=compressed.content, meta={**original.meta, "tersely": account})
        assert compressed.content == "".join(original.content[start:end] for start, end in account["kept"])
        assert account["compressed_tokens"] <= account["original_tokens"]
        assert isinstance(account["relevance"], float)
    assert sum(len(document.content) for document in returned) < sum(map(len, SENTENCES))


def test_documents_of_which_nothing_is_kept_are_left_out(documents) -> None:
    returned = run(TerselyRanker(target_tokens=20), documents)
    assert 0 < len(returned) < 4
    assert all(document.content for document in returned)


@pytest.mark.filterwarnings("error:Mutating attribute")
def test_the_callers_documents_are_untouched(documents) -> None:
    before = copy.deepcopy(documents)
    for compressed in run(TerselyRanker(target_tokens=30), documents):
        compressed.meta["mine"] = 1
    assert documents == before


def test_the_full_account_is_an_output(documents) -> None:
    outcome = TerselyRanker(target_tokens=30).run(query=QUESTION, documents=documents)
    json.dumps(outcome["account"])
    result = CompressionResult.model_validate(outcome["account"])
    assert result.context == "\n\n".join(document.content for document in outcome["documents"])
    assert result.compressed_tokens <= 30
    assert result.documents[0].document.id == outcome["documents"][0].id
    assert (result.method, result.question) == ("evidence", QUESTION)
    assert result.recover("opened in 1820").phrases[0].id == documents[0].id


def test_order_is_that_of_the_context(documents) -> None:
    in_order = run(TerselyRanker(rate=0.9, order="original"), documents)
    assert [document.meta["page"] for document in in_order] == sorted(document.meta["page"] for document in in_order)
    best_first = [document.meta["tersely"]["relevance"] for document in run(TerselyRanker(rate=0.9), documents)]
    assert best_first == sorted(best_first, reverse=True)


def test_protected_words_survive_and_gaps_are_marked(documents) -> None:
    returned = run(TerselyRanker(target_tokens=12, protect=[r"in \d+"], gap_marker=" [...] "), documents)
    assert any("in 1820" in document.content for document in returned)
    assert any("[...]" in document.content for document in returned)


def test_documents_without_text_pass_in_their_places(documents) -> None:
    image = Document(blob=ByteStream(b"png", mime_type="image/png"))
    blank = Document(content=" \n")
    texts = [Document(content=" ".join(SENTENCES[:2])), Document(content=" ".join(SENTENCES[2:]))]
    given = [image, texts[0], blank, texts[1]]
    returned = run(TerselyRanker(rate=0.8, order="original"), given)
    assert [document.id for document in returned] == [document.id for document in given]
    assert returned[0] is image and returned[2] is blank


def test_an_image_stays_even_where_its_text_does_not(documents) -> None:
    image = Document(content=SENTENCES[2], blob=ByteStream(b"png", mime_type="image/png"))
    returned = {document.id: document for document in run(TerselyRanker(target_tokens=2), [*documents[:2], image])}
    assert returned[image.id].blob == image.blob
    assert len(returned[image.id].content) < len(SENTENCES[2])


def test_what_is_no_document_is_named(documents) -> None:
    with pytest.raises(InvalidInputError, match=r"documents\[1\] must be a haystack Document, got str 'The water mill"):
        run(TerselyRanker(rate=0.5), [documents[0], SENTENCES[0]])


def test_nothing_to_compress() -> None:
    ranker = TerselyRanker(rate=0.5)
    assert ranker.run(query=QUESTION, documents=[]) == {"documents": [], "account": {}}
    blank = [Document(content=" "), Document()]
    assert ranker.run(query=QUESTION, documents=blank) == {"documents": blank, "account": {}}


def test_a_document_found_twice_is_there_once_with_its_best_score(documents) -> None:
    again = replace(documents[0], score=2.0)
    returned = run(TerselyRanker(rate=1.0), [*documents, again, replace(documents[1], score=None)])
    assert sorted(document.id for document in returned) == sorted(document.id for document in documents)
    assert {document.id: document.score for document in returned}[again.id] == 2.0
    assert {document.id: document.score for document in returned}[documents[1].id] == documents[1].score


@pytest.mark.parametrize("score", [0.5, None, float("nan")])
def test_of_a_document_and_a_piece_of_it_the_whole_counts_in_either_order(documents, score) -> None:
    whole = Document(id="mill", content=SENTENCES[0], score=score)
    piece = Document(id="mill", content=SENTENCES[0][:20], score=score)
    blank = Document(id="mill", content=" " * 200, score=score)
    for given in ([whole, piece, blank], [blank, piece, whole]):
        (returned,) = run(TerselyRanker(rate=1.0), given)
        assert returned.content == SENTENCES[0]


@pytest.mark.parametrize("query", ["", "  "])
def test_without_a_question_the_method_is_salience(documents, query) -> None:
    result = TerselyRanker(rate=0.5).run(query=query, documents=documents)["account"]
    assert result["method"] == "salience" and result["question"] is None


def test_the_budget_can_be_set_for_one_run(documents) -> None:
    ranker = TerselyRanker(rate=0.5)
    budgets = [
        ranker.run(query=QUESTION, documents=documents, **options)["account"]["target_tokens"]
        for options in ({}, {"target_tokens": 7}, {"rate": 0.25}, {})
    ]
    assert budgets[1] == 7
    assert budgets[2] < budgets[0] * 0.6
    assert budgets[3] == budgets[0]
    with pytest.raises(InvalidInputError, match="rate"):
        ranker.run(query=QUESTION, documents=documents, rate=7.0)
    ranker.rate = 0.25
    assert ranker.run(query=QUESTION, documents=documents)["account"]["target_tokens"] == budgets[2]
    assert ranker.to_dict()["init_parameters"]["rate"] == 0.25


def test_the_model_is_loaded_by_warm_up_or_at_the_first_run(fake_scorer, documents, loader) -> None:
    loaded: list[str] = []

    def load(model, **options):
        loaded.append(model)
        return fake_scorer

    loader(load)
    warm, cold = (TerselyRanker(rate=0.5, model="some/model", tokenizer="cl100k_base") for _ in range(2))
    assert loaded == []
    warm.warm_up()
    warm.warm_up()
    assert loaded == ["some/model"]
    assert run(cold, documents) == run(warm, documents)
    assert len(loaded) == 1  # components share the model


def test_async_gives_the_same_and_does_not_block(fake_scorer, documents, loader, monkeypatch) -> None:
    def slow_load(model, **options):
        time.sleep(0.3)
        return fake_scorer

    loader(slow_load)
    compress = Compressor.compress

    def slow_compress(*arguments, **options):
        time.sleep(0.3)
        return compress(*arguments, **options)

    monkeypatch.setattr(Compressor, "compress", slow_compress)
    pipeline = rag_pipeline(documents, rate=0.5)

    async def both():
        task, gaps, before = asyncio.create_task(pipeline.run_async(asked(QUESTION))), [], time.monotonic()
        while not task.done():
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)
            before = time.monotonic()
        return task.result(), gaps

    returned, gaps = asyncio.run(both())
    assert sum(gaps) > 0.6 and max(gaps) < 0.25
    expected = pipeline.run(asked(QUESTION))
    assert returned["llm"]["replies"][0].text == expected["llm"]["replies"][0].text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"no budget: give rate \(such as 0.25\) or target_tokens \(such as 500\)"),
        ({"rate": 0.5, "target_tokens": 5}, "exclude each other"),
        ({"rate": 1.5}, "rate: input should be less"),
        ({"rate": 0.5, "order": "any"}, "order"),
        ({"rate": 0.5, "protect": ["("]}, "does not compile"),
    ],
)
def test_misuse_is_said_at_construction(arguments, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TerselyRanker(**arguments)


def test_every_setting_is_stored() -> None:
    settings = {
        "rate": None,
        "target_tokens": 300,
        "method": "longllmlingua",
        "order": "original",
        "protect": ["a+"],
        "gap_marker": " ... ",
        "fragments": True,
        "strict": True,
        "model": "some/model",
        "tokenizer": "cl100k_base",
    }
    data = component_to_dict(TerselyRanker(**settings), "tersely")
    assert data == {
        "type": "haystack_integrations.components.rankers.tersely.ranker.TerselyRanker",
        "init_parameters": {**CompressionSettings().model_dump(mode="json"), **settings},
    }
    assert component_from_dict(TerselyRanker, data, "tersely").to_dict() == data


def test_a_models_folder_is_stored_as_text(tmp_path) -> None:
    pipeline = Pipeline()
    pipeline.add_component("tersely", TerselyRanker(rate=0.5, model=tmp_path))
    assert Pipeline.loads(pipeline.dumps()).get_component("tersely").model == str(tmp_path)


def test_a_stored_pipeline_gives_the_same(documents) -> None:
    pipeline = rag_pipeline(documents, target_tokens=30, protect=[r"in \d+"], gap_marker=" [...] ")
    # Both before the first run and after it, when the model is there.
    copies = [Pipeline.loads(pipeline.dumps())]
    expected = pipeline.run(asked(QUESTION))
    copies.append(Pipeline.loads(pipeline.dumps()))
    for loaded in copies:
        outcome = loaded.run(asked(QUESTION))
        assert outcome["llm"]["replies"][0].text == expected["llm"]["replies"][0].text
    assert expected["llm"]["replies"][0].text == f"{expected['tersely']['account']['context']}\n\nQuestion: {QUESTION}"


def test_without_haystack_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['haystack'] = None; import haystack_integrations.components.rankers.tersely"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ImportError: TerselyRanker needs haystack-ai" in done.stderr
    assert "pip install 'tersely[haystack]'" in done.stderr


@pytest.mark.model
def test_in_a_pipeline_with_the_embedded_model(hotpot) -> None:
    example = hotpot[0]
    documents = [
        Document(content=document["text"], meta={"title": document["title"]}) for document in example["documents"]
    ]
    outcome = rag_pipeline(documents, rate=0.5).run(asked(example["question"]))
    account = outcome["tersely"]["account"]
    assert 0.45 * account["original_tokens"] <= account["compressed_tokens"] <= 0.5 * account["original_tokens"]
    assert outcome["llm"]["replies"][0].text == f"{account['context']}\n\nQuestion: {example['question']}"
