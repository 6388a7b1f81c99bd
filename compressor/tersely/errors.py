"""Every error that Tersely raises on purpose, and the one function that puts pydantic's errors into words.

Each message names what was wrong, the value, and what to do about it. No error ever changes the caller's documents.
"""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

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


def complaint(
    error: ValidationError,
    model: type[BaseModel] | None = None,
    *,
    whole: str | None = None,
    never_shown: Collection[str] = (),
    most: int | None = None,
) -> str:
    """What pydantic refused, in one line: the name of each value, what is wrong with it, and the value itself.

    Args:
        error: as pydantic raised it.
        model: what was to be made; its fields are listed where a name is unknown.
        whole: what has the fields, such as `the body`; it is named where one is unknown or missing.
        never_shown: names of secrets, whose values are left out.
        most: how many reasons are listed; by default all. How many more there are is said at the end.
    """
    details = error.errors(include_url=False, include_context=False)
    reasons = [_reason(detail, model, whole, never_shown) for detail in details[:most]]
    if len(details) > len(reasons):
        reasons.append(f"and {len(details) - len(reasons)} more")
    return "; ".join(reasons)


def _reason(
    detail: ErrorDetails, model: type[BaseModel] | None, whole: str | None, never_shown: Collection[str]
) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    if not name:
        return message
    if detail["type"] == "extra_forbidden" and model is not None:
        unknown = f"{whole} has an unknown field {name!r}" if whole else f"{name}: no such setting"
        return f"{unknown}; there are {', '.join(model.model_fields)}"
    if detail["type"] == "missing" and whole:
        return f"{whole} has no {name!r}, which is needed"
    message = f"{name}: {message[:1].lower()}{message[1:]}"
    if detail["type"] == "missing" or name in never_shown:  # the input of a missing field is all that stands around it
        return message
    return f"{message}, got {_shown(detail['input'])}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
