"""JSON is kept as whole records, and what is kept is JSON of the same shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from growth import assert_grows_with_the_text
from kept_units import TEXTS, choices, kept_with, segment, sent, shown, units
from tersely.text.data.json_records import find

PRODUCTS = (TEXTS / "products.json").read_text(encoding="utf-8")
TOOL_RESULT = (TEXTS / "tool_result.json").read_text(encoding="utf-8")
EVENTS = (TEXTS / "events.jsonl").read_text(encoding="utf-8")
WARRANTIES = [
    {
        "name": f"{name} Fan",
        "description": f"A fan for rooms of {size} square metres, for summer and autumn. Its warranty: {years} years.",
    }
    for name, size, years in (("Aero", 20, "two"), ("Borea", 30, "four"), ("Cirrus", 15, "six"), ("Dune", 40, "ten"))
]


def is_part(part: Any, whole: Any) -> bool:
    """Whether a value has only what another has, under the same keys and in the same order."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and is_part(value, whole[key]) for key, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        others = iter(whole)
        return all(any(is_part(element, other) for other in others) for element in part)
    if isinstance(whole, str) and isinstance(part, str):
        rest = iter(whole)
        return all(character in rest for character in part)
    return type(part) is type(whole) and (part == whole or part != part)


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
@pytest.mark.parametrize("indent", [None, 2])
def test_records_of_a_list_are_kept_whole(separators, indent) -> None:
    text = json.dumps(WARRANTIES, separators=separators, indent=indent)
    assert len(units(text)) == len(WARRANTIES)
    assert json.loads(kept_with(text, "Borea")) == WARRANTIES[1:2]
    assert json.loads(kept_with(text, "Borea", "Dune")) == [WARRANTIES[1], WARRANTIES[3]]
    assert json.loads(kept_with(f"These are all of them:\n{text}\n", "Dune").split("\n", 1)[1]) == WARRANTIES[3:]


def test_a_list_under_a_key_keeps_its_key() -> None:
    text = json.dumps({"status": "ok", "data": {"fans": WARRANTIES}})
    assert json.loads(kept_with(text, "Cirrus")) == {"status": "ok", "data": {"fans": WARRANTIES[2:3]}}


def test_each_line_of_json_lines_is_a_record() -> None:
    assert len(units(EVENTS)) == 4
    assert kept_with(EVENTS, "disk full") == EVENTS.splitlines()[2]
    assert kept_with(EVENTS, "start", "stop") == "\n".join(EVENTS.splitlines()[::3])


def test_a_part_of_a_long_record_keeps_the_name_of_its_record() -> None:
    first, second, third = json.loads(PRODUCTS)["products"]
    found = json.loads(kept_with(PRODUCTS, "four years"))
    assert found["products"] == [{key: second[key] for key in ("sku", "name", "warranty")}]
    found = json.loads(kept_with(PRODUCTS, "Jan", "Ada"))
    assert found["products"] == [
        {"sku": "KT-100", "name": "Aero Kettle", "reviews": first["reviews"][1:]},
        {"sku": "KT-200", "name": "Borea Kettle", "reviews": second["reviews"][:1]},
    ]
    assert json.loads(kept_with(PRODUCTS, "Cirrus"))["products"] == [third]


def test_a_name_that_comes_last_is_kept_too() -> None:
    record = {"prices": list(range(100, 400)), "colours": ["red " * 9] * 9, "product_name": "Lamp"}
    found = json.loads(kept_with(json.dumps([record, record]), "399"))
    assert found[0]["product_name"] == "Lamp" and "colours" not in found[0] and 399 in found[0]["prices"]


def test_rows_keep_the_names_of_their_columns() -> None:
    rows = [[f"Town {number}", number * 100, "x" * 30] for number in range(20)]
    with_columns = json.dumps({"columns": ["town", "people", "remark"], "rows": rows})
    assert json.loads(kept_with(with_columns, "Town 7"))["columns"] == ["town", "people", "remark"]
    with_head = json.dumps([["town", "people", "remark"], *rows])
    assert json.loads(kept_with(with_head, "Town 7")) == [["town", "people", "remark"], rows[7]]


def test_a_long_string_is_cut_into_its_lines() -> None:
    result = json.loads(TOOL_RESULT)
    lines = result["stdout"].splitlines(keepends=True)
    found = json.loads(kept_with(TOOL_RESULT, "no currency", "ERROR"))
    assert found == {"command": "make nightly", "stdout": lines[4] + lines[8]}


def test_json_between_fences_is_read_like_other_json() -> None:
    assert units(f"The answer:\n\n```json\n{PRODUCTS}```\n") == units(PRODUCTS)


