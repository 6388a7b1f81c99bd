"""`TerselyMiddleware`: shortens the long tool results of a LangChain agent once, at the turn in which they come.

What the model has read is never rewritten, so the provider's prompt cache stays valid. The rules are Tersely's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import run_in_executor
from langgraph.types import Command

from tersely import DEFAULT_MODEL, Compressor
from tersely.settings import takes_settings
from tersely.tool_results import MIN_TOKENS, Shortened, ToolResults

METADATA_KEY = "tersely"


class TerselyMiddleware(AgentMiddleware[Any, Any, Any]):
    """Shortens tool results of at least `min_tokens` tokens by what the user asked.

    JSON stays JSON. Errors, results of tools in `skip`, and what is no text stay as they are. The original stands in
    the message's `artifact`, which no model sees, unless the tool put something there itself.

    Args:
        min_tokens: texts with fewer tokens stay as they are.
        skip: names of tools whose results stay as they are.
        model: scores the text: the embedded default's name, a folder, a `.gguf` file or a Hub id. Loaded at first use.
        tokenizer: counts the tokens.
        compressor: an existing compressor, instead of `model` and `tokenizer`.
        on_shortened: called with what became of each text.
        settings: those of `tersely.CompressionSettings`; by default `rate=0.5` and `gap_marker=" [...] "`.

    Raises:
        InvalidInputError: a setting is unknown or out of range; the message names it.

    Example:
        >>> agent = create_agent(model, tools, middleware=[TerselyMiddleware(rate=0.25)])
    """

    def __init__(
        self,
        *,
        min_tokens: int = MIN_TOKENS,
        skip: Collection[str] = (),
        model: str | PathLike[str] = DEFAULT_MODEL,
        tokenizer: str | None = None,
        compressor: Compressor | None = None,
        on_shortened: Callable[[Shortened], Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self._skip = frozenset(skip)
        self._results = ToolResults(
            min_tokens=min_tokens,
            model=model,
            tokenizer=tokenizer,
            compressor=compressor,
            on_shortened=on_shortened,
            **settings,
        )

    if not TYPE_CHECKING:  # the signature names every setting
        __init__ = takes_settings()(__init__)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        """Called by the agent for each tool call."""
        return self._shortened(request, handler(request))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
    ) -> ToolMessage | Command[Any]:
        """Called by the agent for each tool call; the work is done in a thread."""
        return await run_in_executor(None, self._shortened, request, await handler(request))

    def _shortened(self, request: ToolCallRequest, result: ToolMessage | Command[Any]) -> ToolMessage | Command[Any]:
        if request.tool_call["name"] in self._skip:
            return result
        question = _question(request.state)
        if isinstance(result, ToolMessage):
            return self._message(result, question)
        if isinstance(result, Command) and isinstance(result.update, dict) and "messages" in result.update:
            messages = [
                self._message(message, question) if isinstance(message, ToolMessage) else message
                for message in result.update["messages"]
            ]
            return replace(result, update={**result.update, "messages": messages})
        return result

    def _message(self, message: ToolMessage, question: str | None) -> ToolMessage:
        """The message with its texts shortened; the same object where nothing is."""
        if message.status == "error":
            return message
        outcomes: list[Shortened] = []

        def shorten(block: Any) -> Any:
            text = block.get("text") if isinstance(block, dict) and block.get("type") == "text" else block
            if not isinstance(text, str):
                return block
            outcome = self._results.shorten(text, question)
            outcomes.append(outcome)
            return outcome.text if block is text else {**block, "text": outcome.text}

        content = message.content
        shorter = shorten(content) if isinstance(content, str) else [shorten(block) for block in content]
        if not any(outcome.method for outcome in outcomes):
            return message
        account = {
            "original_tokens": sum(outcome.original_tokens for outcome in outcomes),
            "compressed_tokens": sum(outcome.compressed_tokens for outcome in outcomes),
        }
        return message.model_copy(
            update={
                "content": shorter,
                "artifact": content if message.artifact is None else message.artifact,
                "response_metadata": {**message.response_metadata, METADATA_KEY: account},
            }
        )


def _question(state: Any) -> str | None:
    """What the user asked last: tool results belong to that turn."""
    messages: Sequence[BaseMessage]
    if isinstance(state, dict):
        messages = state.get("messages", ())
    else:
        messages = state if isinstance(state, list) else getattr(state, "messages", ())
    for message in reversed(messages):
        if isinstance(message, HumanMessage) and str(message.text).strip():
            return str(message.text)
    return None
