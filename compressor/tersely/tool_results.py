"""One text of an agent made shorter, or left as it is where that would mislead: what every guest for agents shares.

Decides when a text stays whole. What is kept of it is the compressor's choice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from tersely.result import CompressionResult
from tersely.settings import CompressionSettings, settings_from

_NEED_A_QUESTION = ("evidence", "longllmlingua")


class Shortened(NamedTuple):
    """What became of a text.

    Attributes:
        text: shorter, or as it was.
        original_tokens, compressed_tokens: of the text before and after; equal where it stays as it was.
        method: that chose what was kept; None where the text stays as it was.
        reason: why a text that is long enough stays as it was.
    """

    text: str
    original_tokens: int
    compressed_tokens: int
    method: str | None = None
    reason: str | None = None


def shortened(
    text: str,
    question: str | None,
    settings: CompressionSettings,
    compress: Callable[..., CompressionResult],
    count: Callable[[str], int],
    *,
    min_tokens: int = 0,
    ending: str = "",
) -> Shortened:
    """A tool's result, shortened to its budget by the question of its turn.

    JSON comes out as JSON, without gap marker and ending. A text stays as it is if it has too few tokens, if nothing of
    it fits the budget, or if it would become no shorter.

    Args:
        text: the tool's result.
        question: what the agent was asked; without one, what is kept is chosen without.
        settings: with the budget.
        compress: does the work: called with a list of the text, the question and `settings`.
        count: gives the tokens of a text.
        min_tokens: a text with fewer stays as it is.
        ending: stands after what is kept, such as a reference to the original; part of the budget.

    Raises:
        TerselyError: as `Compressor.compress`.

    Example:
        >>> compressor = Compressor()
        >>> settings = CompressionSettings(rate=0.5)
        >>> shortened(log, "Why did it fail?", settings, compressor.compress, compressor.tokenizer.count).text
    """
    tokens = count(text)
    if tokens < min_tokens:
        return Shortened(text, tokens, tokens)
    settings.check_budget()
    options = settings.model_dump(exclude_unset=True)
    if question is None and settings.method in _NEED_A_QUESTION:
        del options["method"]
    has_records = is_json(text)
    if has_records:
        options.pop("gap_marker", None)
        ending = ""
    if ending:
        target = int(options.pop("rate") * tokens) if settings.rate is not None else options["target_tokens"]
        options["target_tokens"] = max(target - count(ending), 1)
    result = compress([text], question, settings=settings_from(options))

    def stays(reason: str) -> Shortened:
        return Shortened(text, tokens, tokens, reason=reason)

    kept = result.documents[0].text if result.documents else ""
    if not kept:
        return stays("nothing of it fits the budget")
    if has_records and not is_json(kept):
        return stays("what would be left of it is no JSON")
    compressed_tokens = count(kept + ending)
    if compressed_tokens >= tokens:
        return stays("it would be no shorter")
    return Shortened(kept + ending, tokens, compressed_tokens, result.method)


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or array."""
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False
