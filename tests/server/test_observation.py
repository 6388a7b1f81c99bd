"""What is counted and what is logged: everything about a request but its text."""

from __future__ import annotations

import logging

import pytest

pytest.importorskip("fastapi")

from prometheus_client.parser import text_string_to_metric_families
from service_doubles import MILL, client_for

SECRET = "zanzibar"
QUESTION = f"Where is {SECRET}?"


async def samples(client) -> dict:
    answer = await client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_is_counted(fake_compressor) -> None:
    client = client_for(fake_compressor)
    first = (await client.post("/v1/compress", json={"documents": [MILL], "rate": 0.5})).json()
    batch = {"requests": [{"documents": [MILL], "question": "When?"}] * 2, "rate": 0.25}
    others = (await client.post("/v1/compress/batch", json=batch)).json()["results"]
    await client.post("/v1/compress", json={"documents": []})
    await client.get("/no/such/page")
    found = await samples(client)
    of = lambda name, **labels: found[(name, *sorted(labels.items()))]  # noqa: E731
    assert of("tersely_requests_total", route="/v1/compress", status="200") == 1
    assert of("tersely_requests_total", route="/v1/compress", status="422") == 1
    assert of("tersely_requests_total", route="/v1/compress/batch", status="200") == 1
    assert of("tersely_requests_total", route="none", status="404") == 1
    assert of("tersely_rejected_requests_total", code="invalid_input") == 1
    assert of("tersely_compressions_total", method="salience") == 1
    assert of("tersely_compressions_total", method="evidence") == 2
    assert of("tersely_tokens_in_total") == 3 * first["original_tokens"]
    assert of("tersely_tokens_out_total") == sum(one["compressed_tokens"] for one in (first, *others))
    for stage in first["seconds"]:
        assert of("tersely_stage_seconds_count", stage=stage) == 3
    assert of("tersely_request_seconds_count", route="/v1/compress") == 2
    assert of("tersely_in_flight") == of("tersely_queue_length") == 0
    assert "process_resident_memory_bytes" in {name for name, *_ in found}


async def test_two_services_in_one_process_count_for_themselves(fake_compressor) -> None:
    first, second = client_for(fake_compressor), client_for(fake_compressor)
    await first.post("/v1/compress", json={"documents": [MILL], "rate": 0.5})
    assert not any(value for (name, *_), value in (await samples(second)).items() if name == "tersely_tokens_in_total")


class FailsWithText:
    """A fault of the library whose message quotes what it was given."""

    def __init__(self, compressor) -> None:
        self.tokenizer, self.scorer = compressor.tokenizer, compressor.scorer

    def compress(self, documents, question=None, **_):
        raise KeyError(f"{documents} {question}")


CALLS = [
    {"documents": [SECRET], "question": QUESTION, "rate": 0.5},
    {"documents": [SECRET], "question": QUESTION, "rate": SECRET},
    {"documents": [{"text": 5, "title": SECRET}], "question": QUESTION, "rate": 0.5},
    {"documents": [{"text": "a", SECRET: 1}], "rate": 0.5},
    {"documents": ["a"], "rate": 0.5, "protect": [f"({SECRET}"]},
    {"documents": ["a"], "rate": 0.5, SECRET: 5},
    {"documents": ["a"], "rate": 0.5, "settings": {SECRET: SECRET}},
    {"documents": [{"text": SECRET, "keep": True}] * 50, "target_tokens": 1},
]


@pytest.mark.parametrize("fails", [False, True], ids=["works", "fails"])
async def test_no_text_is_logged(fake_compressor, caplog, fails) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_for(FailsWithText(fake_compressor) if fails else fake_compressor)
    statuses = [(await client.post("/v1/compress", json=call)).status_code for call in CALLS]
    statuses.append((await client.post("/v1/compress", content=f'{{"{SECRET}"')).status_code)
    statuses.append((await client.post(f"/v1/compress?q={SECRET}", json=CALLS[1])).status_code)
    statuses.append((await client.get(f"/{SECRET}?q={SECRET}")).status_code)
    statuses.append((await client.get("/healthz", headers={"User-Agent": SECRET})).status_code)
    assert {200, 400, 404} < set(statuses) and (500 in statuses) == fails
    ours = [record for record in caplog.records if record.name == "tersely_server"]
    assert len(ours) >= len(statuses)
    assert not [record for record in ours if SECRET in logging.Formatter().format(record)]


async def test_an_unforeseen_error_tells_its_place_to_the_log_and_its_id_to_the_caller(fake_compressor, caplog) -> None:
    caplog.set_level(logging.INFO)
    answer = await client_for(FailsWithText(fake_compressor)).post("/v1/compress", json=CALLS[0])
    assert answer.status_code == 500 and answer.json()["error"]["code"] == "internal_error"
    assert SECRET not in answer.text
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert answer.headers["x-request-id"] in record.getMessage()
    assert "KeyError" in record.getMessage() and "test_observation.py" in record.getMessage()


async def test_text_is_logged_where_it_is_asked_for(fake_compressor, caplog) -> None:
    caplog.set_level(logging.INFO)
    await client_for(fake_compressor, log_text=True).post("/v1/compress", json=CALLS[0])
    await client_for(fake_compressor, log_text=True).post("/v1/compress", json=CALLS[1])
    await client_for(FailsWithText(fake_compressor), log_text=True).post("/v1/compress", json=CALLS[0])
    assert f'"question": "{QUESTION}"' in caplog.text
    assert "got 'zanzibar'" in caplog.text
    assert "KeyError" in caplog.text


async def test_every_answer_has_an_id_of_its_own(fake_compressor) -> None:
    client = client_for(fake_compressor)
    ids = {(await client.get(path)).headers["x-request-id"] for path in ("/healthz", "/readyz", "/nothing")}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/redoc", 404, "not_found"),
        ("GET", "/v1/compress", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_said_in_the_one_shape(fake_compressor, method, path, status, code) -> None:
    answer = await client_for(fake_compressor).request(method, path)
    assert answer.status_code == status and answer.json()["error"]["code"] == code
    assert "/openapi.json" in answer.json()["error"]["message"]
