"""Agents of LlamaIndex that shorten long tool results once, at the step in which they come.

What the LLM has read is never rewritten, so the provider's prompt cache stays valid. The rules are Tersely's own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.agent.workflow.workflow_events import ToolCallResult
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock
from llama_index.core.bridge.pydantic import Field
from llama_index.core.memory import BaseMemory
from llama_index.core.tools import ToolOutput
from llama_index.core.workflow import Context

from tersely.tool_results import ToolResults

if TYPE_CHECKING:
    from llama_index.core.agent.workflow import BaseWorkflowAgent

    _Agent = BaseWorkflowAgent
else:
    _Agent = object

_HANDS_OVER = "handoff"  # the tool that gives the conversation to another agent


class ShortToolResults(_Agent):
    """Put it before an agent's class, and that agent shortens its tool results by what the user asked.

    JSON stays JSON. Errors, results that go to the user directly, and what is no text stay as they are. Events and the
    agent's own list of tool calls carry the whole results: `raw_output` is never changed.

    Attributes:
        tool_results: which results are shortened, and how; by default those of 500 tokens and more, to half.

    Example:
        >>> class Agent(ShortToolResults, FunctionAgent): ...
        >>> agent = Agent(tools=tools, llm=llm, tool_results=ToolResults(rate=0.25))
    """

    tool_results: ToolResults = Field(default_factory=ToolResults, exclude=True)

    async def handle_tool_call_results(self, ctx: Context, results: list[ToolCallResult], memory: BaseMemory) -> None:
        """Called by the workflow with the results of a step."""
        question = _question(await memory.aget_all())
        shorter = [await asyncio.to_thread(self._shortened, result, question) for result in results]
        await super().handle_tool_call_results(ctx, shorter, memory)  # type: ignore[safe-super]  # the agent's own

    def _shortened(self, result: ToolCallResult, question: str | None) -> ToolCallResult:
        output = result.tool_output
        if output.is_error or result.return_direct or result.tool_name == _HANDS_OVER:
            return result
        outcomes = {
            number: self.tool_results.shorten(block.text, question)
            for number, block in enumerate(output.blocks)
            if isinstance(block, TextBlock)
        }
        if not any(outcome.method for outcome in outcomes.values()):
            return result
        blocks = [
            block.model_copy(update={"text": outcomes[number].text}) if number in outcomes else block
            for number, block in enumerate(output.blocks)
        ]
        shorter = ToolOutput(
            tool_name=output.tool_name, blocks=blocks, raw_input=output.raw_input, raw_output=output.raw_output
        )
        fields: dict[str, Any] = {name: getattr(result, name) for name in ("tool_name", "tool_kwargs", "tool_id")}
        return ToolCallResult(**fields, tool_output=shorter, return_direct=result.return_direct)


class TerselyFunctionAgent(ShortToolResults, FunctionAgent):
    """A `FunctionAgent` that shortens long tool results."""


class TerselyReActAgent(ShortToolResults, ReActAgent):
    """A `ReActAgent` that shortens long tool results."""


def _question(messages: list[ChatMessage]) -> str | None:
    """What the user asked last: tool results belong to that turn."""
    for message in reversed(messages):
        if message.role == MessageRole.USER and (message.content or "").strip():
            return message.content
    return None
