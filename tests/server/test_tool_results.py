"""What the proxy compresses though nobody marked it: long results of tools, and never what could mislead."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

pytest.importorskip("fastapi")

import httpx
from proxy_requests import BAKERY, MILL, QUESTION

from tersely import CompressionSettings

pytest_plugins = ["proxy_fixtures"]

LONG = " ".join(f"Mill number {number} was built in {1700 + number} by a brother." for number in range(60))
RECORDS = [{"mill": number, "built": 1700 + number, "by": "a brother of the first miller"} for number in range(60)]


def conversation(result: str, **others: Any) -> dict[str, Any]:
    call = {"id": "call-1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    return {
        "messages": [
            {"role": "system", "content": LONG},
            {"role": "user", "content": f"{LONG} {QUESTION}"},
            {"role": "assistant", "content": LONG, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call-1", "content": result},
            {"role": "user", "content": LONG},
        ],
        **others,
    }


def sent(url: str, upstream: Any, body: dict[str, Any], **headers: str) -> tuple[Any, httpx.Response]:
    answer = httpx.post(f"{url}/chat/completions", json=body, headers=headers)
    return upstream.body["messages"], answer


def test_a_long_result_is_compressed_and_nothing_else(proxy, upstream, fake_compressor) -> None:
    body = conversation(LONG)
    messages, answer = sent(proxy(), upstream, body)
    gap = CompressionSettings(gap_marker=" [...] ")
    kept = fake_compressor.compress([LONG], f"{LONG} {QUESTION}", rate=0.5, settings=gap)
    assert messages[3]["content"] == kept.context and " [...] " in kept.context
    assert [messages[number] for number in (0, 1, 2, 4)] == [body["messages"][number] for number in (0, 1, 2, 4)]
    assert answer.headers["x-tersely-compressed-tokens"] == str(kept.compressed_tokens)


def test_a_short_result_stays_and_so_does_every_result_without_a_role(proxy, upstream) -> None:
    for body, settings in ((conversation(MILL), {}), (conversation(LONG), {"role": None})):
        messages, answer = sent(proxy(**settings), upstream, body)
        assert messages == body["messages"]
        assert answer.headers["x-tersely-status"] == "unmarked"


def test_the_size_is_counted_in_tokens(proxy, upstream, fake_compressor) -> None:
    tokens = fake_compressor.tokenizer.count(LONG)
    assert tokens < len(LONG)
    for least, status in ((tokens, "compressed"), (tokens + 1, "unmarked")):
        assert sent(proxy(min_tokens=least), upstream, conversation(LONG))[1].headers["x-tersely-status"] == status


@pytest.mark.parametrize("indent", [None, 2])
def test_json_stays_json(proxy, upstream, indent: int | None) -> None:
    messages, answer = sent(proxy(), upstream, conversation(json.dumps(RECORDS, indent=indent)))
    assert answer.headers["x-tersely-status"] == "compressed"
    kept = json.loads(messages[3]["content"])
    assert 0 < len(kept) < len(RECORDS) and all(record in RECORDS for record in kept)


def test_json_of_which_no_json_would_be_left_stays(proxy, upstream, fake_compressor) -> None:
    one_record = json.dumps([{"text": LONG}])

    class Careless:
        """A compressor that cuts JSON anywhere."""

        tokenizer, scorer = fake_compressor.tokenizer, fake_compressor.scorer

        def compress(self, documents: list[str], *arguments: Any, **options: Any) -> Any:
            assert documents == [one_record]
            return fake_compressor.compress([LONG], *arguments, **options)

    careless = Careless()
    body = conversation(one_record)
    messages, answer = sent(proxy(compressor=careless), upstream, body)
    assert messages == body["messages"] and answer.headers["x-tersely-status"] == "unmarked"


def test_lines_stay_whole(proxy, upstream) -> None:
    log = "\n".join(
        f"2026-11-30 12:00:{number:02d} {'ERROR' if number % 9 == 4 else 'INFO'} request {number} took {number} ms"
        for number in range(60)
    )
    messages, _ = sent(proxy(), upstream, conversation(log))
    kept = messages[3]["content"].replace("[...]", "").split("\n")
    assert 1 < len(kept) < 60
    assert {line.strip() for line in kept} - {""} <= set(log.split("\n"))


def test_where_nothing_would_be_left_the_result_stays(proxy, upstream) -> None:
    body = conversation("x" * 5_000)
    assert sent(proxy(rate=0.001), upstream, body)[0] == body["messages"]


# Options by header


def test_options_by_header(proxy, upstream, fake_compressor) -> None:
    url = proxy(min_tokens=5_000)
    headers = {"x-tersely-min-tokens": "9", "x-tersely-rate": "0.25", "x-tersely-method": "salience"}
    _, answer = sent(url, upstream, conversation(LONG), **headers)
    tokens = fake_compressor.tokenizer.count(LONG)
    assert 0 < int(answer.headers["x-tersely-compressed-tokens"]) <= tokens / 4
    assert not [name for name, _ in upstream.requests[-1].headers if name.startswith("x-tersely")]
    marked = [{"role": "user", "content": f"{MILL} {BAKERY}", "tersely": {}}, {"role": "user", "content": QUESTION}]
    _, answer = sent(url, upstream, {"messages": marked}, **{"x-tersely-target-tokens": "20"})
    assert int(answer.headers["x-tersely-compressed-tokens"]) <= 20


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("rate", "7", "rate: .* got 7"),
        ("rate", "half", "rate: .* got 'half'"),
        ("target-tokens", "0", "target_tokens: .* got 0"),
        ("method", "magic", "method: .* got 'magic'"),
        ("min-tokens", "-1", "x-tersely-min-tokens: must be a whole number from 0 on, got -1"),
        ("min-tokens", "few", "must be a whole number from 0 on, got 'few'"),
        ("min-tokens", "true", "must be a whole number from 0 on, got True"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(proxy, upstream, name: str, value: str, says: str) -> None:
    headers = {f"x-tersely-{name}": value}
    answer = httpx.post(f"{proxy()}/chat/completions", json=conversation(LONG), headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_mark"
    assert re.search(says, answer.json()["error"]["message"])
    assert upstream.requests == []
