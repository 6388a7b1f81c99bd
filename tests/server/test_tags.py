"""Where tagged text stands: the same for proxy and gateway."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")

from tersely_server.conversations import find_tagged


def tagged(text: str) -> list[str]:
    return [text[place.text_start : place.text_end] for place in find_tagged(text, "context")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<context> a b \n</context> c", ["a b"]),
        ('<context id="1">a</context><context>b</context>', ["a", "b"]),
        ("<context>a </context> b</context> c", ["a </context> b"]),
        ("<context>a", []),
        ("<context/>a</context>", []),
        ("<context> </context>", [""]),
        ("<contexts>a</contexts>", []),
    ],
)
def test_text_between_tags(text, expected) -> None:
    assert tagged(text) == expected


def test_a_place_holds_its_tags_too() -> None:
    text = "so <context> a </context> ?"
    (place,) = find_tagged(text, "context")
    assert text[: place.start] + text[place.end :] == "so  ?"


def test_without_a_tag_there_is_nothing() -> None:
    assert list(find_tagged("<context>a</context>", None)) == []
