"""Every setting of the compressing proxy: its range and its default. Reads no file and no environment."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
)

from tersely.settings import number

_EXAMPLE = "give the base URL of the API, such as https://api.openai.com/v1"
_url = TypeAdapter(HttpUrl)


def _base_url(upstream: str) -> str:
    try:
        url = _url.validate_python(upstream)
    except ValidationError:
        raise ValueError(f"is no address that begins with http:// or https://; {_EXAMPLE}") from None
    if url.username or url.password:
        raise ValueError("must not hold a user name or password; give the upstream's key by itself")
    if url.query is not None or url.fragment is not None:
        raise ValueError(f"must end with the path, for the query of each request is forwarded; {_EXAMPLE}")
    if (url.path or "").rstrip("/").endswith(("/chat/completions", "/responses", "/messages")):
        raise ValueError(f"must not hold the path of a call; {_EXAMPLE}")
    return str(url).rstrip("/")


def _header_value(key: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", key.get_secret_value()):
        raise ValueError("must be printable ASCII characters without spaces, one at least")
    return key


class ProxySettings(BaseModel):
    """Where chat requests are forwarded to, and what counts as context in them.

    Texts that carry a `tersely` object count as context whatever is set here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    upstream: Annotated[str, AfterValidator(_base_url)]
    """The API, up to its version: `https://api.openai.com/v1`, `https://api.anthropic.com/v1`."""

    upstream_key: Annotated[SecretStr, AfterValidator(_header_value)] | None = None
    """Sent to the upstream instead of any credentials of the client: as the bearer token, or as Anthropic's key."""

    role: str | None = Field(default="tool", min_length=1)
    """Messages with this role are context as a whole; by default results of tools. None for none."""

    min_tokens: int = Field(default=500, ge=0)
    """Messages of that role with fewer tokens stay as they are."""

    tag: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.-]*$")
    """Text between this tag and its end is context: with `context`, that between `<context>` and `</context>`."""

    rate: Annotated[float, BeforeValidator(number)] = Field(default=0.5, gt=0, le=1)
    """Compressed / original tokens of context that does not say its own rate or target."""

    memory_bytes: int = Field(default=64 * 2**20, ge=0)
    """Of compressed texts that are held in memory for the next turn of their conversation."""

    fail_open: bool = True
    """Where compression fails, forward the original instead of answering with an error."""

    timeout: float = Field(default=600.0, gt=0, le=86_400)
    """Seconds without a byte from the upstream after which it is given up."""
