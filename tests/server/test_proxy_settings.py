"""Settings of the proxy: refused by name before anything starts, from the command line and the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

pytest.importorskip("fastapi")

from tersely import InvalidInputError
from tersely_cli import app as cli
from tersely_server import serving
from tersely_server.proxy.settings import ProxySettings
from tersely_server.settings import ServerSettings, server_settings

pytest_plugins = ["proxy_fixtures"]

UPSTREAM = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "upstream",
    [
        "http://localhost:11434/v1", "https://api.perplexity.ai", "https://host/v1beta/openai/", "http://[::1]:8/v1",
        "HTTPS://HOST/v1", "https://host/a%20b",
    ],
)  # fmt: skip
def test_addresses(upstream: str) -> None:
    assert ProxySettings(upstream=upstream).upstream.lower() == upstream.lower().rstrip("/")


@pytest.mark.parametrize(
    ("upstream", "says"),
    [
        ("", "begins with http:// or https://"),
        ("api.openai.com/v1", "begins with http:// or https://"),
        ("localhost:8000", "begins with http:// or https://"),
        ("ftp://host/v1", "begins with http:// or https://"),
        ("file:///etc/passwd", "begins with http:// or https://"),
        ("https://", "begins with http:// or https://"),
        ("https://host:99999/v1", "begins with http:// or https://"),
        ("https://user:a-password@host/v1", "must not hold a user name or password"),
        ("https://host/v1?key=a-password", "must end with the path"),
        ("https://host/v1#a-password", "must end with the path"),
        ("https://host/v1/chat/completions", "must not hold the path of a call"),
        ("https://host/v1/messages/", "must not hold the path of a call"),
    ],
)
def test_a_wrong_address_is_refused(upstream: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^proxy\.upstream: .*{says}") as caught:
        server_settings(proxy={"upstream": upstream})
    assert "a-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", 0), ("rate", 1.5), ("rate", "half"), ("min_tokens", -1), ("memory_bytes", -1),
        ("timeout", 0), ("timeout", float("inf")), ("role", ""),
        ("tag", ""), ("tag", "<context>"), ("tag", "a b"), ("tag", "context\n"), ("fail_open", "perhaps"),
        ("tags", "x"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=rf"^proxy\.{name}: "):
        server_settings(proxy={"upstream": UPSTREAM, name: value})


@pytest.mark.parametrize("key", ["", " ", "two words", "kéy-of-ours", "key-of-ours\nx: y"])
def test_a_key_that_is_no_header_is_refused_and_never_shown(key: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^proxy\.upstream_key: ") as caught:
        server_settings(proxy={"upstream": UPSTREAM, "upstream_key": key})
    assert "of-ours" not in str(caught.value)
    with pytest.raises(ValidationError) as raw:
        ProxySettings(upstream=UPSTREAM, upstream_key=key)
    assert "of-ours" not in str(raw.value)


def test_a_key_does_not_show() -> None:
    settings = server_settings(proxy={"upstream": UPSTREAM, "upstream_key": "key-of-ours"})
    assert "of-ours" not in repr(settings) + settings.model_dump_json()


# On the command line


@pytest.fixture
def serve(monkeypatch, capsys):
    """Runs `tersely serve` up to the listening: the settings, or the message."""
    monkeypatch.delenv("TERSELY_UPSTREAM_KEY", raising=False)

    def run(*options: str) -> ServerSettings | str:
        started: list[ServerSettings] = []
        monkeypatch.setattr(serving, "serve", started.append)
        with pytest.raises(SystemExit) as ended:
            cli.app(["serve", *options])
        return started[0] if started else f"{ended.value.code}: {capsys.readouterr().err}"

    return run


def test_every_option_reaches_its_setting(serve, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("upstream-key\n")
    settings = serve(
        "--upstream", UPSTREAM, "--upstream-key-file", str(file), "--upstream-timeout", "30",
        "--context-role", "a_role", "--context-min-tokens", "7", "--context-tag", "context",
        "--context-rate", "0.25", "--fail-closed",
    )  # fmt: skip
    assert settings.proxy == ProxySettings(
        upstream=UPSTREAM,
        upstream_key="upstream-key",
        timeout=30,
        role="a_role",
        min_tokens=7,
        tag="context",
        rate=0.25,
        fail_open=False,
    )
    assert serve("--upstream", UPSTREAM).proxy == ProxySettings(upstream=UPSTREAM)
    assert serve("--upstream", UPSTREAM, "--context-role", "none").proxy == ProxySettings(upstream=UPSTREAM, role=None)
    assert serve().proxy is None


def test_the_key_can_come_from_the_environment(serve, monkeypatch) -> None:
    monkeypatch.setenv("TERSELY_UPSTREAM_KEY", "upstream-key")
    assert serve("--upstream", UPSTREAM).proxy.upstream_key.get_secret_value() == "upstream-key"
    assert serve().proxy is None


@pytest.mark.parametrize(
    "options",
    [
        ["--upstream-key-file", __file__], ["--upstream-timeout", "3"], ["--context-role", "none"],
        ["--context-min-tokens", "9"],
        ["--context-tag", "context"], ["--context-rate", "0.1"], ["--fail-closed"],
    ],
)  # fmt: skip
def test_options_of_the_proxy_need_an_upstream(serve, options: list[str]) -> None:
    assert "need --upstream" in serve(*options)


def test_a_key_file_that_cannot_be_read_is_said(serve, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    said = serve("--upstream", UPSTREAM, "--upstream-key-file", str(missing))
    assert f"--upstream-key-file {missing}: cannot be read" in said
