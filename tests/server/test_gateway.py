"""The gateways' contract at `/v1/compress`: which texts come out shorter, which stay, and what is said of them."""

from __future__ import annotations

import copy
import json

import pytest

pytest.importorskip("fastapi")

from conversations import AGENT, PAGES, ROWS, SHORT, anthropic_call, anthropic_result, call, result, user
from service_doubles import MILL, TOKEN, client_for

from growth import assert_grows_with_the_text
from tersely import Compressor, TerselyError
from tersely_server.compression import Originals
from tersely_server.gateway.compression import Conversations
from tersely_server.gateway.messages import candidates
from tersely_server.gateway.settings import GatewaySettings, option_headers
from tersely_server.settings import server_settings


@pytest.fixture
def client(fake_compressor):
    return client_for(fake_compressor)


async def compressed(client, messages, **more) -> dict:
    headers = more.pop("headers", None)
    answer = await client.post("/v1/compress", json={"messages": messages, "model": "gpt-4o", **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["messages"]) == len(messages)
    return answer.json()


def changed(before: list, after: list) -> list[int]:
    return [number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]


async def test_long_tool_results_come_out_shorter_and_nothing_else_changes(client, fake_compressor) -> None:
    answer = await compressed(client, AGENT)
    assert changed(AGENT, answer["messages"]) == [3, 9]
    expected = copy.deepcopy(AGENT)
    expected[3]["content"] = answer["messages"][3]["content"]
    expected[9]["content"][0]["text"] = answer["messages"][9]["content"][0]["text"]
    assert answer["messages"] == expected
    count = fake_compressor.tokenizer.count
    for text in (expected[3]["content"], expected[9]["content"][0]["text"]):
        assert count(text) <= count(PAGES) // 2
    assert [text["message"] for text in answer["texts"]] == [3, 9]


async def test_the_numbers_are_those_of_all_texts(client, fake_compressor) -> None:
    count = fake_compressor.tokenizer.count
    answer = await compressed(client, [user("Which?"), call("a"), result("a", PAGES)])
    assert answer["tokens_before"] == count("Which?") + count(PAGES)
    assert answer["tokens_after"] == count("Which?") + count(answer["messages"][2]["content"])
    assert answer["tokens_saved"] == answer["tokens_before"] - answer["tokens_after"]
    assert answer["compression_ratio"] == answer["tokens_after"] / answer["tokens_before"]
    nothing = await compressed(client, [])
    assert nothing["tokens_before"] == 0 and nothing["compression_ratio"] == 1


@pytest.mark.parametrize("messages", [AGENT, [*AGENT, {"role": "assistant", "content": "In 1770."}]])
async def test_a_growing_conversation_has_the_same_bytes_for_all_earlier_messages(fake_compressor, messages) -> None:
    whole = (await compressed(client_for(fake_compressor), messages))["messages"]
    for length in range(1, len(messages)):
        started_anew = client_for(fake_compressor)
        assert (await compressed(started_anew, messages[:length]))["messages"] == whole[:length]


@pytest.mark.model
async def test_a_real_model_gives_the_same_bytes_whatever_it_read_before(real_compressor) -> None:
    lake = PAGES.replace("river", "lake")
    conversation = [user("When was mill number 12 built?"), call("a"), result("a", PAGES)]
    grown = [*conversation, user("And mill number 70?"), call("b"), result("b", lake), result("b", PAGES)]
    after_others = (await compressed(client_for(real_compressor), grown))["messages"]
    alone = (await compressed(client_for(real_compressor), conversation))["messages"]
    assert after_others[: len(alone)] == alone and "1712" in alone[2]["content"]


async def test_the_question_is_that_of_the_results_own_turn(fake_compressor) -> None:
    asked = []

    class Listening:
        tokenizer, scorer = fake_compressor.tokenizer, fake_compressor.scorer

        def compress(self, documents, question=None, **options):
            asked.append(question)
            return fake_compressor.compress(documents, question, **options)

    second = PAGES.replace("river", "lake")
    conversation = [user("First?"), call("a"), result("a", PAGES), user("Second?"), call("b"), result("b", second)]
    await compressed(client_for(Listening()), conversation)
    assert sorted(asked) == ["First?", "Second?"]


async def test_without_the_assistants_messages_no_later_question_changes_a_result(fake_compressor) -> None:
    """LiteLLM holds back these and the user's last message, so the turn of a result cannot be known."""
    first = await compressed(client_for(fake_compressor), [result("a", PAGES)])
    grown = [user("When was mill number 12 built?"), result("a", PAGES), user("Second?")]
    later = await compressed(client_for(fake_compressor), grown)
    assert first["messages"][0] == later["messages"][1] != result("a", PAGES)
    assert first["texts"][0]["method"] == later["texts"][0]["method"] == "salience"


async def test_anthropics_blocks_are_compressed_in_place(client) -> None:
    mark = {"type": "ephemeral"}
    blocks = [
        {"type": "text", "text": PAGES, "cache_control": mark},
        {"type": "search_result", "source": "a", "title": "b", "content": [{"type": "text", "text": PAGES}]},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": PAGES}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    ]
    conversation = [
        user([{"type": "text", "text": "Which mill?"}]),
        anthropic_call("a"),
        anthropic_result("a", PAGES, cache_control=mark, is_error=False),
        anthropic_call("b"),
        anthropic_result("b", blocks),
    ]
    messages = (await compressed(client, conversation))["messages"]
    assert changed(conversation, messages) == [2, 4]
    one = messages[2]["content"][0]
    assert one == {**conversation[2]["content"][0], "content": one["content"]} and len(one["content"]) < len(PAGES)
    text, search, document, image = messages[4]["content"][0]["content"]
    shorter = text["text"]
    assert len(shorter) < len(PAGES)
    assert text == {**blocks[0], "text": shorter} and image == blocks[3]
    assert search == {**blocks[1], "content": [{"type": "text", "text": shorter}]}
    assert document == {**blocks[2], "source": {**blocks[2]["source"], "data": shorter}}


async def test_a_result_and_what_the_user_says_with_it_belong_to_their_own_questions(fake_compressor) -> None:
    together = [{"type": "tool_result", "tool_use_id": "a", "content": PAGES}, {"type": "text", "text": "Other?"}]
    conversation = [user("First?"), anthropic_call("a"), user(together)]
    alone = [user("First?"), anthropic_call("a"), anthropic_result("a", PAGES)]
    texts = [
        (await compressed(client_for(fake_compressor), messages))["messages"][2]["content"][0]["content"]
        for messages in (conversation, alone)
    ]
    assert texts[0] == texts[1]


async def test_json_stays_json(client) -> None:
    answer = await compressed(client, [user("Which mills are open?"), call("a"), result("a", ROWS)])
    rows = json.loads(answer["messages"][2]["content"])
    assert 0 < len(rows) < 80 and all(row in json.loads(ROWS) for row in rows)


@pytest.mark.parametrize("name", ["headroom_retrieve", "mcp__tersely__retrieve", "tersely_retrieve"])
async def test_what_the_model_asked_to_have_back_is_whole(client, name) -> None:
    conversation = [user("Which?"), call("a", name), result("a", PAGES)]
    assert (await compressed(client, conversation))["messages"] == conversation


async def test_what_was_compressed_once_is_not_compressed_again(client) -> None:
    once = (await compressed(client, AGENT, headers={"x-tersely-min-tokens": "50"}))["messages"]
    assert (await compressed(client, once, headers={"x-tersely-min-tokens": "50"}))["messages"] == once


async def test_frozen_messages_are_untouched(client) -> None:
    answer = await compressed(client, AGENT, config={"frozen_message_count": 4, "protect_recent": 4})
    assert changed(AGENT, answer["messages"]) == [9]


@pytest.mark.parametrize(
    "message",
    [
        None,
        5,
        "text",
        {},
        {"role": "tool"},
        {"role": "tool", "tool_call_id": 5, "content": None},
        {"role": "assistant", "tool_calls": [None, {"function": None}, {"id": None, "function": {"name": None}}]},
        {"role": "assistant", "tool_calls": None, "function_call": {"name": "f", "arguments": None}},
        {"role": "user", "content": [None, 5, {"type": "tool_result"}, {"type": "text", "text": None}]},
        {"role": "developer", "content": PAGES},
        {"role": ["x"], "content": PAGES},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "x"}}], "refusal": None},
        {
            "role": "tool",
            "content": [{"type": "text", "text": SHORT, "n": [1.0, 2**60, 1e-7, True, None]}],
            "é": "\U0001f600",
        },
    ],
)
async def test_odd_messages_come_back_as_they_are(client, message) -> None:
    answer = await client.post("/v1/compress", content=json.dumps({"messages": [message]}))
    assert json.dumps(answer.json()["messages"]) == json.dumps([message])


