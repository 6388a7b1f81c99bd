"""The two calls that compress: the result of the Python call, and its messages where something is wrong."""

from __future__ import annotations

import asyncio
import json

import pytest

pytest.importorskip("fastapi")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from service_doubles import MILL, client_for, client_of

import tersely
from tersely import CompressionResult, CompressionSettings, InvalidInputError
from tersely.settings import settings_from
from tersely_server.app import create_app

ANY_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "documents question rate target_tokens method order protect instruction settings requests return_errors".split()
)


@pytest.fixture
def client(fake_compressor):
    return client_for(fake_compressor)


def without_seconds(result: dict) -> dict:
    return {name: value for name, value in result.items() if name != "seconds"}


async def test_the_result_is_that_of_the_python_call(client, fake_compressor) -> None:
    call = {
        "documents": [MILL, "Windmills turn when the wind blows.", {"text": " "}],
        "question": "When was the mill built?",
        "target_tokens": 60,
        "method": "evidence",
        "order": "original",
        "protect": [r"\d{4}"],
        "instruction": "Be brief.",
        "settings": {"gap_marker": " [...] ", "fragments": True, "dynamic_ratio": 0.5},
    }
    answer = await client.post("/v1/compress", json=call)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    expected = fake_compressor.compress(
        **{**call, "settings": CompressionSettings(gap_marker=" [...] ", fragments=True, dynamic_ratio=0.5)}
    )
    assert without_seconds(answer.json()) == without_seconds(json.loads(expected.model_dump_json()))
    assert (
        CompressionResult.model_validate(
            {name: value for name, value in answer.json().items() if name not in ("rate", "ratio")}
        )
        .recover("built in 1820")
        .phrases
    )


