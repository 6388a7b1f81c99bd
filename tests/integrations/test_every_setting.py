"""Every setting of the library is one of every interface, by the same name, with the same description."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

pytest.importorskip("llama_index.core")
pytest.importorskip("langchain_core")
pytest.importorskip("haystack")
pytest.importorskip("fastapi")

from haystack_integrations.components.rankers.tersely import TerselyRanker
from langchain_tersely import TerselyCompressor
from llama_index.postprocessor.tersely import TerselyPostprocessor

from tersely import CompressionSettings
from tersely.settings import settings_from
from tersely_batch import BatchOptions
from tersely_cli.app import app
from tersely_cli.options import with_settings
from tersely_server.compression import CompressRequest, parse_call

FIELDS = CompressionSettings.model_fields
# Other than the default, so that a value which is dropped on the way is seen. A new setting is tried with its default.
VALUES: dict[str, Any] = {
    "rate": 0.5,
    "target_tokens": 30,
    "method": "llmlingua",
    "order": "original",
    "protect": ["a+"],
    "gap_marker": " ~ ",
    "fragments": True,
    "granularity": 3.0,
    "dynamic_ratio": 0.5,
    "segment_tokens": 100,
    "strict": True,
    "token_to_word": "first",
    "force_tokens": ["the"],
    "force_reserve_digit": True,
    "drop_consecutive": True,
    "chunk_end_tokens": [";"],
    "threshold": 0.5,
    "token_labels": "rounded",
}


def value_of(name: str) -> Any:
    return VALUES.get(name, FIELDS[name].default)


def with_budget(name: str) -> dict[str, Any]:
    budget = {} if name in ("rate", "target_tokens") else {"rate": 0.5}
    return {**budget, name: value_of(name)}


def of_llama_index(name: str) -> Any:
    sent = TerselyPostprocessor(**with_budget(name)).to_dict()
    return TerselyPostprocessor.from_dict(sent)._settings()


def of_langchain(name: str) -> Any:
    fields = TerselyCompressor(**with_budget(name)).model_dump()
    return settings_from({setting: fields[setting] for setting in FIELDS})


def of_haystack(name: str) -> Any:
    ranker = TerselyRanker.from_dict(TerselyRanker(**with_budget(name)).to_dict())
    return settings_from({setting: getattr(ranker, setting) for setting in FIELDS})


def of_command_line(name: str) -> Any:
    commands = typer.Typer()
    received = []

    @commands.command()
    @with_settings()
    def command(*, settings: CompressionSettings) -> None:
        received.append(settings)

    value = value_of(name)
    values = value if isinstance(value, list) else [] if value is True else [value]
    flag = f"--{name.replace('_', '-')}"
    assert CliRunner().invoke(commands, [flag, *map(str, values)]).exit_code == 0
    return received[0]


def of_batch(name: str) -> Any:
    options = BatchOptions(settings=settings_from(with_budget(name)))
    return BatchOptions.model_validate_json(options.model_dump_json()).settings


def of_service(name: str) -> Any:
    body = json.loads(json.dumps({"documents": ["a"], "settings": with_budget(name)}))
    return settings_from(parse_call(body)["settings"])


INTERFACES = [of_llama_index, of_langchain, of_haystack, of_command_line, of_batch, of_service]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("interface", INTERFACES, ids=lambda interface: interface.__name__.removeprefix("of_"))
def test_every_interface_takes_every_setting(interface: Callable[[str], Any], name: str) -> None:
    assert getattr(interface(name), name) == getattr(settings_from({name: value_of(name)}), name)


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in FIELDS.items() if not field.description] == []


@pytest.mark.parametrize("component", [TerselyPostprocessor, TerselyCompressor])
def test_a_field_of_an_adapter_has_the_default_and_the_description_of_the_setting(component: type[Any]) -> None:
    for name, field in FIELDS.items():
        own = component.model_fields[name]
        assert own.description == field.description
        default = own.get_default(call_default_factory=True)
        assert (tuple(default) if isinstance(default, list) else default) == field.default


@pytest.mark.parametrize("command", ["compress", "batch"])
def test_the_help_of_a_command_has_the_first_paragraph_of_every_description(command: str) -> None:
    helps = {
        parameter.name: parameter.help
        for parameter in get_command(app).commands[command].params
        if hasattr(parameter, "help")
    }
    for name, field in FIELDS.items():
        first = " ".join(field.description.partition("\n\n")[0].replace("`", "").split())
        assert helps[name].startswith(first)


def test_the_schema_of_the_service_describes_every_setting() -> None:
    settings = CompressRequest.model_json_schema()["$defs"]["CompressionSettings"]["properties"]
    assert {name: settings[name]["description"] for name in settings} == {
        name: field.description for name, field in FIELDS.items()
    }


def test_positions_of_arguments_stay_when_a_setting_is_added() -> None:
    for component in (TerselyPostprocessor, TerselyCompressor, TerselyRanker):
        given = component(None, 30, "llmlingua", "original", ["a+"], " ~ ", True)
        assert (given.target_tokens, given.method, given.gap_marker, given.fragments) == (30, "llmlingua", " ~ ", True)
    assert TerselyPostprocessor(0.5, *[None] * 10, True, "some/model").model == "some/model"
    assert TerselyCompressor(0.5, *[None] * 7, "some/model").model == "some/model"
    assert TerselyRanker(0.5, *[None] * 7, "some/model").model == "some/model"


def test_an_argument_by_position_and_by_name_is_refused() -> None:
    for component in (TerselyPostprocessor, TerselyCompressor, TerselyRanker):
        with pytest.raises(TypeError, match="rate"):
            component(0.5, rate=0.5)
