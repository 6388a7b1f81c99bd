"""One text of an agent made shorter, or left as it is where that would mislead: what every guest for agents shares.

Decides when a text stays whole. What is kept of it is the compressor's choice.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from os import PathLike
from typing import Any, NamedTuple

from tersely.compressor import Compressor, shared_compressor
from tersely.errors import InvalidInputError, TerselyError
from tersely.result import CompressionResult
from tersely.scoring import DEFAULT_MODEL
from tersely.settings import CompressionSettings, settings_from

MIN_TOKENS = 500
GAP_MARKER = " [...] "
_RATE = 0.5

_logger = logging.getLogger("tersely")

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


class ToolResults:
    """Shortens the long tool results of an agent, for frameworks: with defaults, and without an error.

    Args:
        min_tokens: a text with fewer stays as it is.
        model, tokenizer: as in `Compressor`; loaded at first use, once a process.
        compressor: an existing compressor, instead of both.
        on_shortened: called with what became of each text.
        settings: those of `CompressionSettings`; by default a rate of 0.5, and `" [...] "` where something is left out.

    Raises:
        InvalidInputError: a setting is unknown or out of range; the message names it.

    Example:
        >>> results = ToolResults(target_tokens=400)
        >>> results.shorten(log, "Why did it fail?")
    """

    def __init__(
        self,
        *,
        min_tokens: int = MIN_TOKENS,
        model: str | PathLike[str] = DEFAULT_MODEL,
        tokenizer: Any = None,
        compressor: Compressor | None = None,
        on_shortened: Callable[[Shortened], Any] | None = None,
        **settings: Any,
    ) -> None:
        if isinstance(min_tokens, bool) or not isinstance(min_tokens, int) or min_tokens < 0:
            raise InvalidInputError(f"min_tokens must be a whole number, 0 or more, got {min_tokens!r}")
        checked = settings_from({"gap_marker": GAP_MARKER, **settings})
        has_budget = checked.rate is not None or checked.target_tokens is not None
        self.settings = checked if has_budget else checked.overridden(rate=_RATE)
        self._min_tokens, self._compressor, self._on_shortened = min_tokens, compressor, on_shortened
        self._model, self._tokenizer = model, tokenizer

    def shorten(self, text: str, question: str | None) -> Shortened:
        """What becomes of a tool's result. Where compression fails it stays as it is, and the log says why."""
        try:
            if self._compressor is None:
                self._compressor = shared_compressor(self._model, self._tokenizer)
            compress, count = self._compressor.compress, self._compressor.tokenizer.count
            outcome = shortened(text, question, self.settings, compress, count, min_tokens=self._min_tokens)
        except TerselyError as error:
            _logger.warning("a tool's result stays as it is: %s", error)
            outcome = Shortened(text, 0, 0, reason=str(error))
        if self._on_shortened is not None:
            self._on_shortened(outcome)
        return outcome


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
        # Python refuses to read integers of thousands of digits, which nobody needs to know here.
        return text.lstrip()[:1] in ("{", "[") and isinstance(json.loads(text, parse_int=str), (dict, list))
    except (ValueError, RecursionError):
        return False
