"""What did not fit, what was kept instead, what was a copy: every framework says it, in the log and beside the text."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator

import pytest

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when haystack is imported
pytest.importorskip("llama_index.core")
pytest.importorskip("langchain_core")
pytest.importorskip("haystack")

import haystack
from haystack_integrations.components.rankers.tersely import TerselyRanker
from langchain_core.documents import Document
from langchain_tersely import TerselyCompressor
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.tersely import TerselyPostprocessor

QUESTION = "When was the water mill opened?"
TEXTS = [
    "The water mill on the river was opened in 1820. Both of the brothers who had built the water mill on the river by "
    "hand within a single year came from the village.",
    "A bakery across the street sold bread. It closed early.",
    "A bakery across the street sold bread. It closed early.",
]
LOGGER = "tersely.notes"

# The texts that are left, each with its account.
Returned = list[tuple[str, dict]]


def llama_index(**settings) -> Returned:
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in TEXTS]
    returned = TerselyPostprocessor(**settings).postprocess_nodes(nodes, query_str=QUESTION)
    return [(node.text, node.metadata["tersely"]) for node in returned]


def langchain(**settings) -> Returned:
    documents = [Document(page_content=text) for text in TEXTS]
    returned = TerselyCompressor(**settings).compress_documents(documents, QUESTION)
    return [(document.page_content, document.metadata["tersely"]) for document in returned]


def in_haystack(**settings) -> Returned:
    documents = [haystack.Document(id=str(index), content=text) for index, text in enumerate(TEXTS)]
    returned = TerselyRanker(**settings).run(QUESTION, documents)["documents"]
    return [(document.content, document.meta["tersely"]) for document in returned]


every_framework = pytest.mark.parametrize("compress", [llama_index, langchain, in_haystack])


def noted(caplog) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records if record.name == LOGGER]


@every_framework
def test_notes_go_to_the_log(fake_model, caplog, compress: Callable[..., Returned]) -> None:
    caplog.set_level(logging.INFO, logger="tersely")
    assert compress(target_tokens=20)
    levels, notes = zip(*noted(caplog), strict=True)
    assert set(levels) == {logging.INFO}
    assert notes[0] == "document 2 says nothing that document 1 does not: dropped"


@every_framework
def test_a_budget_that_holds_nothing_is_a_warning_with_the_one_that_would(fake_model, caplog, compress) -> None:
    assert compress(target_tokens=2) == []
    ((level, note),) = noted(caplog)
    assert level == logging.WARNING and "tokens, more than 2: nothing is kept" in note


@every_framework
def test_what_was_kept_instead_is_in_the_account_and_nothing_of_it_elsewhere(fake_model, compress) -> None:
    returned = compress(target_tokens=20)
    for _, account in returned:
        assert "copy_of" not in account
        assert account.get("instead") != []
    assert any("instead" in account for _, account in returned)
    assert all("instead" not in account for _, account in compress(rate=1.0))


@pytest.fixture
def ends() -> Iterator[list[ReRankEndEvent]]:
    """What LlamaIndex's observers hear at the end of each call."""
    heard: list[ReRankEndEvent] = []

    class Ends(BaseEventHandler):
        def handle(self, event, **options) -> None:
            if isinstance(event, ReRankEndEvent):
                heard.append(event)

    root = get_dispatcher()
    before = list(root.event_handlers)
    root.event_handlers = [*before, Ends()]
    yield heard
    root.event_handlers = before


def test_notes_are_a_tag_of_llama_indexs_last_event(fake_model, ends) -> None:
    results = []
    llama_index(target_tokens=20, on_result=results.append)
    (end,) = ends
    assert end.tags["notes"] == results[0].notes != []


def test_notes_are_in_haystacks_account(fake_model) -> None:
    documents = [haystack.Document(id=str(index), content=text) for index, text in enumerate(TEXTS)]
    account = TerselyRanker(target_tokens=2).run(QUESTION, documents)["account"]
    assert f"needs a budget of {account['smallest_useful_budget']} tokens" in account["notes"][0]


@every_framework
def test_a_marked_fragment_where_it_is_asked_for(fake_model, compress) -> None:
    assert compress(target_tokens=9) == []
    ((text, account),) = compress(target_tokens=9, fragments=True)
    assert "[...]" in text and account["compressed_tokens"] <= 9
