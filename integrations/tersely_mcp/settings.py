"""Every setting of the MCP server: its range and its default. Imports nothing of the protocol."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from tersely import DEFAULT_MODEL, InvalidInputError
from tersely.errors import complaint
from tersely_server.settings import is_loopback

Transport = Literal["stdio", "http"]


class McpSettings(BaseModel):
    """How to serve an agent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    transport: Transport = "stdio"
    """`stdio` for an agent that starts this program, `http` (streamable HTTP) for agents that call it."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on, with `http`."""

    port: int = Field(default=8001, ge=0, le=65535)
    """The port to listen on, with `http`; its path is `/mcp`."""

    token: SecretStr | None = Field(default=None, min_length=16)
    """What agents must send as `Authorization: Bearer ...`, with `http`."""

    model: str = Field(default=DEFAULT_MODEL, min_length=1)
    """Scores the text: the embedded model's name, a folder, a `.gguf` file or a Hub id."""

    tokenizer: str | None = Field(default=None, min_length=1)
    """Counts the tokens, as in `Compressor`; by default `o200k_base`."""

    originals_bytes: int = Field(default=64_000_000, ge=0, le=100_000_000_000)
    """Keep so many bytes of compressed texts for the tool `retrieve`; 0 keeps none."""

    originals_seconds: float = Field(default=4 * 3_600.0, gt=0, le=30 * 86_400)
    """How long a text is kept after it was last compressed or asked for."""

    @model_validator(mode="after")
    def _check_token(self) -> McpSettings:
        if self.transport == "http" and self.token is None and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host!r} can be reached from other machines, and no token is set: set one "
                f"(TERSELY_SERVER_TOKEN or --token-file)"
            )
        return self


def mcp_settings(**values: Any) -> McpSettings:
    """Settings from plain values.

    Raises:
        InvalidInputError: a name is unknown or a value is out of range; the message names it, and never the token.
    """
    try:
        return McpSettings(**values)
    except ValidationError as error:
        raise InvalidInputError(complaint(error, McpSettings, never_shown=("token",))) from None
