"""Conversations that grow request by request, in each protocol, with every kind of mark and role."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from tersely_server.proxy.protocols import Reader, read_chat, read_messages, read_responses

FACTS = [
    "The water mill was built in 1820. It closed a hundred years later. Its roof fell in one winter.",
    "A bakery sold bread and cake – and é – to everybody who passed by. It had two ovens and a cat.",
    '[{"city": "Utrecht", "people": 361966}, {"city": "Leiden", "people": 127046}]',
    "short",
]
QUESTIONS = ["When was it built?", "How many?", "And who?"]
BREAKPOINT = {"cache_control": {"type": "ephemeral"}}

facts, questions = st.sampled_from(FACTS), st.sampled_from(QUESTIONS)
marks = st.sampled_from([{}, {"rate": 0.25}, {"target_tokens": 1}, {"question": "Which?"}])
# What a turn of the user brings: a kind of context, its text, a mark and a question.
turns = st.tuples(st.sampled_from(["tag", "part", "message", "before", "quoted", "none"]), facts, marks, questions)
# What follows in the same turn: results of tools, each with a mark or without.
results = st.lists(st.tuples(facts, st.none() | marks, st.booleans()), max_size=2)
conversations = st.lists(st.tuples(turns, results), min_size=2, max_size=4)


class Chat:
    """OpenAI's chat completions."""

    reader: Reader = staticmethod(read_chat)
    key, text_type = "messages", "text"

    def request(self, messages: list[Any]) -> dict[str, Any]:
        return {"model": "a-model", self.key: messages}

    def text(self, words: str, **others: Any) -> dict[str, Any]:
        return {"type": self.text_type, "text": words, **others}

    def user(self, turn: tuple[str, str, dict[str, Any], str]) -> list[Any]:
        kind, fact, mark, question = turn
        if kind == "tag":
            return [{"role": "user", "content": f"<context>{fact}</context> {question}"}]
        if kind in ("part", "quoted"):
            return [{"role": "user", "content": [self.text(fact, tersely=mark), self.text(question)]}]
        marked = {"role": "user", "content": fact, "tersely": mark}
        asked = {"role": "user", "content": [self.text(question)]}
        return {"message": [asked, marked], "before": [marked, asked], "none": [asked]}[kind]

    def step(self, number: int, fact: str, mark: Any, in_parts: bool) -> list[Any]:
        call = {"id": f"c{number}", "type": "function", "function": {"name": "search", "arguments": "{}"}}
        content = [self.text(fact), self.text("more")] if in_parts else fact
        result = {"role": "tool", "tool_call_id": f"c{number}", "content": content}
        return [{"role": "assistant", "content": None, "tool_calls": [call]}, marked(result, mark)]


class Messages(Chat):
    """Anthropic's messages."""

    reader: Reader = staticmethod(read_messages)

    def request(self, messages: list[Any]) -> dict[str, Any]:
        return {"system": f"<context>{FACTS[0]}</context>", self.key: messages}

    def user(self, turn: tuple[str, str, dict[str, Any], str]) -> list[Any]:
        kind, fact, mark, question = turn
        if kind != "quoted":
            return super().user(turn)
        source = {"type": "text", "media_type": "text/plain", "data": fact}
        document = {"type": "document", "source": source, "tersely": mark}
        return [{"role": "user", "content": [document, self.text(question)]}]

    def step(self, number: int, fact: str, mark: Any, in_parts: bool) -> list[Any]:
        use = {"type": "tool_use", "id": f"c{number}", "name": "search", "input": {}}
        content = [self.text(fact), self.text("more")] if in_parts else fact
        result = {"type": "tool_result", "tool_use_id": f"c{number}", "content": content}
        blocks = [marked(result, mark), self.text("Go on.")] if in_parts else [marked(result, mark)]
        return [{"role": "assistant", "content": [use]}, {"role": "user", "content": blocks}]


class Responses(Chat):
    """OpenAI's responses."""

    reader: Reader = staticmethod(read_responses)
    key, text_type = "input", "input_text"

    def request(self, messages: list[Any]) -> dict[str, Any]:
        return {"instructions": f"<context>{FACTS[0]}</context>", self.key: messages}

    def step(self, number: int, fact: str, mark: Any, in_parts: bool) -> list[Any]:
        call = {"type": "function_call", "call_id": f"c{number}", "name": "search", "arguments": "{}"}
        content = [self.text(fact), self.text("more")] if in_parts else fact
        result = {"type": "function_call_output", "call_id": f"c{number}", "output": content}
        return [{"type": "reasoning", "id": "rs", "summary": []}, call, marked(result, mark)]


PROTOCOLS = [Chat(), Messages(), Responses()]


def marked(value: dict[str, Any], mark: Any) -> dict[str, Any]:
    return value if mark is None else {**value, "tersely": mark}


def requests_of(protocol: Chat, conversation: list[Any]) -> list[bytes]:
    """The bodies that a client sends one after the other. The last part of each carries a cache breakpoint."""
    messages: list[Any] = []
    bodies = []
    for turn, steps in conversation:
        if messages:
            messages.append({"role": "assistant", "content": "An answer."})
        messages += protocol.user(turn)
        bodies.append(written(protocol, messages))
        for number, step in enumerate(steps):
            messages += protocol.step(number, *step)
            bodies.append(written(protocol, messages))
    return bodies


def written(protocol: Chat, messages: list[Any]) -> bytes:
    *earlier, last = messages
    key = "output" if "output" in last else "content"
    if isinstance(last[key], list):
        *parts, end = last[key]
        last = {**last, key: [*parts, {**end, **BREAKPOINT}]}
    return json.dumps(protocol.request([*earlier, last]), ensure_ascii=False, separators=(",", ":")).encode()


def without_breakpoints(content: bytes) -> bytes:
    return content.replace(b',"cache_control":{"type":"ephemeral"}', b"")


async def compress(documents: list[str], question: str | None, **options: Any) -> Any:
    """Keeps some sentences of each document. Which ones hangs on everything that it is given."""
    chance = random.Random(repr((documents, question, options)))
    kept = [" ".join(word for word in text.split() if chance.random() < 0.4) for text in documents]
    counts = [(len(text.split()), len(rest.split())) for text, rest in zip(documents, kept, strict=True)]
    return SimpleNamespace(
        notes=[],
        original_tokens=sum(before for before, _ in counts),
        compressed_tokens=sum(after for _, after in counts),
        documents=[
            SimpleNamespace(index=index, text=rest, original_tokens=before, compressed_tokens=after)
            for index, (rest, (before, after)) in enumerate(zip(kept, counts, strict=True))
        ],
    )
