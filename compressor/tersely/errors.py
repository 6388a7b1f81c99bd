"""Every error that Tersely raises on purpose, and pydantic's put into words.

Each message names what was wrong, the value, and what to do about it. No error ever changes the caller's documents.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ValidationError

_LONGEST_VALUE = 200  # characters


class TerselyError(Exception):
    """The parent of all errors below: catch this one to fall back to the uncompressed documents."""


class InvalidInputError(TerselyError, ValueError):
    """A document, a question or a setting cannot be used as it is."""


class ProtectedTextError(TerselyError, ValueError):
    """The text that must be kept is longer than the budget.

    Attributes:
        needed: tokens of the protected text, titles and separators included.
        target: tokens of the budget.
    """

    def __init__(self, needed: int, target: int) -> None:
        super().__init__(
            f"protected text alone takes {needed} tokens, {needed - target} more than the budget of {target}; "
            f"raise the budget to at least {needed} tokens or protect less"
        )
        self.needed = needed
        self.target = target


class ModelError(TerselyError, RuntimeError):
    """A scoring model cannot be found, checked or loaded."""


class TokenizerError(TerselyError, ValueError):
    """A tokenizer to count the budget with cannot be found or does not count."""


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
