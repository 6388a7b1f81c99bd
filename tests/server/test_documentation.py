"""The OpenAPI document is complete, and its examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from service_doubles import TOKEN, client_for

import tersely_server
from tersely_server.error_codes import ERRORS, PROXY_ERRORS

jsonschema = pytest.importorskip("jsonschema")
SOURCES = Path(tersely_server.__file__).parent


@pytest.fixture
async def document(fake_compressor) -> dict:
    return (await client_for(fake_compressor).get("/openapi.json")).json()


def without_nulls(value):
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return value


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def contents(document):
    """Every body in the document: of requests, and of answers."""
    for name, operation in operations(document):
        if "requestBody" in operation:
            yield name, operation["requestBody"]["content"]
        for status, answer in operation["responses"].items():
            yield f"{name} {status}", answer["content"]


async def test_every_body_has_a_schema_and_examples_that_fit_it(document) -> None:
    checked = 0
    for name, content in contents(document):
        for media_type, described in content.items():
            schema = {**described["schema"], "components": document["components"]}
            examples = [example["value"] for example in described.get("examples", {}).values()]
            examples += [described["example"]] if "example" in described else []
            assert examples, f"{name} {media_type} has no example"
            for example in examples:
                jsonschema.Draft202012Validator(schema).validate(example)
                checked += 1
    assert checked > 40


async def test_every_reference_leads_somewhere(document, fake_compressor) -> None:
    text = (await client_for(fake_compressor).get("/openapi.json")).text
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names and names <= set(document["components"]["schemas"])


async def test_operations_say_what_they_are_and_whether_they_need_the_token(document) -> None:
    for name, operation in operations(document):
        assert operation["description"] and operation["summary"] and operation["tags"]
        is_probe = name in ("get /healthz", "get /readyz")
        assert ("security" in operation) == (not is_probe), name
    probes = {"/healthz", "/readyz", "/metrics"}
    assert set(document["paths"]) == {*probes, "/v1/compress", "/v1/compress/batch", "/v1/retrieve/{id}"}


async def test_the_examples_of_requests_work(document, fake_compressor) -> None:
    client = client_for(fake_compressor)
    for path in ("/v1/compress", "/v1/compress/batch"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            answer = await client.post(path, json=example["value"])
            assert answer.status_code == 200, answer.text
            schema = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())


def test_every_code_that_the_service_can_answer_with_is_documented() -> None:
    of_service, of_proxy = set(), set()
    for source in SOURCES.rglob("*.py"):
        raised = of_proxy if source.parent.name == "proxy" else of_service
        raised |= set(re.findall(r'ServiceError\(\s*\d{3},\s*"(\w+)"', source.read_text(encoding="utf-8")))
    assert {"invalid_input", "unauthorized"} < of_service
    assert of_service | {"too_many_documents", "too_many_tokens"} == set(ERRORS)
    assert of_proxy == set(PROXY_ERRORS)


def codes(operation: dict) -> set[str]:
    answers = [answer["content"]["application/json"] for answer in operation["responses"].values()]
    return {code for answer in answers for code in answer.get("examples", {}) if code in {**ERRORS, **PROXY_ERRORS}}


async def test_the_proxys_routes_and_errors_are_there_with_a_proxy_and_nowhere_else(document, fake_compressor) -> None:
    client = client_for(fake_compressor, proxy={"upstream": "http://127.0.0.1:9/v1"})
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert set(paths) - set(document["paths"]) == {
        "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/models/{model}",
        "/v1/embeddings", "/v1/responses", "/v1/responses/input_tokens", "/v1/responses/compact",
        "/v1/responses/{response}", "/v1/responses/{response}/input_items", "/v1/responses/{response}/cancel",
    }  # fmt: skip
    for path in document["paths"]:
        assert paths[path] == document["paths"][path]
        assert not any(codes(one) & set(PROXY_ERRORS) for one in paths[path].values() if path != "/metrics")
    compressed = [paths[f"/v1/{name}"]["post"] for name in ("chat/completions", "messages", "responses")]
    passed_on = {
        "unauthorized",
        "foreign_origin",
        "foreign_host",
        "internal_error",
        "upstream_unreachable",
        "upstream_timeout",
    }
    assert codes(paths["/v1/models"]["get"]) == codes(paths["/v1/models/{model}"]["get"]) == passed_on
    assert codes(paths["/v1/embeddings"]["post"]) == passed_on | {"body_timeout", "body_too_large"}
    for name, operation in zip(("chat/completions", "messages", "responses"), compressed, strict=True):
        assert codes(operation) == codes(paths["/v1/embeddings"]["post"]) | {"invalid_mark"}
        sent = operation["requestBody"]["content"]["application/json"]["example"]
        answer = await client.post(f"/v1/{name}", json=sent)  # nobody listens there
        example = operation["responses"]["502"]["content"]["application/json"]["examples"]["upstream_unreachable"]
        assert answer.status_code == 502 and answer.headers["x-tersely-status"] == "compressed"
        assert without_nulls(answer.json())["error"].keys() == example["value"]["error"].keys()
    assert codes(paths["/v1/messages/count_tokens"]["post"]) == codes(compressed[1])


async def test_chat_answers_with_errors_of_compression_only_where_it_fails_closed(fake_compressor) -> None:
    def chat_of(document: dict) -> set[str]:
        return codes(document["paths"]["/v1/chat/completions"]["post"])

    proxy = {"upstream": "http://127.0.0.1:9/v1"}
    fails_open, fails_closed = [
        (await client_for(fake_compressor, proxy={**proxy, "fail_open": fail_open}).get("/openapi.json")).json()
        for fail_open in (True, False)
    ]
    assert chat_of(fails_closed) - chat_of(fails_open) == {
        "time_limit", "too_many_documents", "too_many_tokens", "invalid_input", "protected_text", "overloaded",
        "compression_failed", "loading", "model_failed", "shutting_down",
    }  # fmt: skip


async def test_the_playground_is_open_and_what_it_asks_for_is_guarded(document, fake_compressor) -> None:
    assert "playground" in document["info"]["description"]
    client = client_for(fake_compressor, token=TOKEN)
    for path in ("/", "/playground/prices.json"):
        answer = await client.get(path)
        assert answer.status_code == 200 and "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await client.post("/v1/compress", json={"documents": ["a"]})).status_code == 401


@pytest.mark.model
async def test_the_example_of_a_result_is_what_the_embedded_model_gives(document, real_compressor) -> None:
    operation = document["paths"]["/v1/compress"]["post"]
    request = operation["requestBody"]["content"]["application/json"]["examples"]["question"]["value"]
    answer = (await client_for(real_compressor).post("/v1/compress", json=request)).json()
    example = operation["responses"]["200"]["content"]["application/json"]["examples"]["question"]["value"]
    relevance = [
        [entry.pop("relevance") for entry in (*result["documents"], *result["left_out"])]
        for result in (answer, example)
    ]
    assert relevance[0] == pytest.approx(relevance[1], abs=0.05), "processors differ in the last digits"
    for result in (answer, example):
        result.pop("seconds")
    assert without_nulls(answer) == without_nulls(example)  # FastAPI leaves the nulls of examples out
