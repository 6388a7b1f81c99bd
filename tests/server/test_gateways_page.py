"""docs/gateways.md and docs/mcp.md: their code runs; options, headers and defaults are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

import yaml
from live import served

from tersely_cli.mcp import mcp as mcp_command
from tersely_cli.serve import serve as serve_command
from tersely_server.app import create_app
from tersely_server.gateway.settings import GatewaySettings, option_headers
from tersely_server.settings import ServerSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
MCP_PAGE = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")


def code_of(page: str) -> str:
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return code


@pytest.mark.model
def test_the_conversation_of_the_page_comes_back_shorter(real_compressor, capsys) -> None:
    app = create_app(ServerSettings(originals_bytes=1_000_000), compressor=real_compressor)
    names: dict = {}
    with served(app) as url:
        exec(code_of(PAGE).replace("http://127.0.0.1:8000", url), names)
    numbers, whole = capsys.readouterr().out.splitlines()
    before, after = map(int, re.findall(r"\d+", numbers))
    assert before == 1155 and after <= 237 and whole == "True"
    assert "ERROR job 41: disk /dev/sdb1 is full" in names["compressed"]["messages"][2]["content"]


@pytest.mark.model
def test_the_agents_text_comes_back_shorter(capsys) -> None:
    pytest.importorskip("mcp")
    exec(code_of(MCP_PAGE), {})
    numbers, whole = capsys.readouterr().out.splitlines()
    assert numbers.endswith("tokens True") and whole == "True"
    before, after = map(int, re.findall(r"\d+", numbers))
    assert after <= 60 < before


def test_options_headers_and_defaults_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `--gateway-([a-z-]+)` \| `([\w-]+)` \|[^|]*\| (.*?) \|$", PAGE, re.MULTILINE)
    assert {name.replace("-", "_"): header for name, header, _ in rows} == option_headers()
    for name, _, default in rows:
        field = GatewaySettings.model_fields[name.replace("-", "_")]
        if field.default not in (None, False):
            assert str(field.default) in default
    for page, command in ((PAGE, serve_command), (MCP_PAGE, mcp_command)):
        options = set(re.findall(r"--([a-z]+(?:-[a-z]+)*)", page)) - {"build", "add-mcp"}
        assert options and all(option.replace("-", "_") in command.__annotations__ for option in options), options


def test_the_compose_file_names_what_there_is() -> None:
    folder = ROOT / "examples" / "litellm"
    services = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert (folder / services["tersely"]["build"] / "Dockerfile").is_file()
    options = {option.removeprefix("--") for option in services["tersely"]["command"] if option.startswith("--")}
    assert all(option.replace("-", "_") in serve_command.__annotations__ for option in options)
    used = set(re.findall(r"os\.environ/(\w+)", (folder / "config.yaml").read_text(encoding="utf-8")))
    assert used <= services["litellm"]["environment"].keys()
    assert "1.107.0" not in (folder / "compose.yaml").read_text(encoding="utf-8")
