"""What becomes of the messages of a request: questions, wrong marks, empty messages, and any request at all."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked_requests import HALF, body_with, messages, others, plain_json, read, text, texts, unmarked, user, words

from tersely import InvalidInputError
from tersely_server.proxy.marked_context import OMITTED, MarkedRequest, read_marks


def questions(*messages: Any, **marks: Any) -> list[str | None]:
    """Of the marked texts, by which each is compressed."""
    return [document.options.question for document in read(*messages, **marks).texts]


ANSWER = {"role": "assistant", "content": "An answer."}
RESULT = {"role": "tool", "tool_call_id": "1", "content": "A document."}
DOCUMENT = user("A document.", tersely={})


def test_the_question_is_what_the_user_asks_in_the_texts_own_turn() -> None:
    asked = user([text("One."), text("Q?")])
    asked["content"][0]["tersely"] = {}
    assert questions(user("First?"), ANSWER, asked, ANSWER, user("Last?")) == ["Q?"]
    assert questions(user("First?"), DOCUMENT, ANSWER, user("Second?")) == ["First?"]
    assert questions(DOCUMENT, user("First?"), ANSWER, user("Second?")) == ["First?"]
    assert questions(user("First?"), ANSWER, DOCUMENT, user("Second?")) == ["Second?"]
    assert questions(user("First?"), ANSWER, DOCUMENT, ANSWER, user("Third?")) == ["First?"]
    assert questions(user("First?"), DOCUMENT, user("More?")) == ["First?"]
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    assert questions(DOCUMENT, user([text(" See "), image, text("What is it?")])) == ["See\nWhat is it?"]


def test_context_before_its_question_counts_for_the_turn_alone() -> None:
    system = {"role": "system", "content": "A document.", "tersely": {}}
    assert questions(system) == [None]
    assert questions(system, user("First?"), ANSWER, user("Second?")) == ["First?"]
    assert questions(system, ANSWER, user("Second?")) == [None]


def test_a_tools_result_has_the_last_question_before_it() -> None:
    assert questions(user("First?"), ANSWER, RESULT, user("Second?"), ANSWER, RESULT, role="tool") == [
        "First?",
        "Second?",
    ]
    assert questions(RESULT, user("First?"), role="tool") == [None]


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        (True, r"must be an object.*got True"),
        ("0.5", r"must be an object.*got '0.5'"),
        ([], r"must be an object.*got \[\]"),
        ({"rat": 0.5}, "there is no option 'rat'; there are question, rate, target_tokens, method"),
        ({"order": "best_first"}, "there is no option 'order'"),
        ({"rate": 7}, "rate: .* got 7"),
        ({"rate": "half"}, "rate: .* got 'half'"),
        ({"rate": 0.5, "target_tokens": 9}, ".* exclude each other"),
        ({"target_tokens": 0}, "target_tokens: .* got 0"),
        ({"method": "magic"}, "method: .* got 'magic'"),
        ({"question": " "}, "question: .* got ' '"),
        ({"question": ["What?"]}, "question: .* got"),
    ],
)
def test_a_wrong_mark_is_refused_by_its_place(mark: Any, says: str) -> None:
    for place, request in (
        ("tersely", {"messages": [user("Hi")], "tersely": mark}),
        (r"messages\[1\].tersely", {"messages": [user("Hi"), user("Hi", tersely=mark)]}),
        (r"messages\[0\].content\[1\].tersely", {"messages": [user([text("Hi"), text("Hi", tersely=mark)])]}),
    ):
        with pytest.raises(InvalidInputError, match=f"^{place}: (?s:{says})"):
            read_marks(request, HALF)


def test_a_marked_part_must_be_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}, "tersely": {}}
    with pytest.raises(InvalidInputError, match=r"messages\[0\].content\[0\].tersely: .* of type 'image_url'"):
        read(user([image]))


def test_a_mark_of_null_is_none() -> None:
    marked = read(user([text("Hi", tersely=None)], tersely=None), tersely=None)
    assert (marked.texts, unmarked(marked)) == ([], {"messages": [user([text("Hi")])]})


# Text of which nothing is left


def test_an_empty_part_is_taken_out_of_a_message_that_has_others() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    marked = read(user([text("One.", tersely={}), image, text("Two.\n", tersely={}), text("Question?")]))
    assert messages(marked, "", "") == [user([image, text("Question?")])]


def test_an_empty_part_that_carries_something_else_stays() -> None:
    marked = read(user([text("One.", tersely={}, cache_control={"type": "ephemeral"}), text("Question?")]))
    assert messages(marked, "") == [user([text(OMITTED, cache_control={"type": "ephemeral"}), text("Question?")])]


def test_an_empty_message_after_one_of_its_role_goes() -> None:
    assert messages(read(user("Q?"), user("One.", tersely={})), "") == [user("Q?")]


def test_whether_an_empty_message_goes_does_not_hang_on_what_follows() -> None:
    marked = user("One.", tersely={})
    assert messages(read(marked), "") == [user(OMITTED)]
    assert messages(read(marked, user("Q?")), "") == [user(OMITTED), user("Q?")]


def test_an_empty_message_that_is_needed_stays_and_is_not_empty() -> None:
    assistant = {"role": "assistant", "content": "An answer."}
    marked = read(user("One.", tersely={}), assistant, user([text("Two.")], tersely={}), assistant, user("Q?"))
    assert messages(marked, "", "") == [user(OMITTED), assistant, user([text(OMITTED)]), assistant, user("Q?")]
    tool = {"role": "tool", "tool_call_id": "1", "content": "One."}
    assert messages(read(tool, {**tool, "tool_call_id": "2"}, role="tool"), "", "")[1]["tool_call_id"] == "2"
    assert messages(read(tool, role="tool"), "") == [{**tool, "content": OMITTED}]


def test_of_several_empty_messages_one_stays() -> None:
    marked = read(user("One.", tersely={}), user("Two.", tersely={}), user("Three.", tersely={}))
    assert messages(marked, "", "", "") == [user(OMITTED)]


def test_tags_around_nothing_stay() -> None:
    marked = read(user("<context>One.</context>"), tag="context")
    assert messages(marked, "") == [user("<context></context>")]


marks = st.sampled_from([{}, {"rate": 0.25}, {"target_tokens": 7}, {"question": "What?"}, None])


@st.composite
def with_mark(draw: st.DrawFn, value: dict[str, Any], own: str) -> dict[str, Any]:
    """A part or a message, with other keys and perhaps a mark, in any order."""
    extra = draw(others)
    if draw(st.booleans()):
        extra["tersely"] = draw(marks)
    return {**extra, **value} if own == "last" else {**value, **extra}


text_parts = words.flatmap(lambda one: with_mark(text(one), "first"))
image_parts = st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, words)
contents = st.one_of(st.none(), words, st.lists(text_parts | image_parts | plain_json, max_size=3))
roles = st.sampled_from(["system", "user", "assistant", "tool"])
chat_messages = st.builds(lambda role, content: {"role": role, "content": content}, roles, contents).flatmap(
    lambda message: with_mark(message, "last")
)
requests = st.builds(
    lambda chat, mark, extra: {"messages": chat, **({"tersely": mark} if mark is not None else {}), **extra},
    st.lists(chat_messages | plain_json, max_size=4),
    marks,
    others,
)


def bare(body: dict[str, Any]) -> dict[str, Any]:
    """What a request should be when nothing of it was compressed, by another way than that under test."""
    body = copy.deepcopy(body)
    body.pop("tersely", None)
    for message in body["messages"]:
        if isinstance(message, dict):
            message.pop("tersely", None)
            for part in message["content"] if isinstance(message.get("content"), list) else []:
                if isinstance(part, dict):
                    part.pop("tersely", None)
    return body


def read_or_refused(body: dict[str, Any]) -> MarkedRequest | None:
    try:
        return read_marks(body, HALF, role="tool", tag="context")
    except InvalidInputError:
        return None


@given(requests)
def test_texts_put_back_as_they_were_give_the_request_without_its_marks(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    if marked := read_or_refused(body):
        assert body_with(marked, texts(marked)) == bare(body) == unmarked(marked)
    assert body == before


@given(requests)
def test_only_marked_text_changes(body: dict[str, Any]) -> None:
    """Each marked text is replaced by a sign; the signs replaced by the texts again give the request."""
    if not (marked := read_or_refused(body)):
        return
    signs = [f"\0{number}\0" for number in range(len(marked.texts))]
    replaced = body_with(marked, signs)
    assert len(replaced["messages"]) == len(body["messages"])
    written = json.dumps(replaced)
    for sign, original in zip(signs, texts(marked), strict=True):
        assert written.count(json.dumps(sign)[1:-1]) == 1
        written = written.replace(json.dumps(sign)[1:-1], json.dumps(original)[1:-1])
    assert json.loads(written) == bare(body)


@given(requests)
def test_nothing_left_leaves_no_message_empty_and_all_else_in_order(body: dict[str, Any]) -> None:
    if not (marked := read_or_refused(body)):
        return
    left = messages(marked, *[""] * len(marked.texts))
    places = {document.message for document in marked.texts}
    untouched = [message for number, message in enumerate(bare(body)["messages"]) if number not in places]
    remaining = iter(left)
    assert all(any(message == one for one in remaining) for message in untouched)
    originals = {json.dumps(message) for message in untouched}
    for message in left:
        if json.dumps(message) not in originals:
            assert message["content"] and (not isinstance(message["content"], str) or message["content"].strip())
    assert bool(left) == bool(body["messages"])


def as_it_is_compressed(marked: MarkedRequest) -> list[str]:
    """For each marked text all that decides what becomes of it; nothing at all for every third one."""
    replacements = [""] * len(marked.texts)
    for options, positions in marked.groups():
        together = [marked.texts[position].text for position in positions]
        for position in positions:
            replacements[position] = f"{options} {together}" if len(marked.texts[position].text) % 3 else ""
    return replacements


@given(requests, requests)
def test_what_becomes_of_a_message_does_not_hang_on_later_turns(body: dict[str, Any], later: dict[str, Any]) -> None:
    grown = {**body, "messages": [*body["messages"], ANSWER, *later["messages"]]}
    before, after = read_or_refused(body), read_or_refused(grown)
    if before and after:
        first = messages(before, *as_it_is_compressed(before))
        assert messages(after, *as_it_is_compressed(after))[: len(first)] == first
