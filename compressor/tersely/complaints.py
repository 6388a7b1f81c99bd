"""What pydantic finds wrong with settings, in our words: which one, what is wrong, which value."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ValidationError

_LONGEST_VALUE = 200  # characters


def complaint(error: ValidationError, settings: type[BaseModel], never_shown: Collection[str] = ()) -> str:
    """One line.

    Args:
        error: what pydantic found.
        settings: what was to be made.
        never_shown: names of secrets, whose values are left out.
    """
    return "; ".join(_readable(detail, settings, never_shown) for detail in error.errors())


def _readable(detail: Any, settings: type[BaseModel], never_shown: Collection[str]) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    if not name:
        return message
    if detail["type"] == "extra_forbidden":
        return f"{name}: no such setting; there are {', '.join(settings.model_fields)}"
    message = f"{name}: {message[:1].lower()}{message[1:]}"
    return message if name in never_shown else f"{message}, got {_shown(detail['input'])}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
