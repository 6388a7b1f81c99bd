"""The map names every file of ours, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SHIPPED = ("compressor/tersely", "integrations", "eval/tersely_eval")


def test_the_tree_names_every_file_and_no_other() -> None:
    tree = PAGE.partition("## The tree")[2].partition("## The words")[0]
    named = set(re.findall(r"\b\w+\.py\b", tree)) - {"conftest.py", "doubles.py", "growth.py"}
    there = {path.name for folder in SHIPPED for path in (ROOT / folder).rglob("*.py")}
    there = {name for name in there if name != "__init__.py"} | {"__init__.py"}
    assert named - there == set()
    assert there - named == set()


def test_files_that_the_page_names_are_there() -> None:
    rest = PAGE.partition("## The tree")[0] + PAGE.partition("## The words")[2]
    for name in re.findall(r"`((?:[\w.]+/)+\w+\.(?:py|json|md|toml))`", rest):
        places = [ROOT / name, ROOT / "compressor/tersely" / name, ROOT / "eval/tersely_eval" / name]
        assert any(place.exists() for place in places), name
