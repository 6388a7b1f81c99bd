"""Every setting of a compression: name, type, range, default and description. Each is said here and nowhere else.

Adapters, command line and service derive theirs from `CompressionSettings`, so a new setting is one field here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tersely.errors import InvalidInputError, complaint
from tersely.text.patterns import check_size, pattern_source

MethodName = Literal["evidence", "salience", "longllmlingua", "llmlingua", "llmlingua2", "pruner"]
Order = Literal["original", "best_first", "best_at_both_ends"]


def number(value: Any) -> Any:
    """The value, if it is no bool, which Python would take for 0 or 1.

    Raises:
        ValueError: it is one.
    """
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def strings(value: Any) -> Any:
    """The value, if it is no bare string, which would be taken for its characters.

    Raises:
        ValueError: it is one.
    """
    if isinstance(value, str):
        raise ValueError("must be a list of strings, not a string")
    return value


class SettingFields(BaseModel):
    """The fields of `CompressionSettings`, for adapters whose own models have each of them as a field.

    A field's docstring is its description everywhere. The first paragraph fits a help text and stands by itself.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    rate: Annotated[float, BeforeValidator(number)] | None = Field(default=None, gt=0, le=1)
    """Share of the documents' tokens to keep, in (0, 1]: 0.25 keeps a quarter.

    Compressed tokens / original tokens of the documents' part of the prompt (tau)."""

    target_tokens: int | None = Field(default=None, gt=0, strict=True)
    """The budget in tokens, instead of a rate."""

    method: MethodName | None = None
    """How to choose; by default `evidence` where a question is given, else `salience`.

    A model that is no causal language model has its own default: `llmlingua2` for a token classifier, `pruner` for a
    pruner."""

    order: Order | None = None
    """Order of the documents; by default `original` with `salience` and `llmlingua`, else `best_first`."""

    protect: Annotated[tuple[Annotated[str, BeforeValidator(pattern_source)], ...], BeforeValidator(check_size)] = ()
    """Regular expressions whose matches survive byte for byte, whatever the method says.

    They are those of the `regex` package."""

    gap_marker: Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")] | None = None
    """Stands wherever something of a document was left out, such as `" [...] "`; by default nothing does.

    That is between what was kept, before it and after it. It counts toward the budget."""

    fragments: bool = Field(default=False, strict=True)
    """Keep a marked fragment of a sentence that does not fit whole.

    Each cut is marked by the gap marker, else by `" [...] "`. By default `evidence` and `salience` keep only whole
    units. The papers' methods delete words by nature."""

    granularity: Annotated[float, BeforeValidator(number)] = Field(default=2.0, ge=1)
    """The papers' methods first choose whole documents, this many times the budget.

    This is k of LLMLingua, section 3.1. `llmlingua2` counts documents, as its code does, the others their tokens."""

    dynamic_ratio: Annotated[float, BeforeValidator(number)] = Field(default=0.25, ge=0, le=1)
    """How much more `longllmlingua` keeps of the best document than of the middle one.

    This is delta tau of LongLLMLingua, equation 5."""

    segment_tokens: Annotated[int, BeforeValidator(number)] = Field(default=200, ge=1)
    """Scorer tokens in a segment of the papers' iterative compression.

    See LLMLingua, section 3.2."""

    strict: bool = False
    """Refuse the whole call for one bad document, instead of repairing it or leaving it out.

    By default a character that is no text becomes U+FFFD, and a document that cannot be used is left out. Result and
    log say so."""

    token_to_word: Literal["mean", "first"] = "mean"
    """How `llmlingua2` makes a word's probability of its tokens'.

    It is their mean or the first one's."""

    force_tokens: Annotated[tuple[str, ...], BeforeValidator(strings)] = ()
    """Words that `llmlingua2` keeps before all others.

    Unlike what `protect` matches, they go where the budget does not hold them."""

    force_reserve_digit: bool = Field(default=False, strict=True)
    """Let `llmlingua2` keep tokens with a digit before all others."""

    drop_consecutive: bool = Field(default=False, strict=True)
    """Let `llmlingua2` drop one of `force_tokens` where nothing else is kept after the same one before it."""

    chunk_end_tokens: Annotated[tuple[str, ...], BeforeValidator(strings)] = (".", "\n")
    """Tokens after which `llmlingua2` may cut a text that is longer than its model reads at once."""

    threshold: Annotated[float, BeforeValidator(number)] | None = Field(default=None, ge=0, le=1)
    """Let `pruner` leave out every unit whose score is not above this, even where the budget holds all.

    With `rate=1` it alone decides. Provence's authors recommend 0.1, or 0.5 to keep less."""

    token_labels: Literal["mean", "rounded"] | None = None
    """How `pruner` makes a unit's score: the mean of its tokens' probabilities, or the share of them above `threshold`.

    By default as the model's authors do: rounded for Provence, the mean for open-provence."""


