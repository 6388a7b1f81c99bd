"""Every error that Tersely raises on purpose. Nothing else lives here.

Each message names what was wrong, the value, and what to do about it. No error ever changes the caller's documents.
"""

from __future__ import annotations


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