def test_json_inside_a_string_stays_json() -> None:
    text = json.dumps({"status": 200, "body": json.dumps(WARRANTIES, indent=1)})
    assert json.loads(json.loads(kept_with(text, "Borea"))["body"]) == WARRANTIES[1:2]


def test_a_long_string_of_escapes_is_cut_at_its_sentences() -> None:
    sentences = [f'Über Straße {number} sagte sie: "Schön, \U0001f600!" ' for number in range(30)]
    text = json.dumps({"id": 1, "text": "".join(sentences)})
    assert len(units(text)) > 20
    assert json.loads(kept_with(text, "e 7 sagte"))["text"].strip() == sentences[7].strip()


@pytest.mark.parametrize(
    "text",
    [
        "[2024-03-01 10:00:00] started\n[2024-03-01 10:00:01] stopped",
        "[1]\nSmith, J. (2009). On mills.\n[2]\nMeyer, K. (2010). On lakes.",
        '{"name": "cut off, without an end',
        "{placeholder} stands here.",
        "[section]\nkey = value",
        "[a link](https://example.org) begins the line.",
        '{"a": 1} is an object, and this is a sentence.',
        '{"a": 1,}\n["a" "b"]\n{"a"}\n[,]',
        "Text about {} and [].",
    ],
)
def test_what_only_looks_like_json_is_left_to_others(text) -> None:
    assert find(text, 0, len(text)) == []


def test_records_of_a_list_whose_ends_were_cut_off() -> None:
    text = '12, "b": 3},\n  {"name": "Borea Fan", "price": 40},\n  {"name": "Cirrus Fan", "price": 30},\n  {"name": "Du'
    assert '{"name": "Borea Fan", "price": 40},' in units(text)


@pytest.mark.parametrize("encoded", ['[{"a": "x\u00a0y"},{"b": "%s"},{"c": 1}]' % ("z" * 300)])
def test_odd_spaces_inside_strings_never_stand_outside(encoded) -> None:
    segmented = segment(encoded)
    for number in range(len(segmented.units)):
        json.loads(sent(segmented, {0, number, len(segmented.units) - 1}))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[\n" * 500_000,
        '{"a":' * 200_000,
        '{"a":\n' * 160_000,
        '["' * 500_000,
        '["\n' * 300_000,
        '[{"a": 1},\n' * 100_000,
        "[1,\n" * 250_000,
        "[" * 90 + "]" * 90 + "\n" + '{"a":' * 90 + "1" + "}" * 90,
        "{\n" + " \n" * 500_000,
        '["\\' + '\\"' * 500_000 + '"]',
    ],
)
def test_time_grows_with_the_text(text) -> None:
    assert_grows_with_the_text(lambda part: find(part, 0, len(part)), text)


def test_a_large_value_takes_no_longer_than_its_length() -> None:
    records = [{"name": f"n{number}", "text": "It rains. " * 80} for number in range(800)]
    assert len(segment(json.dumps(records)).units) > 800
    assert_grows_with_the_text(segment, json.dumps(records), eighth=json.dumps(records[:100]))


words = st.text('ab \n"\\,:[]{}é\u00a0\U0001f600.', max_size=12)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), words, st.builds(lambda word: word * 60, words)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.dictionaries(st.sampled_from(["id", "name", "text", "é", "items", "a b"]) | words, inner, max_size=6),
    ),
    max_leaves=30,
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.one_of(st.lists(values, min_size=1), st.dictionaries(words, values, min_size=1)), min_size=1, max_size=4
    ),
    st.sampled_from([None, None, 1]),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.data(),
)
def test_what_is_kept_is_a_part_of_the_same_shape(records, indent, ascii_only, separators, data) -> None:
    text = "\n".join(
        json.dumps(record, indent=indent, ensure_ascii=ascii_only, separators=separators) for record in records
    )
    regions = find(text, 0, len(text))
    assume([(region.start, region.end) for region in regions] == [(0, len(text))])  # some are too small to be sure
    segmented = segment(text)
    found = list(decoded(sent(segmented, data.draw(choices(segmented)))))
    assert is_part(found, list(decoded(text)))


def decoded(text: str) -> Iterator[Any]:
    position = 0
    while text[position:].strip(" \t\r\n"):
        position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n"))
        value, position = json.JSONDecoder().raw_decode(text, position)
        yield value


@pytest.mark.parametrize("text", [PRODUCTS, TOOL_RESULT, EVENTS])
def test_all_units_together_are_the_whole_text(text) -> None:
    segmented = segment(text)
    assert sent(segmented, range(len(segmented.units))) == text
    assert all(shown(segmented, unit.words).strip() for unit in segmented.units)
