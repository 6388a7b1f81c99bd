"""Which parameters of llmlingua have a meaning on which path, and the warning that names the others.

A parameter that no path lists as used is named in a warning: so a new one cannot be forgotten in silence.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from tersely.compat.options import words_and_signs

# Those that each path uses whatever the method. `Options.used` has those that depend on the method.
BUDGET = {"rate", "target_token"}
FORCED = {"force_tokens", "force_reserve_digit", "force_context_ids"}
PROMPT = {"instruction", "question", "add_instruction", "concate_question"}
SEGMENTS = {"context_segs", "context_segs_rate", "context_segs_compress", "strict_preserve_uncompressed"}
PLAIN = {"keep_first_sentence", "keep_last_sentence", "reorder_context", "force_context_number"}
IN_LIST = {"use_context_level_filter", "return_word_label", "word_sep", "label_sep"}


def given(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call of `function` that differ from their defaults."""
    parameters = inspect.signature(function).parameters
    return {
        name: value
        for name, value in arguments.items()
        if name in parameters
        and parameters[name].default is not inspect.Parameter.empty
        and _differ(value, parameters[name].default)
    }


def warn_of(arguments: Mapping[str, Any], used: Collection[str], notes: Sequence[str] = ()) -> None:
    """One warning, at the line that called the public function, that names what has no meaning here; or none.

    Args:
        arguments: those that differ from their defaults.
        used: names of those that have a meaning.
        notes: what else the caller should know.
    """
    # Names alone: a value may be a key that must not be logged.
    shown = ", ".join(name for name in arguments if name not in used)
    sentences = [f"no meaning here, and no effect: {shown}"] if shown else []
    if sentences or notes:
        warnings.warn(f"tersely.compat.llmlingua: {'; '.join([*sentences, *notes])}", UserWarning, stacklevel=3)


def notes_of_force_tokens(force_tokens: Sequence[str]) -> list[str]:
    """What the caller should know of `force_tokens`, for the warning."""
    _, signs = words_and_signs(force_tokens)
    return [f"force_tokens {signs} are no words: signs stay with the words that they stand at"] if signs else []


def _differ(value: Any, default: Any) -> bool:
    try:
        return bool(value != default)
    except ValueError:  # an array compares its elements
        return True