async def test_a_text_that_cannot_be_compressed_stays_and_the_others_are_compressed(fake_compressor) -> None:
    class Failing:
        tokenizer, scorer = fake_compressor.tokenizer, fake_compressor.scorer

        def compress(self, documents, question=None, **options):
            for word, error in (("lake", TerselyError("no lakes")), ("sea", RuntimeError("secret"))):
                if word in documents[0]:
                    raise error
            return fake_compressor.compress(documents, question, **options)

    conversation = [user("Which?"), call("a")]
    conversation += [result("a", PAGES.replace("river", water)) for water in ("lake", "river", "sea")]
    answer = await compressed(client_for(Failing()), conversation)
    assert changed(conversation, answer["messages"]) == [3]
    assert "no lakes" in answer["notes"][0] and answer["notes"][0].startswith("messages[2]")
    assert "internal" not in answer["notes"][1] and "secret" not in answer["notes"][1]


async def test_a_text_over_the_services_limit_stays(fake_compressor) -> None:
    conversation = [user("Which?"), call("a"), result("a", PAGES * 2), result("a", PAGES)]
    answer = await compressed(client_for(fake_compressor, max_tokens=2_000), conversation)
    assert changed(conversation, answer["messages"]) == [3] and "2000 tokens" in answer["notes"][0]


