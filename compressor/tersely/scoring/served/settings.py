"""Where a served model is and how patiently it is asked: each setting once, with its default."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, SecretStr, TypeAdapter, ValidationError

from tersely.errors import ModelError, complaint

_PREFIX = "TERSELY_SERVED_"
# The names that OpenAI's own clients read.
_STANDARD = {"base_url": "OPENAI_BASE_URL", "api_key": "OPENAI_API_KEY"}
_url = TypeAdapter(HttpUrl)


def _address(text: str) -> str:
    try:
        return str(_url.validate_python(text)).rstrip("/")
    except ValidationError:
        raise ValueError("must begin with http:// or https://, such as http://localhost:8000/v1") from None


class ServedSettings(BaseModel):
    """How a served model is reached.

    From the environment each is `TERSELY_SERVED_` with its name in capitals; address and key also have their usual
    names, `OPENAI_BASE_URL` and `OPENAI_API_KEY`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    base_url: Annotated[str, AfterValidator(_address)]
    """The OpenAI-compatible API, such as `http://localhost:8000/v1`."""

    api_key: SecretStr | None = None
    """Sent as the bearer token; by default none is."""

    tokenizer: str | None = None
    """A folder or Hub id of the model's tokenizer, for a server that does not tokenize; by default the server does."""

    timeout: float = Field(default=60.0, gt=0)
    """Seconds to wait for an answer."""

    retries: int = Field(default=3, ge=0)
    """How often a request is sent again that was not answered in time, or with 429 or 5xx."""

    backoff: float = Field(default=0.5, ge=0)
    """Seconds before the first retry; each later one waits twice as long."""

    prompts: int = Field(default=16, ge=1)
    """Prompts in one request."""

    parallel: int = Field(default=4, ge=1)
    """Requests at once."""

    context_length: int | None = Field(default=None, ge=16)
    """Tokens that the model reads at once; by default as many as the server says, at most 4096."""


def settings_from_environment() -> ServedSettings:
    """The settings that the environment says.

    Raises:
        ModelError: the address is missing or a value cannot be used; the message names the variable.
    """
    values: dict[str, str] = {}
    for name in ServedSettings.model_fields:
        value = os.environ.get(f"{_PREFIX}{name.upper()}") or os.environ.get(_STANDARD.get(name, ""))
        if value:
            values[name] = value
    if "base_url" not in values:
        raise ModelError(
            "a served model needs the address of its server: set OPENAI_BASE_URL, such as http://localhost:8000/v1"
        )
    try:
        return ServedSettings.model_validate(values)
    except ValidationError as error:
        reason = complaint(error, ServedSettings, never_shown=["api_key"])
        raise ModelError(f"{_PREFIX}*: {reason}") from None
