"""What a body says: the arguments of `Compressor.compress`, and for a batch several times.

The models state the shape, for the OpenAPI document; the values are checked by the library, whose messages callers get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, ValidationError
from pydantic_core import from_json

from tersely import CompressionResult, CompressionSettings, Document, InvalidInputError, MethodName, Order
from tersely.errors import complaint
from tersely_server.errors import ErrorResponse, ServiceError

# Of `Compressor.compress`: those that were given, their values as they came.
Arguments = dict[str, Any]


def _setting(name: str) -> Any:
    """A field that is one of `CompressionSettings`, with its description."""
    return Field(default=None, description=CompressionSettings.model_fields[name].description)


def _for_all(name: str) -> Any:
    return Field(default=None, description=f"The `{name}` of those requests that do not say their own.")


class CompressRequest(BaseModel):
    """Documents to compress to a budget: give `rate` or `target_tokens`."""

    model_config = ConfigDict(extra="forbid")

    documents: SkipValidation[list[str | Document]] = Field(
        description="Texts, or objects with `text` and optionally `title`, `id`, `metadata`, `keep`, `keep_passages`."
    )
    question: SkipValidation[str | None] = Field(
        default=None, description="What the LLM will be asked; never compressed, not part of the budget."
    )
    rate: SkipValidation[float | None] = _setting("rate")
    target_tokens: SkipValidation[int | None] = _setting("target_tokens")
    method: SkipValidation[MethodName | None] = _setting("method")
    order: SkipValidation[Order | None] = _setting("order")
    protect: SkipValidation[list[str] | None] = _setting("protect")
    instruction: SkipValidation[str | None] = Field(
        default=None, description="Stands before the context; never compressed, not part of the budget."
    )
    settings: SkipValidation[CompressionSettings | None] = Field(
        default=None, description="The other settings of the library; what stands beside them here goes first."
    )


class BatchRequest(BaseModel):
    """Several prompts to compress, each as one alone."""

    model_config = ConfigDict(extra="forbid")

    requests: SkipValidation[list[CompressRequest]] = Field(description="The prompts.")
    question: SkipValidation[str | None] = _for_all("question")
    rate: SkipValidation[float | None] = _for_all("rate")
    target_tokens: SkipValidation[int | None] = _for_all("target_tokens")
    method: SkipValidation[MethodName | None] = _for_all("method")
    order: SkipValidation[Order | None] = _for_all("order")
    protect: SkipValidation[list[str] | None] = _for_all("protect")
    instruction: SkipValidation[str | None] = _for_all("instruction")
    settings: SkipValidation[CompressionSettings | None] = _for_all("settings")
    return_errors: bool = Field(
        default=False,
        strict=True,
        description="Put a prompt's error in its place among the results instead of answering with the first one.",
    )


class BatchResult(BaseModel):
    """For each of the requests, in their order, its result; or its error, with `return_errors`."""

    results: list[CompressionResult | ErrorResponse]


def read_call(body: bytes) -> Arguments:
    """The arguments in the body of `/v1/compress`.

    Raises:
        ServiceError: it is no JSON.
        InvalidInputError: it is no object, or `documents` is missing, or a name is unknown.
    """
    return _read(CompressRequest, _json(body), "the body")


def read_batch(body: bytes) -> tuple[list[Arguments], bool]:
    """The arguments for each prompt in the body of `/v1/compress/batch`, and whether errors are to be returned.

    Raises:
        ServiceError: it is no JSON.
        InvalidInputError: as in `read_call`; the message names the place.
    """
    common = _read(BatchRequest, _json(body), "the body")
    return_errors = common.pop("return_errors", False)
    requests = common.pop("requests")
    if not isinstance(requests, list):
        raise InvalidInputError(f"requests must be a list of objects, got {type(requests).__name__}")
    calls = []
    for position, request in enumerate(requests):
        name = f"requests[{position}]"
        merged = {**common, **request} if isinstance(request, Mapping) else request
        calls.append(_read(CompressRequest, merged, name))
    return calls, return_errors


def _json(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError as error:
        raise ServiceError(400, "invalid_json", f"the body is no JSON: {error}") from None


def _read(model: type[BaseModel], value: Any, name: str) -> Arguments:
    """What is given of the fields of `model`, their values as they came; where one may be left out, null does so."""
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{name} must be an object, got {type(value).__name__}")
    try:
        read = model.model_validate(value)
    except ValidationError as error:
        raise InvalidInputError(complaint(error, model, whole=name)) from None
    given = {key: getattr(read, key) for key in read.model_fields_set}
    return {key: value for key, value in given.items() if value is not None or model.model_fields[key].is_required()}