def test_a_text_for_which_there_is_no_time_stays_and_is_compressed_the_next_time(fake_compressor) -> None:
    now = [0.0]

    def compress(calls):
        now[0] += 50
        (call,) = calls
        yield fake_compressor.compress(**call)

    conversations = Conversations(GatewaySettings(), Originals(0, 1), 60, clock=lambda: now[0])
    messages = [user("Which?"), call("a"), *(result("a", PAGES.replace("river", water)) for water in ("sea", "lake"))]
    count = fake_compressor.tokenizer.count
    first = conversations.compress({"messages": messages}, {}, "", compress, count)
    assert changed(messages, first.messages) == [3] and "no time left" in first.notes[0]
    second = conversations.compress({"messages": messages}, {}, "", compress, count)
    assert changed(messages, second.messages) == [2, 3] and second.messages[3] == first.messages[3]


@pytest.mark.parametrize("text", ["<docs>", "</docs>", "<docs></docs>", "<docs> ", "<docs>a</docs> ", " ", "<docs/>"])
def test_tags_are_found_in_linear_time(text) -> None:
    settings = GatewaySettings(context_tag="docs")
    assert_grows_with_the_text(lambda whole: candidates([user(whole)], settings), text * 60_000)


async def test_options_come_by_header_by_config_and_from_the_service(fake_compressor) -> None:
    conversation = [user("Which?"), call("a"), result("a", PAGES)]

    async def tokens(client, **more) -> int:
        return (await compressed(client, conversation, **more))["texts"][0]["compressed_tokens"]

    default = await tokens(client_for(fake_compressor))
    quarter = await tokens(client_for(fake_compressor, gateway={"rate": 0.25}))
    assert quarter < 0.6 * default
    client = client_for(fake_compressor)
    assert await tokens(client, config={"target_ratio": 0.25}) == quarter
    assert await tokens(client, headers={"x-tersely-rate": "0.25"}, config={"target_ratio": 0.4}) == quarter
    whole = await compressed(client, conversation, headers={"x-tersely-min-tokens": "100000"})
    assert whole["messages"] == conversation


