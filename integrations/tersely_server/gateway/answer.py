"""The request and the answer of the gateways' contract, as the OpenAPI document shows them.

LiteLLM (from 1.92 on) and Portkey post `messages` and `model`, and put the answer's `messages` in place of theirs.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class MessagesRequest(BaseModel):
    """A conversation, its long tool results to be compressed; messages of OpenAI's or Anthropic's shape."""

    model_config = ConfigDict(extra="allow")

    messages: list[Any] = Field(description="The conversation, or the part of it that may be changed.")
    model: str | None = Field(default=None, description="The model it is for. Named in the log of a gateway; not used.")
    config: Any = Field(
        default=None,
        description="Options by the names that gateways use: `target_ratio` and `compress_user_messages`.",
    )


class CompressedText(BaseModel):
    """One text that was compressed."""

    message: int = Field(description="Position of its message, from 0.")
    original_tokens: int
    compressed_tokens: int
    method: str
    id: str | None = Field(default=None, description="For `GET /v1/retrieve/{id}`; null where originals are not kept.")


class MessagesResult(BaseModel):
    """As many messages as there were, in their order; only texts in them are shorter."""

    messages: list[Any]
    tokens_before: int = Field(description="Tokens of all texts in the messages, before.")
    tokens_after: int
    tokens_saved: int
    compression_ratio: float = Field(description="tokens_after / tokens_before, as gateways use the word.")
    transforms_applied: list[str] = Field(description="What was done, for a gateway's log.")
    ccr_hashes: list[str] = Field(description="The ids in `texts`: LiteLLM lets the model ask for these originals.")
    texts: list[CompressedText]
    notes: list[str] = Field(description="Which long texts stayed as they were, and why.")
