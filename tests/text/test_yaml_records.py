"""YAML, TOML and INI are kept as whole entries under the keys that lead to them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from growth import assert_grows_with_the_text
from kept_units import TEXTS, choices, kept_with, segment, sent, units
from tersely.text.data import ini_records, yaml_records

DEPLOYMENT = (TEXTS / "deployment.yaml").read_text(encoding="utf-8")
OPENAPI = (TEXTS / "openapi.yaml").read_text(encoding="utf-8")
SETTINGS = (TEXTS / "settings.toml").read_text(encoding="utf-8")


def is_part(part: Any, whole: Any) -> bool:
    """Whether a value has only what another has, under the same keys and in the same order."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and is_part(value, whole[key]) for key, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        others = iter(whole)
        return all(any(is_part(element, other) for other in others) for element in part)
    if isinstance(whole, str) and isinstance(part, str):
        rest = iter("".join(whole.split()))
        return all(character in rest for character in "".join(part.split()))
    return type(part) is type(whole) and part == whole


@pytest.mark.parametrize("text", [DEPLOYMENT, OPENAPI])
def test_each_unit_is_a_part_under_its_own_keys(text) -> None:
    segmented = segment(text)
    whole = list(yaml.safe_load_all(text))
    assert len(segmented.units) > 10
    for number in range(len(segmented.units)):
        found = list(yaml.safe_load_all(sent(segmented, [number])))
        assert is_part(found, whole), found
        assert found and all(value for value in found)


def test_an_entry_keeps_the_path_of_its_keys() -> None:
    assert kept_with(OPENAPI, "no such route") == (
        "paths:\n  /fares:\n    get:\n      operationId: listFares\n      responses:\n"
        '        "404":\n          description: There is no such route'
    )


def test_an_entry_keeps_what_its_document_is() -> None:
    _, service = yaml.safe_load_all(kept_with(DEPLOYMENT, "sleep 60", "ClusterIP"))
    assert service == {
        "kind": "Service",
        "metadata": {"name": "shop"},
        "spec": {"type": "ClusterIP", "ports": [{"port": 80, "targetPort": 8080}], "selector": {"app": "shop"}},
    }


def test_an_item_is_whole_or_keeps_its_first_line() -> None:
    found = kept_with(DEPLOYMENT, "256Mi")
    assert "      containers:\n        # Serves the pages.\n        - name: web\n          resources:" in found
    assert "clock" not in found and "env" not in found


def test_a_long_text_is_cut_under_its_key() -> None:
    (found,) = yaml.safe_load_all(kept_with(DEPLOYMENT, "answered within"))
    assert found["data"]["greeting"].strip().startswith("Letters are answered within a week.")
    assert "Welcome" not in found["data"]["greeting"]


def test_lines_of_a_program_in_a_text_stay_together() -> None:
    steps = "".join(f"      if test -f {name}; then\n        cat {name}\n      fi\n" for name in "abcdefghijklmnopqrst")
    text = f"jobs:\n  build:\n    name: build\n    run: |\n{steps}"
    (found,) = yaml.safe_load_all(kept_with(text, "test -f k"))
    assert found["jobs"]["build"]["run"].split() == "if test -f k; then cat k".split()


def test_what_refers_to_an_entry_keeps_it() -> None:
    names = "".join(f"  {name}:\n    <<: *base\n    image: {name}:{'1.' * 30}\n" for name in "abcdefghij")
    text = f"x-base: &base\n  restart: always\n  logging: none\nservices:\n{names}"
    found = yaml.safe_load(kept_with(text, "image: g"))
    assert found["services"]["g"]["restart"] == "always" and set(found["services"]) == {"g"}


def test_an_entry_of_a_section_keeps_its_name() -> None:
    found = kept_with(SETTINGS, "size", "Route B")
    assert found == (
        'title = "Lake ferry"\n\n[server.limits]\nseconds = 30\nsize = "20 MB"\n\n'
        '[[routes]]\nname = "Route B"\nharbours = ["North", "South"]\nfares = { adult = 11.0, child = 5.5 }'
    )
    entries = "".join(f"; about {number}\nkey {number} = {'value,' * 9}\n" for number in range(20))
    assert kept_with(f"[one]\n{entries}[two]\n{entries}", "key 7 ") == "".join(
        f"[{section}]\n; about 7\nkey 7 = {'value,' * 9}\n" for section in ("one", "two")
    ).strip("\n")


