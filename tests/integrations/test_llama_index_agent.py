"""LlamaIndex agents that shorten tool results: real workflows, an LLM that says what it is told to."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("llama_index.core")

from llama_index.core.agent.workflow import AgentWorkflow
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata, MessageRole
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool
from llama_index.postprocessor.tersely.agents import TerselyFunctionAgent, TerselyReActAgent

from tersely import CompressionSettings, TerselyError
from tersely.tool_results import ToolResults

# LlamaIndex's own use of what pydantic and its workflows have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
]

PAGES = "\n\n".join(f"Mill number {number} was built in {1700 + number} by the river." for number in range(80))
ROWS = json.dumps([{"mill": number, "built": 1700 + number} for number in range(80)])
QUESTION = "When was mill number 12 built?"


class ScriptedLLM(FunctionCallingLLM):
    """Says what it is told to, or asks for the tool that it is told; keeps what it was sent."""

    script: list[Any]
    sent: list[Any]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_function_calling_model=True, is_chat_model=True)

    def _next(self, messages) -> ChatResponse:
        self.sent.append([message.model_copy(deep=True) for message in messages])
        name = self.script.pop(0)
        calls = (
            [ToolSelection(tool_id=str(len(self.sent)), tool_name=name[1:], tool_kwargs={})] if name[0] == "!" else []
        )
        content = "" if calls else name
        message = ChatMessage(role=MessageRole.ASSISTANT, content=content, additional_kwargs={"calls": calls})
        return ChatResponse(message=message)

    def get_tool_calls_from_response(self, response, error_on_no_tool_call=True, **options):
        return response.message.additional_kwargs["calls"]

    def _prepare_chat_with_tools(self, tools, user_msg=None, chat_history=None, **options):
        return {"messages": list(chat_history or [])}

    async def achat(self, messages, **options):
        return self._next(messages)

    def chat(self, messages, **options):
        return self._next(messages)

    def complete(self, *arguments, **options):
        raise NotImplementedError

    stream_chat = stream_complete = acomplete = astream_chat = astream_complete = complete


def search() -> str:
    """Pages about mills."""
    return PAGES


def rows() -> str:
    """Rows about mills."""
    return ROWS


def short() -> str:
    """One page."""
    return "Mill number 12 was built in 1712."


def fails() -> str:
    """Fails."""
    raise ValueError(PAGES)


def agent_of(script, compressor, kind=TerselyFunctionAgent, direct=False, **options):
    tools = [FunctionTool.from_defaults(tool, return_direct=direct) for tool in (search, rows, short, fails)]
    llm = ScriptedLLM(script=list(script), sent=[])
    results = ToolResults(compressor=compressor, **options)
    return kind(tools=tools, llm=llm, streaming=False, tool_results=results), llm


async def result_of(name: str, compressor, **options) -> str:
    agent, llm = agent_of([f"!{name}", "In 1712."], compressor, **options)
    await agent.run(QUESTION)
    assert llm.sent[-1][-1].role == MessageRole.TOOL
    return llm.sent[-1][-1].content


async def test_a_long_result_is_shortened_by_the_question(fake_compressor) -> None:
    text = await result_of("search", fake_compressor, rate=0.25)
    settings = CompressionSettings(gap_marker=" [...] ")
    assert text == fake_compressor.compress([PAGES], QUESTION, rate=0.25, settings=settings).documents[0].text
    assert "1712" in text


async def test_what_the_llm_has_read_never_changes(fake_compressor) -> None:
    script = ["!search", "!short", "In 1712.", "!search", "In 1770."]
    outcomes = []
    agent, llm = agent_of(script, fake_compressor, on_shortened=outcomes.append)
    memory = ChatMemoryBuffer.from_defaults(token_limit=100_000)
    await agent.run(QUESTION, memory=memory)
    await agent.run("And number 70?", memory=memory)
    for earlier, later in zip(llm.sent, llm.sent[1:], strict=False):
        assert [message.content for message in later[: len(earlier)]] == [message.content for message in earlier]
    first, _, second = (message.content for message in llm.sent[-1] if message.role == MessageRole.TOOL)
    assert "1712" in first and "1770" in second and first != second
    assert [bool(outcome.method) for outcome in outcomes] == [True, False, True]


async def test_the_whole_result_stays_with_the_program(fake_compressor) -> None:
    agent, _ = agent_of(["!search", "In 1712."], fake_compressor)
    output = await agent.run(QUESTION)
    assert output.tool_calls[0].tool_output.raw_output == PAGES


async def test_json_stays_json(fake_compressor) -> None:
    kept = json.loads(await result_of("rows", fake_compressor))
    assert 0 < len(kept) < 80 and all(row in json.loads(ROWS) for row in kept)


async def test_short_results_and_errors_stay(fake_compressor) -> None:
    assert await result_of("short", fake_compressor) == "Mill number 12 was built in 1712."
    assert PAGES in await result_of("fails", fake_compressor)


async def test_what_goes_to_the_user_directly_is_whole(fake_compressor) -> None:
    agent, _ = agent_of(["!search"], fake_compressor, direct=True)
    assert (await agent.run(QUESTION)).response.content == PAGES


async def test_a_result_that_cannot_be_compressed_stays(fake_compressor) -> None:
    class Failing:
        tokenizer = fake_compressor.tokenizer

        def compress(self, *arguments, **options):
            raise TerselyError("no model")

    assert await result_of("search", Failing()) == PAGES


async def test_a_react_agent_shortens_its_observations(fake_compressor) -> None:
    script = ["Thought: I need pages.\nAction: search\nAction Input: {}", "Thought: I can answer.\nAnswer: In 1712."]
    agent, llm = agent_of(script, fake_compressor, kind=TerselyReActAgent)
    await agent.run(QUESTION)
    observation = next(message.content for message in llm.sent[-1] if "Observation" in (message.content or "")[:20])
    assert "1712" in observation and len(observation) < len(PAGES)


async def test_an_agent_in_a_workflow_of_several(fake_compressor) -> None:
    agent, llm = agent_of(["!search", "In 1712."], fake_compressor)
    await AgentWorkflow(agents=[agent], root_agent=agent.name).run(QUESTION)
    assert len(llm.sent[-1][-1].content) < len(PAGES)
