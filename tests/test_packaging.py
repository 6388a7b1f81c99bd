"""What the extras of the package promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_extra_all_has_every_extra_but_that_of_developers() -> None:
    tomllib = pytest.importorskip("tomllib", reason="part of Python from 3.11 on")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (requirement,) = extras["all"]
    assert set(re.findall(r"[\w-]+", requirement)) - {"tersely"} == extras.keys() - {"all", "dev"}
