"""Values of a JSON text change in their places; every other character stays as it was written."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("fastapi")

from hypothesis import given
from hypothesis import strategies as st

from tersely_server.proxy.json_source import Change, Path, Splice, changed, parsed

NUMBERS = "1.0, 1E400,\r\n 123456789012345678901234567890 ,"
ODD = f'\t{{ "b" : [{NUMBERS}"\\u00e9\\/é", NaN ] , "a":{{"a":"x\\ud83d\\ude00yz"}}}}\n'
LETTERS: Path = ("a", "a")


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({}, "", ""),
        ({LETTERS: [Splice(1, 2, "")]}, "\\ud83d\\ude00", ""),
        ({LETTERS: [Splice(0, 1, "é"), Splice(2, 4, '"\n')]}, "x\\ud83d\\ude00yz", '\\u00e9\\ud83d\\ude00\\"\\n'),
        ({("b", 3): [Splice(2, 3, "ü\ud83d")]}, '/é"', '/ü\\ud83d"'),
        ({("b", 3): [Splice(0, 3, "")]}, "\\u00e9\\/é", ""),
        ({("b", 4): None}, ", NaN", ""),
        ({("b", 0): None, ("b", 1): None}, "1.0, 1E400,\r\n ", ""),
        ({("b", index): None for index in range(5)}, f'{NUMBERS}"\\u00e9\\/é", NaN', ""),
        ({("b",): None}, f'"b" : [{NUMBERS}"\\u00e9\\/é", NaN ] , ', ""),
        ({("a",): None, LETTERS: [Splice(0, 1, "?")]}, ' , "a":{"a":"x\\ud83d\\ude00yz"}', ""),
        ({("c",): None, ("b", 9): None}, "", ""),
    ],
)
def test_nothing_else_changes(changes: dict[Path, Change], old: str, new: str) -> None:
    parsed(ODD)
    assert ODD.count(old) == 1 or not old
    assert changed(ODD, changes) == ODD.replace(old, new) if old else ODD


def test_of_members_with_the_same_key_the_last_one_counts_and_all_are_cut() -> None:
    source = '{"a": "first", "b": 1, "a": "last", "a": "x"}'
    assert changed(source, {("a",): [Splice(0, 1, "y")]}) == source.replace("x", "y")
    assert changed(source, {("a",): None}) == '{"b": 1}'


def test_an_integer_of_any_length_is_read() -> None:
    assert parsed("[" + "9" * 5_000 + ", 12]") == [float("inf"), 12]


text = st.text(st.sampled_from('ab\\/"\n\0é\u2028\U0001f600\ud83d\ude00u'), max_size=8)


@given(text, text, st.booleans(), st.data())
def test_a_string_is_spliced_as_its_value_is(value: str, new: str, ascii_only: bool, data: st.DataObject) -> None:
    source = json.dumps([value], ensure_ascii=ascii_only)
    value = json.loads(source)[0]
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    spliced = json.loads(changed(source, {(0,): [Splice(start, end, new)]}))[0]
    assert joined(spliced) == joined(value[:start] + new + value[end:])


def joined(text: str) -> str:
    """The two halves of a character are that character, whether they were written apart or not."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@given(st.lists(st.integers(0, 9), max_size=6), st.sets(st.integers(0, 6)), st.sampled_from([None, 1]))
def test_elements_are_cut_with_their_commas(numbers: list[int], cut: set[int], indent: int | None) -> None:
    source = json.dumps(numbers, indent=indent)
    left = [number for index, number in enumerate(numbers) if index not in cut]
    assert json.loads(changed(source, {(index,): None for index in cut})) == left


def test_a_change_takes_linear_time() -> None:
    value: dict[str, Any] = {"image": "x" * 2_000_000, "texts": ["\\é" * 100 for _ in range(2_000)]}
    source = json.dumps(value)
    changes: dict[Path, Change] = {("texts", number): [Splice(1, 199, "")] for number in range(2_000)}
    assert json.loads(changed(source, changes))["texts"] == ["\\é"] * 2_000
