"""What of a conversation is compressed for a gateway, and how: ranges, defaults, and the same options by header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tersely import InvalidInputError, MethodName
from tersely.errors import complaint
from tersely.settings import number

ID = "{id}"  # in a gap marker, for the id of the kept original
_HEADER_PREFIX = "x-tersely-"
# What gateways call these settings in the `config` of a request.
_GATEWAY_NAMES = {"target_ratio": "rate", "compress_user_messages": "user_messages"}


class GatewaySettings(BaseModel):
    """How messages are compressed. A header sets a field for one request, such as `x-tersely-min-tokens`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rate: Annotated[float, BeforeValidator(number)] = Field(default=0.5, gt=0, le=1)
    """Compressed / original tokens of each text that is compressed."""

    min_tokens: int = Field(default=500, ge=1)
    """Texts with fewer tokens stay as they are."""

    method: MethodName | None = None
    """How to choose; by default `evidence` where the turn's question is known, else `salience`."""

    gap_marker: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")] = " [...] "
    """Stands in a text where something was left out; `{id}` in it becomes the id of the kept original."""

    context_tag: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.-]*$")
    """Text of the user between this tag and its end is retrieved context, compressed whatever the message."""

    user_messages: bool = False
    """Also compress messages of the user, but for the last one of each turn."""

    def with_headers(self, headers: Mapping[str, str]) -> GatewaySettings:
        """These settings with those of a request's headers in place of their own.

        Raises:
            InvalidInputError: a value cannot be used; the message names the header.
        """
        given = {name: headers[header] for name, header in option_headers().items() if header in headers}
        return self._overridden(given, "header ")

    def with_config(self, config: Any) -> GatewaySettings:
        """These settings with those that a gateway's own `config` names; what it names beside them is not used.

        Raises:
            InvalidInputError: a value cannot be used; the message names it.
        """
        if not isinstance(config, Mapping):
            return self
        given = {_GATEWAY_NAMES[name]: value for name, value in config.items() if name in _GATEWAY_NAMES}
        return self._overridden({name: value for name, value in given.items() if value is not None}, "config: ")

    def _overridden(self, given: Mapping[str, Any], where: str) -> GatewaySettings:
        if not given:
            return self
        try:
            return GatewaySettings.model_validate({**self.model_dump(), **given})
        except ValidationError as error:
            raise InvalidInputError(f"{where}{complaint(error, GatewaySettings)}") from None


def option_headers() -> dict[str, str]:
    """For each setting the header that sets it for one request."""
    return {name: _HEADER_PREFIX + name.replace("_", "-") for name in GatewaySettings.model_fields}
