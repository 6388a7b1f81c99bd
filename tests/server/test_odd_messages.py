"""Odd messages of each protocol go upstream as they came; where one text is marked, nothing but that text changes."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("fastapi")

import httpx
from proxy_requests import MILL, QUESTION
from upstream_double import answering

pytest_plugins = ["proxy_fixtures"]

NUMBERS = (
    '"temperature":1.0,"seed":1152921504606846976,"x":{"b":0.1234567890123456789,"a":-0.0,"b":1e400},"n":NaN,"u":"\\u00e9é'
    '\\ud83d\\/"'
)
CHAT = [
    '{"role":"developer","content":"Be brief. <context>no"}',
    '{"role":"user","content":null}',
    '{"role":"user","content":[]}',
    '{"content":[{"type":"file","file":{"file_id":"f","file_data":null}},{"type":"input_audio"}],"role":"user"}',
    '{"role":"assistant","content":null,"refusal":"No.","tool_calls":[{"id":"1","type":"function","function":'
    '{"name":"f","arguments":null}}],"audio":{"id":"a"},"annotations":[]}',
    '{"role":"assistant","content":[{"type":"refusal","refusal":"No."}],"function_call":null}',
    '{"role":"tool","tool_call_id":"1","content":""}',
    '{"role":"function","name":"f","content":null}',
    '{"role":"unheard_of","content":{"text":"x"},"later":[1.0,{"tersely":{"rate":9}}]}',
    "null",
    '"words"',
    "7",
]
MESSAGES = [
    '{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"},{"type":"tool_result","content":null},'
    '{"type":"tool_result","content":[{"type":"image","source":{"type":"url","url":"x"}},null,7]}]}',
    '{"role":"assistant","content":[{"type":"thinking","thinking":"So <context>x</context>","signature":"s=="},'
    '{"type":"redacted_thinking","data":"d"},{"type":"tool_use","id":"1","name":"f","input":{"tersely":{"rate":9}}},'
    '{"type":"server_tool_use","id":"2","name":"web_search","input":{}},'
    '{"type":"web_search_tool_result","tool_use_id":"2","content":[{"type":"web_search_result","encrypted_content":"e"}]}]}',
    '{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"f"},"citations":null},'
    '{"type":"document","source":null},{"type":"search_result","content":null},{"type":"container_upload"}]}',
]
RESPONSES = [
    '{"type":"item_reference","id":"i"}',
    '{"id":"i"}',
    '{"type":"reasoning","summary":[],"encrypted_content":null}',
    '{"type":"function_call","call_id":"1","name":"f","arguments":null}',
    '{"type":"function_call_output","call_id":"1","output":null}',
    '{"type":"function_call_output","call_id":"1","output":[{"type":"input_image","image_url":"x"},{"type":"input_file"}]}',
    '{"type":"computer_call_output","call_id":"2","output":{"type":"computer_screenshot","image_url":"x"}}',
    '{"type":"shell_call_output","call_id":"3","output":[{"stdout":"x","stderr":"","outcome":{"type":"timeout"}}]}',
    '{"type":"mcp_call","id":"4","name":"f","arguments":"{}","output":"x","server_label":"s"}',
    '{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"No."}],"status":"completed"}',
    '{"type":"program_output","id":"5"}',
]
TAGGED = '{{"content":"<context>{text}</context> ' + QUESTION + '","role":"user"}}'
PATHS = [
    ("/chat/completions", "messages", CHAT),
    ("/messages", "messages", [*CHAT, *MESSAGES]),
    ("/responses", "input", [*CHAT, *RESPONSES]),
]
paths = pytest.mark.parametrize(("path", "key", "odd"), PATHS, ids=[path for path, *_ in PATHS])


def body(key: str, messages: list[str]) -> bytes:
    between = " ,\n\t"
    return f'{{ {NUMBERS},"{key}" : [{between.join(messages)}],"stream":false,"stream":null}}\n'.encode()


@paths
def test_odd_messages_are_forwarded_as_they_are(proxy, upstream, path: str, key: str, odd: list[str]) -> None:
    upstream.behaviour = answering(200, b"{}")
    content = body(key, odd)
    answer = httpx.post(f"{proxy(tag='context', min_tokens=0)}{path}", content=content)
    assert answer.headers["x-tersely-status"] == "unmarked"
    assert upstream.requests[-1].content == content


@paths
def test_among_odd_messages_only_the_marked_text_changes(
    proxy, upstream, fake_compressor, path: str, key: str, odd: list[str]
) -> None:
    upstream.behaviour = answering(200, b"{}")
    kept = fake_compressor.compress([MILL], QUESTION, rate=0.5).context
    half = len(odd) // 2
    before, after = (body(key, [*odd[:half], TAGGED.format(text=words), *odd[half:]]) for words in (MILL, kept))
    answer = httpx.post(f"{proxy(tag='context', min_tokens=0)}{path}", content=before)
    assert answer.headers["x-tersely-status"] == "compressed"
    assert upstream.requests[-1].content == after


@paths
@pytest.mark.parametrize("where", ["the whole body", "the list", "an entry"])
@pytest.mark.parametrize("value", ["null", "7", "[[]]", '"x"', "{}", '{"content":7}'])
def test_any_shape_is_left_to_the_upstream(
    proxy, upstream, path: str, key: str, odd: list[str], where: str, value: str
) -> None:
    content = {"the whole body": value, "the list": f'{{"{key}":{value}}}', "an entry": f'{{"{key}":[{value}]}}'}[where]
    upstream.behaviour = answering(400, b"What is this?")
    answer = httpx.post(f"{proxy(tag='context', min_tokens=0)}{path}", content=content)
    assert (answer.status_code, answer.content) == (400, b"What is this?")
    assert upstream.requests[-1].content == content.encode()


@paths
def test_no_depth_of_nesting_is_too_much(proxy, upstream, path: str, key: str, odd: list[str]) -> None:
    upstream.behaviour = answering(200, b"{}")
    for depth in (400, 900, 990, 100_000):
        content = json.dumps({key: []})[:-1].encode() + b',"n":' + b"[" * depth + b"]" * depth + b"}"
        httpx.post(f"{proxy()}{path}", content=content).raise_for_status()
        assert upstream.requests[-1].content == content
