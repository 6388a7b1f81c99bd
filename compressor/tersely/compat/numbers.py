"""A number among llmlingua's parameters, within its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from tersely.errors import InvalidInputError


def read_number(arguments: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    """A parameter's value as a number; the default where it is not given.

    Raises:
        InvalidInputError: it is no number, or out of its bounds; the message names it.
    """
    value = arguments.get(name, default)
    try:
        number = float(value) if not isinstance(value, (bool, str)) else None
    except (TypeError, ValueError):
        number = None
    if number is None or not least <= number <= most or number == inf:
        limit = f"at least {least:g}" if most == inf else f"from {least:g} to {most:g}"
        raise InvalidInputError(f"{name} must be a number, {limit}, got {value!r}")
    return number
