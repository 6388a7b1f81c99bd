"""No file imports another in a circle, directly or through others, not even inside a function or only for types."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import tersely_server

ROOT = Path(__file__).parents[1]
SOURCE_ROOTS = [ROOT / name for name in ("compressor", "integrations", "eval")]


def module_name(path: Path, source_root: Path) -> str:
    parts = path.relative_to(source_root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(path: Path, module: str) -> Iterator[str]:
    """Every name that a file imports, anywhere in it, with its module before it."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def import_graph(source_roots: list[Path]) -> dict[str, set[str]]:
    """Each module -> the modules of ours that it imports."""
    files = {module_name(path, root): path for root in source_roots for path in sorted(root.rglob("*.py"))}
    graph: dict[str, set[str]] = {module: set() for module in files}
    for module, path in files.items():
        for name in imported_names(path, module):
            target = name if name in files else name.rpartition(".")[0]  # a module, or what a module defines
            if target in files:
                graph[module].add(target)
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules each of which reaches all others of its group; a module that imports itself is one, too."""
    reached: dict[str, set[str]] = {}
    for module in graph:
        waiting, seen = [module], set[str]()
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        reached[module] = seen
    groups = {
        tuple(sorted(other for other in reached[module] if module in reached[other]))
        for module in graph
        if module in reached[module]
    }
    return sorted(map(list, groups))


def test_our_files_import_each_other_in_no_circle() -> None:
    graph = import_graph(SOURCE_ROOTS)
    assert len(graph) > 100 and "tersely.text.structure" in graph["tersely.text.segmentation"]
    found = circles(graph)
    assert not found, "\n".join(f"{len(group)} files in a circle: {', '.join(group)}" for group in found)


def test_the_rooms_for_kinds_of_text_use_each_other_in_no_circle() -> None:
    rooms = {path.parent.name for path in (ROOT / "compressor" / "tersely" / "text").glob("*/__init__.py")}
    graph: dict[str, set[str]] = {room: set() for room in rooms}
    for module, targets in import_graph(SOURCE_ROOTS).items():
        room = module.removeprefix("tersely.text.").partition(".")[0]
        if room in rooms:
            others = {target.removeprefix("tersely.text.").partition(".")[0] for target in targets}
            graph[room] |= (others & rooms) - {room}
    assert graph["documents"] and circles(graph) == []


def test_a_circle_is_seen_wherever_the_import_stands(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text("")
    (tmp_path / "room" / "a.py").write_text("def f():\n    from room import b\n")
    (tmp_path / "room" / "b.py").write_text("if TYPE_CHECKING:\n    from .c import C\n")
    (tmp_path / "room" / "c.py").write_text("import room.a\n")
    (tmp_path / "room" / "d.py").write_text("from room.a import f\n")
    assert circles(import_graph([tmp_path])) == [["room.a", "room.b", "room.c"]]


def test_a_name_that_moved_is_found_at_its_former_place_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="import ClientConnection from tersely_server"):
        former = importlib.import_module("tersely_server.connection")
    assert former.ClientConnection is tersely_server.ClientConnection
