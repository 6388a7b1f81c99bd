"""docs/server.md: what it shows runs, prints what it says, and names every option and code there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from prometheus_client.parser import text_string_to_metric_families
from service_doubles import client_for
from test_serving import Served

from tersely_cli.serve import serve as serve_command
from tersely_server.error_codes import ERRORS, PROXY_ERRORS
from tersely_server.settings import ServerSettings

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
PROXY_PAGE = (ROOT / "docs" / "proxy.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```(bash|python)\n(.*?)```\n(?:```\n(.*?)```\n)?", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("served"), model=True)
    yield served
    served.process.kill()
    served.process.wait()


@pytest.mark.model
@pytest.mark.parametrize(("language", "code", "printed"), SNIPPETS)
def test_snippets_print_what_the_page_says(served, language, code, printed) -> None:
    command = ["bash", "-c"] if language == "bash" else [sys.executable, "-c"]
    code = code.replace("http://127.0.0.1:8000", served.url).replace("python -m", f"{sys.executable} -m")
    done = subprocess.run([*command, code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == printed.strip()


def test_errors_and_defaults_are_those_of_the_code() -> None:
    table = re.findall(r"^\| (\d{3}) \| (.*?) \|", PAGE, re.MULTILINE)
    named = {(int(status), code) for status, codes in table for code in re.findall(r"`(\w+)`", codes)}
    of_proxy = {(int(status), code) for status, code in re.findall(r"(\d{3}) `(\w+)`", PROXY_PAGE)}
    for on_page, in_code in ((named, ERRORS), (of_proxy, PROXY_ERRORS)):
        assert on_page == {(status, code) for code, (status, *_) in in_code.items()}
    of_docker = {"rm", "time"}
    for option in set(re.findall(r"--([a-z][a-z-]+)", PAGE)) - of_docker:
        assert option.replace("-", "_") in serve_command.__annotations__, option
    for name in ("max_body_bytes", "max_documents", "max_tokens"):
        assert f"| `--{name.replace('_', '-')}` | {ServerSettings.model_fields[name].default:,} |" in PAGE


async def test_metrics_are_those_of_the_code(fake_compressor) -> None:
    families = text_string_to_metric_families((await client_for(fake_compressor).get("/metrics")).text)
    ours = {family.name for family in families if family.name.startswith("tersely_")}
    ours = {name for name in ours if not name.endswith("_created")}
    named = {
        name.removesuffix("_total")
        for name in re.findall(r"`(tersely_[a-z_]+)", PAGE.split("## Metrics")[1].split("##")[0])
    }
    assert ours == named
