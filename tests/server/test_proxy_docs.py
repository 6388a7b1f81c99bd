"""docs/proxy.md: its code runs, its request is the one that is forwarded, its commands exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("openai")

from live import served

from tersely_cli import app
from tersely_cli.serve import serve as serve_command
from tersely_server import serving

pytest_plugins = ["proxy_fixtures"]

PAGE = (Path(__file__).parents[2] / "docs" / "proxy.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.model
def test_the_code_runs_and_forwards_what_the_page_says(proxy, upstream, real_compressor, capsys) -> None:
    first, own_application = blocks("python")
    exec(first.replace("http://127.0.0.1:8000/v1", proxy(compressor=real_compressor)), {})
    assert capsys.readouterr().out.splitlines() == ["compressed 99 -> 40 tokens", "In 1820."]
    assert upstream.body["messages"] == json.loads(blocks("json")[0])

    names: dict[str, Any] = {}
    exec(own_application.replace("http://127.0.0.1:11434/v1", upstream.url), names)
    with served(names["app"]) as url:
        exec(first.replace("http://127.0.0.1:8000", url), {})
    assert capsys.readouterr().out.count("status='compressed'") == 1


def test_the_commands_are_accepted(monkeypatch) -> None:
    started = []
    monkeypatch.setattr(serving, "serve", started.append)
    commands = re.findall(r"^    tersely (serve.*)$", PAGE, re.MULTILINE)
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            app.app(shlex.split(command))
        assert not ended.value.code
    assert [one.proxy.upstream for one in started] == [
        "https://api.openai.com/v1",
        "https://api.anthropic.com/v1",
    ]
    assert started[0].proxy.tag == "context"


def test_every_option_that_the_page_names_exists() -> None:
    parameters = {name.replace("_", "-") for name in serve_command.__annotations__}
    named = set(re.findall(r"`--([a-z-]+)", PAGE))
    assert named and named <= parameters
