"""What LlamaIndex's observers learn of the postprocessor, and that nobody waits for it who awaits something else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("llama_index.retrievers.bm25")

from llama_index.core.bridge.pydantic import Field
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload, LlamaDebugHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.postprocessor.tersely import TerselyPostprocessor
from llama_index.retrievers.bm25 import BM25Retriever

from tersely import InvalidInputError

QUESTION = "When was the water mill opened?"
TEXTS = [
    "The water mill on the river was opened in 1820. Two brothers from the village had built it within a year.",
    "A bakery across the street sold bread and cake. The mill gave it flour.",
]


class RecordingEventHandler(BaseEventHandler):
    """Keeps every event."""

    events: list[Any] = Field(default_factory=list)

    def handle(self, event: Any, **options: Any) -> None:
        self.events.append(event)

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]


@pytest.fixture
def observed() -> Iterator[tuple[RecordingEventHandler, SimpleSpanHandler]]:
    """Handlers of all events and all spans, as tracing tools add them."""
    root = get_dispatcher()
    before = list(root.event_handlers), list(root.span_handlers)
    events, spans = RecordingEventHandler(), SimpleSpanHandler()
    root.event_handlers, root.span_handlers = [*before[0], events], [*before[1], spans]
    yield events, spans
    root.event_handlers, root.span_handlers = before


@pytest.fixture
def nodes() -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text), score=0.5) for text in TEXTS]


@pytest.fixture
def half(fake_compressor) -> TerselyPostprocessor:
    return TerselyPostprocessor(rate=0.5, compressor=fake_compressor)


def run(postprocessor: TerselyPostprocessor, nodes: list[NodeWithScore], awaited: bool) -> list[NodeWithScore]:
    if awaited:
        return asyncio.run(postprocessor.apostprocess_nodes(nodes, query_str=QUESTION))
    return postprocessor.postprocess_nodes(nodes, query_str=QUESTION)


def finished(spans: SimpleSpanHandler, method: str) -> list[Any]:
    return [span for span in spans.completed_spans if span.id_.startswith(f"TerselyPostprocessor.{method}-")]


@pytest.mark.parametrize("awaited", [False, True])
def test_instrumentation_sees_a_reranker_in_a_span(half, nodes, observed, awaited) -> None:
    events, spans = observed
    returned = run(half, nodes, awaited)
    start, end = events.of(ReRankStartEvent, ReRankEndEvent)
    assert start.query == QueryBundle(QUESTION) and start.nodes == nodes and start.model_name == "fake"
    assert start.top_n == len(nodes)
    assert [node.to_dict() for node in end.nodes] == [node.to_dict() for node in returned]
    (span,) = finished(spans, "_apostprocess_nodes" if awaited else "_postprocess_nodes")
    assert start.span_id == end.span_id == span.id_


@pytest.mark.parametrize("awaited", [False, True])
def test_callback_handlers_see_a_reranking(half, nodes, awaited) -> None:
    handler = LlamaDebugHandler(print_trace_on_end=False)
    half.callback_manager = CallbackManager([handler])
    returned = run(half, nodes, awaited)
    ((start, end),) = handler.get_event_pairs(CBEventType.RERANKING)
    assert start.payload == {
        EventPayload.NODES: nodes,
        EventPayload.MODEL_NAME: "fake",
        EventPayload.QUERY_STR: QUESTION,
        EventPayload.TOP_K: len(nodes),
    }
    assert end.payload == {EventPayload.NODES: returned}


@pytest.mark.parametrize("awaited", [False, True])
def test_in_a_query_engine_all_of_it_hangs_together(half, observed, awaited) -> None:
    events, spans = observed
    handler = LlamaDebugHandler(print_trace_on_end=False)
    engine = RetrieverQueryEngine.from_args(
        BM25Retriever.from_defaults(nodes=[TextNode(text=text) for text in TEXTS], similarity_top_k=2),
        llm=MockLLM(),
        node_postprocessors=[half],
        callback_manager=CallbackManager([handler]),
    )
    response = asyncio.run(engine.aquery(QUESTION)) if awaited else engine.query(QUESTION)
    ((_, end),) = handler.get_event_pairs(CBEventType.RERANKING)
    assert end.payload == {EventPayload.NODES: response.source_nodes}
    assert len(events.of(ReRankEndEvent)) == 1
    (span,) = finished(spans, "_apostprocess_nodes" if awaited else "_postprocess_nodes")
    assert span.parent_id.startswith("RetrieverQueryEngine._aquery-" if awaited else "RetrieverQueryEngine._query-")


@pytest.mark.parametrize("awaited", [False, True])
def test_a_failure_is_seen_as_one(half, nodes, observed, awaited) -> None:
    events, spans = observed
    handler = LlamaDebugHandler(print_trace_on_end=False)
    half.callback_manager = CallbackManager([handler])
    nodes[0].node.text += "\0"
    half.strict = True
    with pytest.raises(InvalidInputError, match="NUL byte"):
        run(half, nodes, awaited)
    assert len(events.of(ReRankStartEvent)) == 1 and not events.of(ReRankEndEvent)
    assert [span.id_.split("-")[0] for span in spans.dropped_spans] == [
        f"TerselyPostprocessor._{'a' if awaited else ''}postprocess_nodes"
    ]
    ((_, end),) = handler.get_event_pairs(CBEventType.RERANKING)
    assert isinstance(end.payload[EventPayload.EXCEPTION], InvalidInputError)


def test_nothing_to_compress_is_no_event(half, observed) -> None:
    events, _ = observed
    assert half.postprocess_nodes([], query_str=QUESTION) == []
    assert not events.of(ReRankStartEvent, ReRankEndEvent)


async def ticks_during(task: asyncio.Task[Any]) -> int:
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.01)
        ticks += 1
    return ticks


@pytest.mark.parametrize("slow", ["the model loads", "the model works", "the metadata is counted"])
@pytest.mark.parametrize("way", ["apostprocess_nodes", "aquery"])
def test_awaiting_it_holds_nobody_up(slow, way, fake_scorer, loader, fake_compressor, nodes, monkeypatch) -> None:
    def slowly(function: Any) -> Any:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            time.sleep(0.3)
            return function(*arguments, **options)

        return wrapped

    compressor = None
    if slow == "the model loads":
        loader(slowly(lambda model, **options: fake_scorer))
    elif slow == "the model works":
        monkeypatch.setattr(fake_compressor, "compress", slowly(fake_compressor.compress))
        compressor = fake_compressor
    else:
        monkeypatch.setattr("llama_index.postprocessor.tersely.counted.context_of", slowly(lambda _: ""))
        compressor = fake_compressor
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=compressor, count_metadata=slow.startswith("the meta"))
    engine = RetrieverQueryEngine.from_args(
        BM25Retriever.from_defaults(nodes=[node.node for node in nodes], similarity_top_k=2),
        llm=MockLLM(),
        node_postprocessors=[postprocessor],
    )

    async def both() -> int:
        awaited = engine.aquery(QUESTION) if way == "aquery" else postprocessor.apostprocess_nodes(nodes)
        return await ticks_during(asyncio.create_task(awaited))

    assert asyncio.run(both()) > 5


def test_on_result_is_called_where_the_caller_awaits(fake_compressor, nodes) -> None:
    loops = []
    postprocessor = TerselyPostprocessor(
        rate=0.5, compressor=fake_compressor, on_result=lambda _: loops.append(asyncio.get_running_loop())
    )

    async def call() -> asyncio.AbstractEventLoop:
        await postprocessor.apostprocess_nodes(nodes)
        return asyncio.get_running_loop()

    assert loops == [asyncio.run(call())]
