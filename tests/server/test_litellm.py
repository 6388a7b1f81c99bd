"""The real LiteLLM proxy, its guardrail pointing at this service: `make gateways` runs it.

It needs other versions than Tersely, so it has an environment of its own. `TERSELY_LITELLM` names that environment's
folder.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("yaml")

import httpx
import yaml
from conversations import PAGES, SHORT, anthropic_call, anthropic_result, call, result, user
from gateway_upstream import GatewayUpstream
from live import served
from service_doubles import TOKEN

from tersely import Compressor
from tersely_server.app import create_app
from tersely_server.settings import ServerSettings

ENVIRONMENT = os.environ.get("TERSELY_LITELLM")
KEY = "sk-a-key-of-the-gateway"
pytestmark = pytest.mark.skipif(not ENVIRONMENT, reason="TERSELY_LITELLM names no environment that has LiteLLM")
CONFIGURATION = Path(__file__).parents[2] / "examples" / "litellm" / "config.yaml"


class Gateway(NamedTuple):
    client: httpx.Client
    upstream: GatewayUpstream

    def chat(self, messages: list[Any], **more: Any) -> list[Any]:
        """The messages that the upstream got."""
        return self._sent("/v1/chat/completions", {"model": "gpt-4o", "messages": messages, **more})

    def anthropic(self, messages: list[Any], **more: Any) -> list[Any]:
        body = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages, **more}
        return self._sent("/v1/messages", body)

    def _sent(self, path: str, body: dict[str, Any]) -> list[Any]:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        assert "1712" in answer.text
        return self.upstream.bodies[-1]["messages"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    from doubles import FakeScorer

    folder: Path = tmp_path_factory.mktemp("litellm")
    settings = ServerSettings(token=TOKEN, originals_bytes=1_000_000)
    upstream, port = GatewayUpstream(), free_port()
    with served(create_app(settings, compressor=Compressor(FakeScorer()))) as service, served(upstream) as api:
        configuration = folder / "config.yaml"
        settings_of_litellm = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
        (guardrail,) = settings_of_litellm["guardrails"]
        nobody = {"api_base": f"http://127.0.0.1:{free_port()}", "default_on": False}
        is_down = {"guardrail_name": "tersely-is-down", "litellm_params": {**guardrail["litellm_params"], **nobody}}
        settings_of_litellm["guardrails"].append(is_down)
        configuration.write_text(yaml.safe_dump(settings_of_litellm), encoding="utf-8")
        command = [f"{ENVIRONMENT}/bin/litellm", "--config", str(configuration), "--host", "127.0.0.1"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
            "TERSELY_URL": service,
            "TERSELY_SERVER_TOKEN": TOKEN,
            "LITELLM_MASTER_KEY": KEY,
            "OPENAI_API_KEY": "of-the-upstream",
            "OPENAI_BASE_URL": f"{api}/v1",
            "ANTHROPIC_API_KEY": "of-the-upstream",
            "ANTHROPIC_API_BASE": api,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
            "NO_PROXY": "*",
        }
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--port", str(port)], env=environment, cwd=folder, stdout=log, stderr=log
            )
        try:
            headers = {"Authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
                for _ in range(240):
                    try:
                        if client.get("/health/liveliness").status_code == 200:
                            break
                    except httpx.TransportError:
                        assert process.poll() is None, (folder / "log").read_text()[-3_000:]
                    time.sleep(0.5)
                else:
                    pytest.fail((folder / "log").read_text()[-3_000:])
                yield Gateway(client, upstream)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(autouse=True)
def anew(gateway) -> None:
    gateway.upstream.bodies.clear()
    gateway.upstream.tool_calls.clear()


CHAT = [
    {"role": "system", "content": PAGES},
    user("When was mill number 12 built?"),
    call("call_1"),
    result("call_1", PAGES),
    call("call_2"),
    result("call_2", SHORT),
]
MESSAGES = [
    user("When was mill number 12 built?"),
    anthropic_call("call_1"),
    anthropic_result("call_1", PAGES),
    anthropic_call("call_2"),
    anthropic_result("call_2", SHORT),
]


def identifier(text: str) -> str:
    match = re.search("hash=([0-9a-f]{24})", text)
    assert match
    return match[1]


def test_openais_route_sends_long_tool_results_shorter(gateway) -> None:
    sent = gateway.chat(CHAT)
    assert len(sent) == len(CHAT)
    assert [number for number in range(len(CHAT)) if sent[number].get("content") != CHAT[number]["content"]] == [3]
    assert len(sent[3]["content"]) < 0.7 * len(PAGES)


def test_anthropics_route_sends_long_tool_results_shorter(gateway) -> None:
    sent = gateway.anthropic(MESSAGES, system=PAGES)
    assert gateway.upstream.bodies[-1]["system"] in (PAGES, [{"type": "text", "text": PAGES}])
    texts = [str(message["content"]) for message in sent]
    assert len(texts[2]) < 0.7 * len(PAGES) and "call_1" in texts[2]
    assert SHORT in texts[4] and "When was mill number 12 built?" in texts[0]


def test_earlier_turns_have_the_same_bytes_as_the_conversation_grows(gateway) -> None:
    first = gateway.chat(CHAT)
    grown = [*CHAT, {"role": "assistant", "content": "In 1712."}, user("And mill number 70?")]
    second = gateway.chat(grown)
    third = gateway.chat([*grown, call("call_3"), result("call_3", PAGES), call("call_4"), result("call_4", SHORT)])
    assert second[: len(first)] == first and third[: len(second)] == second


def test_the_model_can_ask_for_the_whole_text(gateway) -> None:
    id = identifier(gateway.chat(CHAT)[3]["content"])
    gateway.upstream.tool_calls.append(("headroom_retrieve", {"hash": id}))
    sent = gateway.chat(CHAT)
    assert sent[-1]["role"] == "tool" and sent[-1]["content"] == PAGES
    names = [tool["function"]["name"] for tool in gateway.upstream.bodies[-2]["tools"]]
    assert names == ["headroom_retrieve"]


def test_anthropics_model_can_ask_for_the_whole_text(gateway) -> None:
    id = identifier(str(gateway.anthropic(MESSAGES)[2]["content"]))
    gateway.upstream.tool_calls.append(("headroom_retrieve", {"hash": id}))
    assert PAGES in str(gateway.anthropic(MESSAGES)[-1]["content"]).replace("\\n", "\n")


def test_where_the_service_is_down_the_request_goes_on_as_it_came(gateway) -> None:
    sent = gateway.chat(CHAT, guardrails=["tersely-is-down"])
    assert sent[1]["content"] == CHAT[1]["content"] and len(sent) == len(CHAT)
