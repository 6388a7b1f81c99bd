"""Marked text is found and replaced; what is not marked never changes, whatever the request looks like."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from marked_requests import HALF, body_with, messages, read, text, texts, unmarked, user

from tersely import CompressionSettings
from tersely_server.proxy.marked_context import Options, read_marks

pytest.importorskip("fastapi")


# What is marked


def test_a_part_with_the_object_is_a_document_and_comes_back_in_its_place() -> None:
    marked = read(user([text("Document one.", tersely={}), text("Question?"), text("Document two.", tersely={})]))
    assert texts(marked) == ["Document one.", "Document two."]
    assert {document.options.question for document in marked.texts} == {"Question?"}
    assert messages(marked, "one", "two") == [user([text("one"), text("Question?"), text("two")])]


def test_a_message_with_the_object_is_marked_as_a_whole() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    marked = read(user("A document.", tersely={}), user([text("Another."), image, text("A third.")], tersely={}))
    assert texts(marked) == ["A document.", "Another.", "A third."]
    assert {document.options.question for document in marked.texts} == {None}
    assert messages(marked, "1", "2", "3") == [user("1"), user([text("2"), image, text("3")])]


def test_a_role_marks_its_messages_and_no_others() -> None:
    called = {"role": "tool", "tool_call_id": "call-1", "content": "A document."}
    marked = read(user("Question?"), called, role="tool")
    assert texts(marked) == ["A document."]
    assert messages(marked, "Short.") == [user("Question?"), {**called, "content": "Short."}]
    assert texts(read(user("Question?"), called)) == []


def test_a_tag_marks_what_stands_between_it_and_its_end() -> None:
    marked = read(user("Before <context>\nOne.\n</context> between <context>Two.</context> after"), tag="context")
    assert texts(marked) == ["One.", "Two."]
    assert marked.texts[0].options.question == "Before\nbetween\nafter"
    assert messages(marked, "1", "2") == [user("Before <context>\n1\n</context> between <context>2</context> after")]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ('<document id="3">One.</document>', ["One."]),
        ("<document\nid=3>One.</document>", ["One."]),
        ("<document>One.", []),
        ("One.</document>", []),
        ("<document>  \n </document>", []),
        ("<document/>One.</document>", []),
        ("<document />One.</document>", []),
        ("<documents>One.</documents>", []),
        ("<DOCUMENT>One.</DOCUMENT>", []),
        ("<document><document>One.</document></document>", ["<document>One.</document>"]),
        ("<document>A page says </document> here. One.</document> When?", ["A page says </document> here. One."]),
        (
            "<document>A </document> b</document><document>c</document> d</document> ?",
            ["A </document> b", "c</document> d"],
        ),
        ("</document><document>One.</document>", ["One."]),
        ("<document>One.</document><document>Two.", ["One."]),
        ("<document <document>One.</document>", ["One."]),
    ],
)
def test_odd_tags(words: str, found: list[str]) -> None:
    assert texts(read(user(words), tag="document")) == found
    assert texts(read(user([text(words)]), tag="document")) == found


def test_tags_take_linear_time() -> None:
    assert texts(read(user("<context " * 200_000 + "<context>" * 200_000), tag="context")) == []


def test_what_the_model_said_is_not_marked_by_a_tag_but_can_be_by_the_object() -> None:
    said = {"role": "assistant", "content": "<context>I said so.</context>"}
    assert texts(read(said, tag="context")) == []
    assert texts(read({**said, "tersely": {}}, tag="context")) == ["<context>I said so.</context>"]


def test_white_space_at_the_edges_stays() -> None:
    marked = read(user([text("\n One.\t\n", tersely={})]))
    assert texts(marked) == ["One."]
    assert messages(marked, "1") == [user([text("\n 1\t\n")])]


@pytest.mark.parametrize("content", [None, "", "  ", [], [text("")], [{"type": "refusal", "refusal": "No."}], 7])
def test_a_marked_message_without_text_only_loses_its_mark(content: Any) -> None:
    marked = read(user(content, tersely={}))
    assert (marked.texts, unmarked(marked)) == ([], {"messages": [user(content)]})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None},
        {"messages": "hello"},
        {"messages": {"tersely": {"rate": 7}}},
        {"messages": ["hello", 7, None, [{"tersely": {"rate": 7}}]]},
        {"messages": [{"content": ["hello", None]}]},
        {"messages": [user([{"type": "text", "text": None}])]},
        {"messages": [], "tools": [{"function": {"parameters": {"properties": {"tersely": {"type": "string"}}}}}]},
        {"messages": [user("Hi", metadata={"tersely": {"rate": 7}})]},
    ],
)
def test_what_has_another_shape_is_left_alone(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    marked = read_marks(body, HALF, role="user", tag="context")
    assert body_with(marked, texts(marked)) == body == before


# Options


def test_options_of_the_request_the_message_and_the_part_each_refine_the_former() -> None:
    marked = read(
        user([text("One."), text("Two.", tersely={"target_tokens": 9})], tersely={"rate": 0.25}),
        user([text("Three.", tersely={"question": "Which?"})]),
        tersely={"method": "evidence", "question": "What?"},
    )
    assert [one.options for one in marked.texts] == [
        Options(CompressionSettings(rate=0.25, method="evidence"), "What?"),
        Options(CompressionSettings(target_tokens=9, method="evidence"), "What?"),
        Options(CompressionSettings(rate=0.5, method="evidence"), "Which?"),
    ]
    assert "tersely" not in json.dumps(unmarked(marked))


def test_texts_of_a_message_with_equal_options_share_a_budget() -> None:
    marked = read(
        user([text("One.", tersely={}), text("Two.", tersely={"rate": 0.25}), text("Three.", tersely={"rate": 0.5})]),
        user([text("Four.", tersely={"question": "Q?"}), text("Q?")]),
    )
    quarter = CompressionSettings(rate=0.25)
    assert marked.groups() == [
        (Options(HALF, "Q?"), [0, 2]),
        (Options(quarter, "Q?"), [1]),
        (Options(HALF, "Q?"), [3]),
    ]
