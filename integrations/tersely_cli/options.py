"""Options that several commands have, each said once. Those of a compression come from `CompressionSettings`."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import wraps
from inspect import Parameter, signature
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from tersely import CompressionSettings
from tersely.settings import settings_from

_SHORT = {"rate": "-r", "target_tokens": "-t", "method": "-m"}

Question = Annotated[str | None, typer.Option("--question", "-q", help="What the LLM will be asked.")]
Model = Annotated[str, typer.Option(help="Scores the text: the embedded one, a folder, a .gguf file or a Hub id.")]
Tokenizer = Annotated[
    str | None, typer.Option(help="Counts the budget: a tiktoken encoding, an OpenAI model, a folder or a Hub id.")
]


class EngineName(str, Enum):
    """Who does the work."""

    in_process = "in-process"
    ray = "ray"


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command: it has an option for each setting, in place of its parameter `settings`.

    The command gets them as `CompressionSettings`, so that a wrong value is refused before anything slow begins.

    Args:
        names: of the settings; by default all of them.
    """
    options = {name: _option(name) for name in names or CompressionSettings.model_fields}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[Parameter] = []
        for parameter in signature(command, eval_str=True).parameters.values():
            parameters += options.values() if parameter.name == "settings" else [parameter]

        @wraps(command)
        def with_options(**arguments: Any) -> None:
            given = {name: value for name in options if (value := arguments.pop(name)) is not None}
            command(settings=settings_from(given), **arguments)

        with_options.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_options

    return decorate


def _option(name: str) -> Parameter:
    """A setting as typer takes it: its values as text or number, its help the first paragraph of its description."""
    field = CompressionSettings.model_fields[name]
    summary, _, _ = (field.description or "").partition("\n\n")
    help_text = " ".join(summary.replace("`", "").split())
    kind = get_type_hints(CompressionSettings)[name]
    if NoneType in get_args(kind):
        (kind,) = (argument for argument in get_args(kind) if argument is not NoneType)
    default = field.default
    flags = [f"--{name.replace('_', '-')}", *([_SHORT[name]] if name in _SHORT else [])]
    if get_origin(kind) is Literal:
        help_text = f"{help_text} One of {', '.join(get_args(kind))}."
        kind = str  # a wrong one is refused in the library's words
    elif get_origin(kind) is tuple:
        help_text = f"{help_text} Can be given several times."
        kind, default = list[str], None
    kind = kind if default is not None else kind | None
    annotation = Annotated[kind, typer.Option(*flags, help=help_text)]  # type: ignore[valid-type]  # known when it runs
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
