"""Chat requests to a proxy, with marked text in them."""

from __future__ import annotations

import socket
from typing import Any

from openai import OpenAI

MILL = "The water mill was built in 1820 by two brothers. It closed later. Its red roof fell in one hard winter."
BAKERY = "A bakery across the street sold bread and cake to everybody who passed by. It had two ovens and a cat."
QUESTION = "When was the water mill built?"


def client(url: str, **options: Any) -> OpenAI:
    return OpenAI(base_url=url, **{"api_key": "client-key", "max_retries": 0, **options})


def text(words: str, **others: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **others}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


MARKED = [user(text(MILL, tersely={"target_tokens": 20}), text(BAKERY, tersely={"target_tokens": 20}), text(QUESTION))]


def ask(url: str, messages: Any = None, **options: Any) -> Any:
    """The raw response, whose headers can be read."""
    return client(url).chat.completions.with_raw_response.create(
        model="a-model", messages=messages or MARKED, **options
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