def test_the_front_matter_of_a_page() -> None:
    matter = "---\ntitle: Ferry\ntags:\n  - lake\ndate: 2024-03-01\n---\n"
    assert units(f"{matter}\n# Times\n\nIt sails at nine. It is back at ten.") == [
        matter.strip(),
        "It sails at nine.",
        "It is back at ten.",
    ]


@pytest.mark.parametrize(("language", "text"), [("yaml", OPENAPI), ("", DEPLOYMENT)])
def test_settings_between_fences_are_read_like_others(language, text) -> None:
    assert units(f"It is set so.\n\n```{language}\n{text}```\n\nThat is all.")[1:-1] == units(text)


@pytest.mark.parametrize(
    "text",
    [
        "Name: Anna\nCity: Utrecht\nYear: 1931\nBorn: May\nWork: mill",
        "Alice: hi\nBob: hello\nAlice: How are you?\nBob: Fine.\n  And you?",
        "From: anna@example.org\nTo: bob@example.org\nSubject: Mill\nDate: Mon\n\nDear Bob,\nit rains.",
        "Q: Is it open?\nA: Yes.\nQ: Is it free?\nA: No.\nQ: And dogs?\nA: Yes.",
        "Features:\n- Speed: fast\n- Price: low\n- Weight: 2 kg\n- Colour: red",
        "The list:\n  one thing: that is so\nwhich goes on here. And so on.\nAnd more.",
        "- A point: it rains.\n- Another: it snows.\n  - Below it: it pours.\n- Last: sun.",
        "def put(self, key: str) -> None:\n    if key:\n        self.x: int = 3\n    else:\n        return",
        "---\n\nA line above.\n\n---\nAnother line.",
        "[1] Smith: On mills\n[2] Meyer: On lakes\nkey = value",
        "Note: this is so.\n\nIt rains.",
    ],
)
def test_what_only_looks_like_settings_is_left_to_others(text) -> None:
    assert yaml_records.find(text, 0, len(text)) == []
    assert ini_records.find(text, 0, len(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "a:\n" * 300_000,
        "- " * 500_000,
        "- a:\n" * 200_000,
        "a: [\n" * 200_000,
        "a: |\n" * 200_000,
        'a: "\n' * 200_000,
        "".join(" " * depth + "a:\n" for depth in range(1200)),
        "#\n" * 300_000,
        "[a]\n" * 250_000,
        "[a]\nb = [\n" * 100_000,
        "a" * 1_000_000 + ":\n- b",
        "a " * 500_000 + ":\n- b",
        "a: 'b' " * 150_000 + ":\n- b",
    ],
)
def test_time_grows_with_the_text(text) -> None:
    assert_grows_with_the_text(lambda part: yaml_records.find(part, 0, len(part)), text)
    assert_grows_with_the_text(lambda part: ini_records.find(part, 0, len(part)), text)


def test_deep_and_large_settings_take_no_longer_than_their_length() -> None:
    assert_grows_with_the_text(
        segment, "".join(" " * depth + f"a{depth}:\n" for depth in range(1000)) + " " * 1000 + "b: 1"
    )
    assert_grows_with_the_text(
        segment, "a:\n" + "".join(f"  - name: n{number}\n    value: {number}\n" for number in range(10_000))
    )


words = st.sampled_from(["x", "it rains: often", "# no comment", "- dash", "yes", "1.5", "It rains. It pours. " * 12])
texts = st.sampled_from(["One line. Two.\nAnother line.\n" * 9, "if a:\n  b\nc\n" * 20])
values = st.recursive(
    words | texts | st.integers() | st.none() | st.booleans(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=5),
        st.dictionaries(st.sampled_from(["name", "kind", "ports", "a b", "x-y", "'q'", "200"]), inner, min_size=1),
    ),
    max_leaves=25,
)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.dictionaries(st.sampled_from("abc"), values, min_size=1), st.integers(2, 4), st.data())
def test_what_is_kept_is_a_part_under_the_same_keys(value, indent, data) -> None:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, indent=indent)
    assume(yaml_records.find(text, 0, len(text)))
    segmented = segment(text)
    found = yaml.safe_load(sent(segmented, data.draw(choices(segmented))))
    assert is_part(found, value)