class CompressionSettings(SettingFields):
    """How to compress. Give `rate` or `target_tokens`, not both; everything else has a default."""

    # The docstrings are parsed once, with the fields: that takes some 10 ms of an import.
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=False)

    @model_validator(mode="after")
    def _one_budget(self) -> CompressionSettings:
        if self.rate is not None and self.target_tokens is not None:
            raise ValueError(
                f"rate ({self.rate}) and target_tokens ({self.target_tokens}) exclude each other: give one"
            )
        return self

    def check_budget(self) -> None:
        """Refuse settings that no document could be compressed with.

        Raises:
            InvalidInputError: there is neither a rate nor a target.
        """
        if self.rate is None and self.target_tokens is None:
            raise InvalidInputError("no budget: give rate (such as 0.25) or target_tokens (such as 500)")

    def overridden(self, **values: Any) -> CompressionSettings:
        """These settings with the values that are not None in place of their own.

        A new budget of either kind replaces the old one of both kinds.

        Raises:
            InvalidInputError: a name is unknown or a value is out of range; the message names it.
        """
        given = {name: value for name, value in values.items() if value is not None}
        kept = self.model_dump(exclude_unset=True)
        if "rate" in given or "target_tokens" in given:
            kept = {name: value for name, value in kept.items() if name not in ("rate", "target_tokens")}
        return settings_from({**kept, **given})


class CacheSettings(BaseModel):
    """How much a model's scorer keeps of documents, so that a later question over them costs only its own tokens.

    What is kept takes about 23 KB a token with the embedded model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_bytes: int = Field(default=512 * 2**20, ge=0)
    """In memory, in bytes; what was not used for longest goes first. 0 keeps nothing in memory. Words and tokens of the
    same texts come on top, up to a sixty-fourth of it for each `Compressor`."""

    disk_bytes: int = Field(default=2 * 2**30, ge=0)
    """On disk, in bytes: what `Compressor.index` has read, and what was used a second time. 0 keeps nothing on disk."""


def settings_from(values: dict[str, Any]) -> CompressionSettings:
    """Settings from plain values.

    Raises:
        InvalidInputError: a name is unknown or a value is out of range; the message names it.
    """
    try:
        return CompressionSettings.model_validate(values)
    except ValidationError as error:
        raise InvalidInputError(complaint(error, CompressionSettings)) from None


def takes_settings(*by_position: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a constructor with `**settings`: its signature names every setting, with annotation and default.

    A constructor with `**others` instead gets every other argument too, and can refuse it in its own words.

    Args:
        by_position: parameters that may also be given by position, in this order; the rest only by name.
    """

    def decorate(constructor: Callable[..., None]) -> Callable[..., None]:
        own = dict(signature(constructor).parameters)
        self, others = own.pop("self"), own.pop("others", None)
        own.pop("settings", None)
        plain = get_type_hints(CompressionSettings)  # without the bounds
        named = {
            name: Parameter(name, Parameter.KEYWORD_ONLY, default=field.default, annotation=plain[name])
            for name, field in CompressionSettings.model_fields.items()
        } | own
        parameters = [named.pop(name).replace(kind=Parameter.POSITIONAL_OR_KEYWORD) for name in by_position]
        shown = signature(constructor).replace(
            parameters=[self, *parameters, *named.values(), *([others] if others else [])]
        )

        @wraps(constructor)
        def with_settings(self: Any, *values: Any, **arguments: Any) -> None:
            shown.bind(self, *values, **arguments)  # refuses what Python would
            constructor(self, **dict(zip(by_position, values, strict=False)), **arguments)

        with_settings.__signature__ = shown  # type: ignore[attr-defined]
        return with_settings

    return decorate
