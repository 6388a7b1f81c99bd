"""A conversation grows: what went upstream before goes there again, byte for byte, and is found in a prompt cache."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("fastapi")

import httpx

pytest_plugins = ["proxy_fixtures"]

FACTS = [
    "The water mill was built in 1820 by two brothers. It closed a hundred years later. Its roof fell in one winter.",
    "A bakery across the street sold bread and cake to everybody who passed by. It had two ovens and a cat.",
    "The bridge was paid for by the guild in 1744. It has four arches of sandstone. A flood took one of them in 1809.",
    "The school opened with nine pupils. Its first teacher came from Leiden. The bell was cast from an old cannon.",
    "The inn burnt down twice. Its sign shows a blue heron. Coaches to Utrecht changed their horses there until 1861.",
]
QUESTIONS = ["When was it built?", "How many?", "How many?", "When was it built?", "What does its sign show?"]
BEGINNING = b'"messages":['


def said(role: str, content: Any, **others: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **others}


def tagged(turn: int) -> list[dict[str, Any]]:
    return [said("user", f"<context>{FACTS[turn]}</context>\n{QUESTIONS[turn]}")]


def parts(turn: int) -> list[dict[str, Any]]:
    text = {"type": "text", "text": FACTS[turn], "tersely": {"target_tokens": 20}}
    return [said("user", [text, {"type": "text", "text": QUESTIONS[turn]}])]


def before_the_question(turn: int) -> list[dict[str, Any]]:
    return [said("user", FACTS[turn], tersely={"rate": 0.4}), said("user", QUESTIONS[turn])]


def of_which_nothing_is_left(turn: int) -> list[dict[str, Any]]:
    return [said("user", FACTS[turn], tersely={"target_tokens": 1}), said("user", QUESTIONS[turn])]


def sent(proxy_url: str, upstream: Any, messages: list[Any]) -> bytes:
    """The messages as they went upstream, without the bracket that ends them."""
    content = json.dumps({"messages": messages, "model": "a-model"}, separators=(",", ":")).encode()
    httpx.post(f"{proxy_url}/chat/completions", content=content).raise_for_status()
    forwarded = upstream.requests[-1].content
    return forwarded[forwarded.index(BEGINNING) : forwarded.rindex(b'],"model"')]


@pytest.mark.parametrize("turn", [tagged, parts, before_the_question, of_which_nothing_is_left])
def test_five_turns_with_a_context_each(proxy, upstream, turn) -> None:
    url, conversation, before = proxy(tag="context"), [said("system", "Be brief.")], BEGINNING
    for number, fact in enumerate(FACTS):
        conversation += turn(number)
        now = sent(url, upstream, conversation)
        assert now.startswith(before) and len(now) > len(before)
        assert fact.encode() not in now
        conversation.append(said("assistant", "An answer."))
        before = sent(url, upstream, conversation)
        assert before.startswith(now)


def test_an_agent_that_gets_one_more_result_each_step(proxy, upstream) -> None:
    url, before = proxy(min_tokens=0), BEGINNING
    conversation: list[Any] = [said("user", "When was the water mill built?")]
    for number in range(5):
        fact = f"{FACTS[number]} {FACTS[number - 1]}"
        call = {"id": f"call-{number}", "type": "function", "function": {"name": "search", "arguments": "{}"}}
        conversation.append(said("assistant", None, tool_calls=[call]))
        conversation.append(said("tool", fact, tool_call_id=call["id"]))
        now = sent(url, upstream, conversation)
        assert now.startswith(before) and fact.encode() not in now
        before = now
    conversation += [said("assistant", "In 1820."), said("user", "And who built it?")]
    assert sent(url, upstream, conversation).startswith(before)


def test_each_turn_is_compressed_by_its_own_question_and_budget(proxy, upstream, fake_compressor) -> None:
    conversation: list[Any] = []
    for number in range(5):
        conversation += [*parts(number), said("assistant", "An answer.")]
    sent(proxy(), upstream, conversation)
    for fact, question, message in zip(FACTS, QUESTIONS, upstream.body["messages"][::2], strict=True):
        expected = fake_compressor.compress([fact], question, target_tokens=20)
        assert [part["text"] for part in message["content"]] == [expected.context, question]
