"""Request bodies -> arguments of `Compressor.compress`; a batch has several.

The models give the shape for the OpenAPI document. The library checks the values, so callers get its messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, ValidationError, create_model
from pydantic_core import from_json

from tersely import CompressionResult, CompressionSettings, Compressor, Document, InvalidInputError
from tersely.errors import complaint
from tersely_server.errors import ErrorResponse, ServiceError

# Arguments of `Compressor.compress` as the caller gave them. Those that the caller left out are missing.
CallArguments = dict[str, Any]


def _field(annotation: Any, description: str | None, **options: Any) -> Any:
    """A field whose value the library checks instead of pydantic."""
    unchecked = Annotated[annotation, SkipValidation()]
    return unchecked, Field(description=description, **options)


def _setting(name: str) -> Any:
    """A field that is one of `CompressionSettings`: the same type and description, and it may be left out."""
    annotation: Any = get_type_hints(CompressionSettings)[name]  # without its bounds
    return _field(annotation | None, CompressionSettings.model_fields[name].description, default=None)


def _shared(name: str) -> Any:
    """A field of a batch: the value for those of its requests that leave it out."""
    annotation: Any = CompressRequest.model_fields[name].annotation
    return _field(annotation, f"The `{name}` of those requests that do not say their own.", default=None)


CompressRequest = create_model(
    "CompressRequest",
    __config__=ConfigDict(extra="forbid"),
    __doc__="Documents to compress to a budget: give `rate` or `target_tokens`.",
    __module__=__name__,
    documents=_field(
        list[str | Document],
        "Texts, or objects with `text` and optionally `title`, `id`, `metadata`, `keep`, `keep_passages`.",
    ),
    question=_field(str | None, "What the LLM will be asked; never compressed, not part of the budget.", default=None),
    # The settings that `Compressor.compress` takes by name; all others are in `settings`.
    **{
        name: _setting(name)
        for name in signature(Compressor.compress).parameters
        if name in CompressionSettings.model_fields
    },
    instruction=_field(
        str | None, "Stands before the context; never compressed, not part of the budget.", default=None
    ),
    settings=_field(
        CompressionSettings | None,
        "The other settings of the library; what stands beside them here goes first.",
        default=None,
    ),
)

BatchRequest = create_model(
    "BatchRequest",
    __config__=ConfigDict(extra="forbid"),
    __doc__="Several prompts to compress, each as one alone.",
    __module__=__name__,
    requests=_field(list[CompressRequest], "The prompts."),  # type: ignore[valid-type]
    **{name: _shared(name) for name, field in CompressRequest.model_fields.items() if not field.is_required()},
    return_errors=(
        bool,
        Field(
            default=False,
            strict=True,
            description="Put a prompt's error in its place among the results instead of answering with the first one.",
        ),
    ),
)


class BatchResult(BaseModel):
    """For each of the requests, in their order, its result; or its error, with `return_errors`."""

    results: list[CompressionResult | ErrorResponse]


def parse_call(value: Any) -> CallArguments:
    """The arguments in the body of `/v1/compress`.

    Args:
        value: the body, its JSON parsed.

    Raises:
        InvalidInputError: the body is not an object, `documents` is missing, or a name is unknown.
    """
    return _parse_fields(CompressRequest, value, "the body")


def parse_batch(body: bytes) -> tuple[list[CallArguments], bool]:
    """The arguments for each prompt in the body of `/v1/compress/batch`, and whether errors are to be returned.

    Raises:
        ServiceError: the body is not JSON.
        InvalidInputError: as in `parse_call`; the message names the request.
    """
    common = _parse_fields(BatchRequest, parse_json(body), "the body")
    return_errors = common.pop("return_errors", False)
    requests = common.pop("requests")
    if not isinstance(requests, list):
        raise InvalidInputError(f"requests must be a list of objects, got {type(requests).__name__}")
    calls = []
    for position, request in enumerate(requests):
        merged = {**common, **request} if isinstance(request, Mapping) else request
        calls.append(_parse_fields(CompressRequest, merged, f"requests[{position}]"))
    return calls, return_errors


def parse_json(body: bytes) -> Any:
    """The value of a body.

    Raises:
        ServiceError: it is not JSON.
    """
    try:
        return from_json(body)
    except ValueError as error:
        raise ServiceError(400, "invalid_json", f"the body is no JSON: {error}") from None


def _parse_fields(model: type[BaseModel], value: Any, name: str) -> CallArguments:
    """The fields of `model` in `value`, as the caller gave them. A null counts as left out if the field may be."""
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{name} must be an object, got {type(value).__name__}")
    try:
        request = model.model_validate(value)
    except ValidationError as error:
        raise InvalidInputError(complaint(error, model, whole=name)) from None
    fields = {field: getattr(request, field) for field in request.model_fields_set}
    return {
        field: value for field, value in fields.items() if value is not None or model.model_fields[field].is_required()
    }