async def test_the_users_earlier_messages_of_a_turn_are_compressed_where_asked_for(client) -> None:
    conversation = [user(PAGES), user("When was mill number 12 built?"), call("a"), result("a", SHORT), user(PAGES)]
    assert (await compressed(client, conversation))["messages"] == conversation
    answer = await compressed(client, conversation, config={"compress_user_messages": True})
    assert changed(conversation, answer["messages"]) == [0]


async def test_tagged_text_of_the_user_is_compressed_in_any_message(client) -> None:
    conversation = [user(f"<docs>\n{PAGES}\n</docs> Mill 3? <docs>{PAGES}</docs>"), user(f"<docs>{SHORT}</docs>")]
    answer = await compressed(client, conversation, headers={"x-tersely-context-tag": "docs"})
    assert changed(conversation, answer["messages"]) == [0]
    text = answer["messages"][0]["content"]
    assert text.startswith("<docs>\n") and "\n</docs> Mill 3? <docs>" in text and text.endswith("</docs>")
    assert len(text) < 1.2 * len(PAGES)
    assert (await compressed(client, answer["messages"], headers={"x-tersely-context-tag": "docs"}))[
        "messages"
    ] == answer["messages"]


@pytest.mark.parametrize(
    ("request_parts", "said"),
    [
        ({"json": {"messages": {}}}, "messages must be a list, got dict"),
        ({"json": {"messages": []}, "headers": {"x-tersely-rate": "25"}}, "header rate"),
        ({"json": {"messages": [], "config": {"target_ratio": "much"}}}, "config: rate"),
        ({"json": {"messages": []}, "headers": {"x-tersely-gap-marker": "{id}"}}, "--originals-bytes"),
        ({"json": {"messages": [], "documents": []}}, "unknown field 'messages'"),
    ],
)
async def test_what_cannot_be_used_is_named(client, request_parts, said) -> None:
    answer = await client.post("/v1/compress", **request_parts)
    assert answer.status_code == 422 and said in answer.json()["error"]["message"]


async def test_a_token_is_needed_where_one_is_set(fake_compressor) -> None:
    client = client_for(fake_compressor, token=TOKEN)
    assert (await client.post("/v1/compress", json={"messages": AGENT})).status_code == 401
    answer = await client.post("/v1/compress", json={"messages": AGENT}, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


async def test_the_services_own_body_is_as_it_was(client, fake_compressor: Compressor) -> None:
    answer = await client.post("/v1/compress", json={"documents": [MILL], "rate": 0.5})
    assert answer.json()["context"] == fake_compressor.compress([MILL], rate=0.5).context


async def test_every_option_has_a_header_in_the_openapi_document(client) -> None:
    parameters = (await client.get("/openapi.json")).json()["paths"]["/v1/compress"]["post"]["parameters"]
    headers = {parameter["name"] for parameter in parameters}
    assert headers == set(option_headers().values()) and len(headers) == len(GatewaySettings.model_fields)
    assert all(parameter["description"] for parameter in parameters)


def test_a_marker_with_an_id_needs_kept_originals() -> None:
    with pytest.raises(TerselyError, match="needs kept originals"):
        server_settings(gateway={"gap_marker": "{id}"})