async def test_null_is_as_if_it_were_not_given(client) -> None:
    answer = await client.post(
        "/v1/compress",
        json={"documents": [MILL], "rate": 0.5, "target_tokens": None, "question": None, "protect": None},
    )
    assert answer.status_code == 200 and answer.json()["method"] == "salience"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"documents": []}, "no budget: give rate"),
        ({"documents": [], "rate": 0.5}, "documents is empty"),
        ({"documents": "text", "rate": 0.5}, "documents must be a list"),
        ({"documents": ["", 5], "rate": 0.5}, "documents[1] must be a string"),
        ({"documents": [{"txt": "a"}], "rate": 0.5}, "documents[0]"),
        ({"documents": ["a"], "rate": 25}, "rate: input should be less than or equal to 1, got 25"),
        ({"documents": ["a"], "rate": 0.5, "target_tokens": 5}, "exclude each other"),
        ({"documents": ["a"], "target_tokens": 0}, "target_tokens"),
        ({"documents": ["a"], "rate": 0.5, "method": "best"}, "method"),
        ({"documents": ["a"], "rate": 0.5, "method": "evidence"}, "needs a question"),
        ({"documents": ["a"], "rate": 0.5, "method": "llmlingua2"}, "needs token labels, which model 'fake' does not"),
        ({"documents": ["a"], "rate": 0.5, "protect": ["("]}, "does not compile"),
        ({"documents": ["a"], "rate": 0.5, "question": 5}, "question must be a string, got int 5"),
        ({"documents": ["a"], "rate": 0.5, "question": " "}, "question is empty"),
        ({"documents": ["a\0"], "rate": 0.5, "settings": {"strict": True}}, "NUL byte"),
        ({"documents": ["a"], "rate": 0.5, "settings": {"gap": "x"}}, "gap: no such setting"),
        ({"documents": ["a"], "rate": 0.5, "settings": 5}, "settings must be an object, got int"),
        ({"documents": ["a"], "rte": 0.5}, "the body has an unknown field 'rte'; there are documents, question"),
        ({"rate": 0.5}, "the body has no 'documents', which is needed"),
        ({"documents": None, "rate": 0.5}, "documents must be a list"),
        ([1], "the body must be an object, got list"),
    ],
)
async def test_what_cannot_be_used_is_named(client, call, said) -> None:
    answer = await client.post("/v1/compress", json=call)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_input" and said in error["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"documents=a", b"\xff", b"[" * 100_000, b'{"rate": ' + b"1" * 5_000 + b"}", b'["\\ud800"]'],
    ids=["empty", "cut off", "form", "not UTF-8", "deep", "huge number", "lone surrogate"],
)
async def test_what_is_no_json_is_refused(client, body) -> None:
    answer = await client.post("/v1/compress", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"


async def test_protected_text_that_exceeds_the_budget(client) -> None:
    answer = await client.post("/v1/compress", json={"documents": [{**MILL, "keep": True}], "target_tokens": 20})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "protected_text"
    assert error["target"] == 20 < error["needed"] and str(error["needed"]) in error["message"]


async def test_a_message_does_not_repeat_a_long_value(client) -> None:
    answer = await client.post("/v1/compress", json={"documents": ["a"], "rate": 0.5, "method": "x" * 100_000})
    assert answer.status_code == 422 and len(answer.content) < 2_000


async def test_a_batch_is_each_as_one_alone(client, fake_compressor) -> None:
    requests = [{"documents": [MILL], "question": "When?"}, {"documents": ["One. Two. Three."], "rate": 1.0}]
    answer = await client.post("/v1/compress/batch", json={"requests": requests, "rate": 0.3})
    expected = fake_compressor.compress_batch(requests, rate=0.3)
    assert [without_seconds(result) for result in answer.json()["results"]] == [
        without_seconds(json.loads(result.model_dump_json())) for result in expected
    ]
    assert (await client.post("/v1/compress/batch", json={"requests": []})).json() == {"results": []}


async def test_a_batch_answers_with_its_first_error_or_has_errors_in_their_places(client) -> None:
    requests = [{"documents": [MILL]}, {"documents": [{**MILL, "keep": True}]}, {"documents": []}]
    batch = {"requests": requests, "target_tokens": 30}
    answer = await client.post("/v1/compress/batch", json=batch)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "protected_text" and answer.json()["error"]["request"] == 1
    answer = await client.post("/v1/compress/batch", json={**batch, "return_errors": True})
    assert answer.status_code == 200
    first, second, third = answer.json()["results"]
    assert first["compressed_tokens"] <= 30
    assert second["error"]["code"] == "protected_text" and third["error"]["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ({}, "the body has no 'requests'"),
        ({"requests": None}, "requests must be a list"),
        ({"requests": {}}, "requests must be a list of objects, got dict"),
        ({"requests": [{"documents": ["a"]}, 5]}, "requests[1] must be an object, got int"),
        ({"requests": [{"documents": ["a"], "x": 1}]}, "requests[0] has an unknown field 'x'"),
        ({"requests": [{}], "rate": 0.5}, "requests[0] has no 'documents'"),
        ({"requests": [], "return_errors": "yes"}, "return_errors: input should be a valid boolean"),
    ],
)
async def test_what_a_batch_cannot_use_is_named(client, batch, said) -> None:
    answer = await client.post("/v1/compress/batch", json=batch)
    assert answer.status_code == 422 and said in answer.json()["error"]["message"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=ANY_JSON
    | some.dictionaries(some.sampled_from(FIELDS), ANY_JSON, max_size=6)
    | some.fixed_dictionaries(
        {"documents": some.lists(some.text(max_size=40) | ANY_JSON, min_size=1, max_size=4), "rate": some.just(0.5)},
        optional={name: ANY_JSON for name in FIELDS[1:9] if name != "rate"},
    ),
    path=some.sampled_from(["/v1/compress", "/v1/compress/batch"]),
)
async def test_no_body_makes_an_error_of_the_service(fake_compressor, body, path) -> None:
    async with client_for(fake_compressor) as client:
        answer = await client.post(path, content=json.dumps(body))
    assert answer.status_code in (200, 400, 413, 422), answer.text
    if answer.status_code != 200:
        assert set(answer.json()["error"]) >= {"code", "message"}


@pytest.mark.model
async def test_the_embedded_model_is_loaded_when_the_application_starts(hotpot) -> None:
    app = create_app()
    case = {"documents": hotpot[0]["documents"], "question": hotpot[0]["question"], "rate": 0.25}
    async with app.router.lifespan_context(app), client_of(app) as client:
        while (await client.get("/readyz")).status_code != 200:
            assert app.state.service.failure is None
            await asyncio.sleep(0.05)
        answer = await client.post("/v1/compress", json=case, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["context"] == tersely.compress(**case).context


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("name", ["rate", "granularity", "dynamic_ratio", "segment_tokens", "target_tokens"])
async def test_a_bool_is_no_number(fake_compressor, name, value) -> None:
    budget = {name: value} if name in ("rate", "target_tokens") else {"rate": 0.5, "settings": {name: value}}
    answer = await client_for(fake_compressor).post("/v1/compress", json={"documents": [MILL], **budget})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(f"{name}: ")
    with pytest.raises(InvalidInputError, match=f"^{name}: .* got {value}$"):
        settings_from({name: value})
