"""docs/scaling.md: what it shows runs, prints what it says, and names options that there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from typer.main import get_command

from tersely_cli.app import app

PAGE = (Path(__file__).parent.parent.parent / "docs" / "scaling.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```(bash|python)\n(.*?)```\n(?:```\n(.*?)```\n)?", PAGE, re.DOTALL)


@pytest.mark.model
def test_snippets_print_what_the_page_says(tmp_path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    assert len(SNIPPETS) == 3
    for language, code, printed in SNIPPETS:
        command = ["bash", "-c"] if language == "bash" else [sys.executable, "-c"]
        done = subprocess.run(
            [*command, code],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.stdout.strip() == printed.strip()


def test_options_are_those_of_the_commands() -> None:
    commands = get_command(app).commands
    there = {option for name in ("batch", "serve") for parameter in commands[name].params for option in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - {"--json-lines", "--no-ensure-ascii"} <= there


def test_the_deployment_is_one_that_ray_serve_takes() -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'tersely[ray]'")
    from tersely_ray.serve import Replicas

    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (one,) = yaml.safe_load(text)["applications"]
    assert one["import_path"] == "tersely_ray.serve:application"
    with pytest.raises(ValidationError, match="openssl rand -hex 32") as caught:  # copied as it stands: no token
        Replicas(**one["args"])
    assert "input_value" not in str(caught.value)
    one["args"]["server"]["token"] = "0123456789abcdef"
    assert Replicas(**one["args"]).max_replicas == 64
