"""Chat requests with marks, and what is found in them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tersely import CompressionSettings
from tersely_server.proxy.forwarded_body import with_texts, without_marks
from tersely_server.proxy.marked_context import MarkedRequest, read_marks

HALF = CompressionSettings(rate=0.5)


def read(*messages: Any, role: str | None = None, tag: str | None = None, **body: Any) -> MarkedRequest:
    return read_marks({"messages": list(messages), **body}, HALF, role=role, tag=tag)


def user(content: Any, **others: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **others}


def text(words: str, **others: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **others}


def texts(marked: MarkedRequest) -> list[str]:
    return [one.text for one in marked.texts]


def body_with(marked: MarkedRequest, replacements: list[str]) -> dict[str, Any]:
    return json.loads(with_texts(json.dumps(marked.body), marked, replacements))


def unmarked(marked: MarkedRequest) -> dict[str, Any]:
    return json.loads(without_marks(json.dumps(marked.body), marked))


def messages(marked: MarkedRequest, *replacements: str) -> list[Any]:
    return body_with(marked, list(replacements))["messages"]


# Whatever the request looks like

words = st.text("ab <>/\n context.", max_size=30) | st.just("<context>One two.</context> three") | st.text(max_size=5)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=3,
)
others = st.dictionaries(st.sampled_from(["name", "tool_calls", "cache_control", "x"]), plain_json, max_size=1)
