"""The page about methods has every method, every known licence and every setting of a served model."""

from __future__ import annotations

import re
from pathlib import Path

from tersely.methods import METHODS
from tersely.scoring.hub import LICENCES
from tersely.scoring.served.settings import ServedSettings

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")


def test_one_table_has_every_method() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)[: len(METHODS)] == [
        "evidence",
        "salience",
        "longllmlingua",
        "llmlingua",
        "llmlingua2",
        "pruner",
    ]
    assert set(METHODS) == {"evidence", "salience", "longllmlingua", "llmlingua", "llmlingua2", "pruner"}


def test_every_known_licence_is_there() -> None:
    rows = PAGE.partition("## Licences")[2]
    for name, licence in LICENCES.items():
        organisation = name.partition("/")[0]
        row = next(line for line in rows.splitlines() if organisation in line and licence in line)
        assert name in row or any(name.endswith(ending) for ending in re.findall(r"`(-[\w-]+)`", row)), name


def test_every_setting_of_a_served_model_is_there() -> None:
    served = PAGE.partition("## A model behind a server")[2].partition("## Licences")[0]
    for name in ServedSettings.model_fields:
        assert f"`{name.upper()}`" in served or f"_{name.upper()}" in served, name
