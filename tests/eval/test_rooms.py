"""The rooms of the evaluation are entered by what their `__init__` exports, from each other and from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("data", "measure", "peers", "report")
VISITORS = ("benchmarks", "eval", "examples", "integrations/tersely_cli")


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports names from."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_a_room_is_entered_by_its_face() -> None:
    inner = [
        f"{path.relative_to(ROOT)}: {module}"
        for folder in VISITORS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for module in imports(path)
        for room in ROOMS
        if module.startswith(f"tersely_eval.{room}.") and path.parent != ROOT / "eval" / "tersely_eval" / room
    ]
    assert inner == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_exports_what_somebody_outside_it_uses(room) -> None:
    names = set(import_module(f"tersely_eval.{room}").__all__)
    used: set[str] = set()
    for folder in (*VISITORS, "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.parent == ROOT / "eval" / "tersely_eval" / room:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == f"tersely_eval.{room}":
                    used |= {alias.name for alias in node.names}
    assert names - used == set()
