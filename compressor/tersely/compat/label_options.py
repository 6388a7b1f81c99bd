"""The parameters of llmlingua that only LLMLingua-2 has -> Tersely's settings, and its share of whole contexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from tersely.compat.numbers import read_number


class LabelOptions(NamedTuple):
    """What one call asks for of a token classifier.

    Attributes:
        settings: by the names of `CompressionSettings`, which checks them.
        target_context: how many contexts go on; None for no such number.
        context_rate: the share of the contexts that goes on; 1 for none given.
        context_tokens: the same as tokens of all contexts; None for none given.
    """

    settings: dict[str, Any]
    target_context: float | None
    context_rate: float
    context_tokens: float | None

    def share_of_contexts(self, contexts: int, tokens: int, rate: float, by_target: bool) -> float:
        """The share of the contexts that goes on to the choice of words, as llmlingua 0.2.2 has it.

        Args:
            contexts: how many there are.
            tokens: of all of them.
            rate: the share of their tokens to keep.
            by_target: whether the caller gave tokens to keep, and no rate.
        """
        share = self.context_rate
        if self.target_context is None and self.context_tokens is None and share >= 1:
            share = 2 * rate if by_target else (rate + 1) / 2
        if self.target_context is not None:
            share = self.target_context / contexts
        if self.context_tokens is not None:
            share = self.context_tokens / max(tokens, 1)
        return min(share, 1.0)


def read_label_options(arguments: Mapping[str, Any], force_words: Sequence[str]) -> LabelOptions:
    """The options of a call.

    Args:
        arguments: the call's, by llmlingua's names; those that a function has not may be missing.
        force_words: those of `force_tokens` that are words.

    Raises:
        InvalidInputError: a number cannot be used; the message names its parameter.
    """
    settings = {
        name: arguments[name] for name in ("token_to_word", "drop_consecutive", "chunk_end_tokens") if name in arguments
    }
    return LabelOptions(
        {**settings, "force_tokens": tuple(word.strip() for word in force_words)},
        _given(arguments, "target_context"),
        read_number(arguments, "context_level_rate", 1.0, 0, 1),
        _given(arguments, "context_level_target_token"),
    )


def _given(arguments: Mapping[str, Any], name: str) -> float | None:
    """A number of things, None where it is -1, which is llmlingua's word for that."""
    number = read_number(arguments, name, -1, -1, inf)
    return None if number < 0 else number
