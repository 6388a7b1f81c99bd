"""Every setting of the HTTP service: its range and its default. Reads no file and no environment."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from tersely import DEFAULT_MODEL, InvalidInputError
from tersely.errors import complaint
from tersely_server.gateway.settings import ID, GatewaySettings
from tersely_server.proxy.settings import ProxySettings

_SHORTEST_TOKEN = 16  # characters
_NEVER_SHOWN = ("token", "proxy.upstream_key", "proxy.upstream")  # an address can hold a password


def _host_name(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError("must be a name alone, without http://, port and path, such as tersely.internal")
    return name.lower()


class ServerSettings(BaseModel):
    """How to serve. Sizes are of one HTTP request; the prompts of a batch count together."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on: an IP address, or a name such as `localhost`."""

    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 takes one that is free."""

    token: SecretStr | None = None
    """What callers must send as `Authorization: Bearer ...`; at least 16 printable ASCII characters without spaces."""

    allow_anonymous: bool = False
    """Listen beyond this machine though there is no token."""

    allowed_hosts: tuple[Annotated[str, AfterValidator(_host_name)], ...] = ()
    """Names that the service is called by without a token, beside those of this machine, such as `tersely.internal`."""

    model: str = Field(default=DEFAULT_MODEL, min_length=1)
    """Scores the text: the embedded model's name, a folder, a `.gguf` file or a Hub id."""

    tokenizer: str | None = Field(default=None, min_length=1)
    """Counts the budget, as in `Compressor`; by default `o200k_base`."""

    threads: int = Field(default=8, ge=1, le=256)
    """How many requests are compressed at once; they share one model."""

    queue: int = Field(default=32, ge=0, le=10_000)
    """How many more requests may wait; further ones are refused with 429."""

    max_body_bytes: int = Field(default=4_000_000, ge=1_000, le=1_000_000_000)
    """The largest body of a request, in bytes."""

    max_documents: int = Field(default=1_000, ge=1, le=1_000_000)
    """The most documents in a request."""

    max_tokens: int = Field(default=200_000, ge=1, le=100_000_000)
    """The most tokens of documents, titles, questions and instructions in a request."""

    request_seconds: float = Field(default=60.0, gt=0, le=86_400)
    """The longest time for a client to send its body, and then for the service to answer it, waiting included."""

    max_connections: int = Field(default=1_000, ge=1, le=1_000_000)
    """The most connections at once; never more than half of the files that the process may open."""

    header_seconds: float = Field(default=10.0, gt=0, le=86_400)
    """How long a connection may stay open before the headers of a request are there."""

    shutdown_seconds: float = Field(default=25.0, ge=0, le=86_400)
    """How long requests may go on after SIGTERM."""

    proxy: ProxySettings | None = None
    """Also forward to an OpenAI-compatible API, with the context in its requests compressed."""

    gateway: GatewaySettings = GatewaySettings()
    """What of the conversations of a gateway is compressed, and how."""

    originals_bytes: int = Field(default=0, ge=0, le=100_000_000_000)
    """Of compressed conversations, keep so many bytes of original texts for `/v1/retrieve`; by default none."""

    originals_seconds: float = Field(default=3_600.0, gt=0, le=30 * 86_400)
    """How long an original is kept after it was last sent or asked for."""

    log_text: bool = False
    """Log documents, questions and error messages; by default no text of a request is ever logged."""

    @field_validator("token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None:
            return None
        text = token.get_secret_value()
        if len(text) < _SHORTEST_TOKEN or not all("!" <= character <= "~" for character in text):
            raise ValueError(
                f"must have at least {_SHORTEST_TOKEN} printable ASCII characters and no spaces, such as the output of "
                f"`openssl rand -hex 32`"
            )
        return token

    @model_validator(mode="after")
    def _check_anonymous(self) -> ServerSettings:
        if self.token is None and not self.allow_anonymous and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host!r} can be reached from other machines, and no token is set: set one "
                f"(TERSELY_SERVER_TOKEN or --token-file), or let anybody in with allow_anonymous (--allow-anonymous)"
            )
        return self

    @model_validator(mode="after")
    def _check_marker(self) -> ServerSettings:
        if ID in self.gateway.gap_marker and not self.originals_bytes:
            raise ValueError(f"gateway.gap_marker: {ID} needs kept originals: set originals_bytes (--originals-bytes)")
        return self


def server_settings(**values: Any) -> ServerSettings:
    """Settings from plain values.

    Raises:
        InvalidInputError: a name is unknown or a value is out of range; the message names it, and never the token.
    """
    try:
        return ServerSettings(**values)
    except ValidationError as error:
        raise InvalidInputError(complaint(error, ServerSettings, never_shown=_NEVER_SHOWN)) from None


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine's own loopback address, which no other machine can reach."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
