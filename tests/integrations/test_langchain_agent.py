"""A LangChain agent with the middleware: a real loop, a model that says what it is told to."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("langchain.agents")

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_tersely import TerselyMiddleware
from langgraph.types import Command

from tersely import CompressionSettings, InvalidInputError, TerselyError

PAGES = "\n\n".join(f"Mill number {number} was built in {1700 + number} by the river." for number in range(80))
ROWS = json.dumps([{"mill": number, "built": 1700 + number} for number in range(80)])
QUESTION = "When was mill number 12 built?"


class ScriptedModel(GenericFakeChatModel):
    """Says what it is told to, and keeps what it was sent."""

    sent: list[list[Any]]

    def bind_tools(self, tools, **kwargs):
        return self

    def _generate(self, messages, *arguments, **options):
        self.sent.append(list(messages))
        return super()._generate(messages, *arguments, **options)


def asks(name: str, id: str = "1") -> AIMessage:
    return AIMessage(content="", tool_calls=[{"name": name, "args": {}, "id": id}])


@tool
def search() -> str:
    """Pages about mills."""
    return PAGES


@tool
def rows() -> str:
    """Rows about mills."""
    return ROWS


@tool
def short() -> str:
    """One page."""
    return "Mill number 12 was built in 1712."


@tool
def blocks() -> list[dict[str, Any]]:
    """Pages and a picture."""
    return [{"type": "text", "text": PAGES}, {"type": "image", "base64": "AAAA", "mime_type": "image/png"}]


@tool
def commands() -> Command:
    """Pages, and a change of the agent's state."""
    return Command(update={"messages": [ToolMessage(PAGES, tool_call_id="1")]})


@tool
def failed() -> ToolMessage:
    """An error with much to say."""
    return ToolMessage(PAGES, tool_call_id="1", status="error")


@tool(response_format="content_and_artifact")
def with_artifact() -> tuple[str, dict[str, int]]:
    """Pages, and something for the program."""
    return PAGES, {"pages": 80}


TOOLS = [search, rows, short, blocks, commands, failed, with_artifact]


def agent_of(answers, compressor, **options):
    model = ScriptedModel(messages=iter(answers), sent=[])
    middleware = TerselyMiddleware(compressor=compressor, **options)
    return create_agent(model, TOOLS, middleware=[middleware]), model


def result_of(name: str, compressor, **options) -> ToolMessage:
    """What the model is sent of a tool's result."""
    agent, model = agent_of([asks(name), AIMessage("In 1712.")], compressor, **options)
    agent.invoke({"messages": [HumanMessage(QUESTION)]})
    return next(message for message in model.sent[-1] if isinstance(message, ToolMessage))


def test_a_long_result_is_shortened_by_the_question(fake_compressor) -> None:
    message = result_of("search", fake_compressor, rate=0.25)
    expected = fake_compressor.compress(
        [PAGES], QUESTION, rate=0.25, settings=CompressionSettings(gap_marker=" [...] ")
    )
    assert message.content == expected.documents[0].text and "1712" in message.content
    assert message.artifact == PAGES and message.tool_call_id == "1"
    count = fake_compressor.tokenizer.count
    assert message.response_metadata["tersely"] == {
        "original_tokens": count(PAGES),
        "compressed_tokens": count(message.content),
    }


async def test_the_asynchronous_loop_does_the_same(fake_compressor) -> None:
    agent, model = agent_of([asks("search"), AIMessage("In 1712.")], fake_compressor, rate=0.25)
    await agent.ainvoke({"messages": [HumanMessage(QUESTION)]})
    assert model.sent[-1][-1].content == result_of("search", fake_compressor, rate=0.25).content


def test_what_the_model_has_read_never_changes(fake_compressor) -> None:
    answers = [asks("search"), AIMessage("In 1712."), asks("search", "2"), AIMessage("In 1770.")]
    agent, model = agent_of(answers, fake_compressor)
    state = agent.invoke({"messages": [HumanMessage(QUESTION)]})
    agent.invoke({"messages": [*state["messages"], HumanMessage("And number 70?")]})
    for earlier, later in zip(model.sent, model.sent[1:], strict=False):
        assert [message.content for message in later[: len(earlier)]] == [message.content for message in earlier]
    first, second = (message.content for message in model.sent[-1] if isinstance(message, ToolMessage))
    assert "1712" in first and "1770" in second and first != second


def test_each_text_is_compressed_once(fake_compressor) -> None:
    outcomes = []
    answers = [asks("search"), asks("short", "2"), asks("short", "3"), AIMessage("In 1712.")]
    agent, _ = agent_of(answers, fake_compressor, on_shortened=outcomes.append)
    agent.invoke({"messages": [HumanMessage(QUESTION)]})
    assert [bool(outcome.method) for outcome in outcomes] == [True, False, False]


def test_json_stays_json(fake_compressor) -> None:
    kept = json.loads(result_of("rows", fake_compressor).content)
    assert 0 < len(kept) < 80 and all(row in json.loads(ROWS) for row in kept)


def test_texts_among_other_blocks_are_shortened_in_place(fake_compressor) -> None:
    text, image = result_of("blocks", fake_compressor).content
    assert len(text["text"]) < len(PAGES) and text["type"] == "text"
    assert image == {"type": "image", "base64": "AAAA", "mime_type": "image/png"}


def test_messages_in_commands_are_shortened_too(fake_compressor) -> None:
    assert len(result_of("commands", fake_compressor).content) < len(PAGES)


def test_a_tools_own_artifact_stays(fake_compressor) -> None:
    message = result_of("with_artifact", fake_compressor)
    assert message.artifact == {"pages": 80} and len(message.content) < len(PAGES)


def test_errors_and_short_and_skipped_results_stay(fake_compressor) -> None:
    assert result_of("failed", fake_compressor).content == PAGES
    assert result_of("short", fake_compressor).content == "Mill number 12 was built in 1712."
    assert result_of("search", fake_compressor, skip=["search"]).content == PAGES
    assert result_of("search", fake_compressor, min_tokens=10_000).content == PAGES


def test_a_result_that_cannot_be_compressed_stays(fake_compressor, caplog) -> None:
    class Failing:
        tokenizer = fake_compressor.tokenizer

        def compress(self, *arguments, **options):
            raise TerselyError("no model")

    assert result_of("search", Failing()).content == PAGES
    assert "no model" in caplog.text


def test_a_wrong_setting_is_refused_at_once() -> None:
    with pytest.raises(InvalidInputError, match="rate"):
        TerselyMiddleware(rate=25)
    with pytest.raises(InvalidInputError, match="min_tokens"):
        TerselyMiddleware(min_tokens=-1)
