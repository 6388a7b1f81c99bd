"""Who may call, and from where a service without a token may be called."""

from __future__ import annotations

import hmac

import pytest

pytest.importorskip("fastapi")

from pydantic import ValidationError
from service_doubles import MILL, TOKEN, client_for

from tersely import InvalidInputError
from tersely_server.settings import ServerSettings, server_settings

CALL = {"documents": [MILL], "rate": 0.5}


@pytest.fixture
def client(fake_compressor):
    return client_for(fake_compressor, token=TOKEN)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        "Bearer ünïcode",
    ],
)
async def test_without_the_token_nothing_works_but_the_probes(client, given) -> None:
    headers = {} if given is None else {"Authorization": given.encode()}
    for method, path in (("POST", "/v1/compress"), ("POST", "/v1/compress/batch"), ("GET", "/metrics")):
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "unauthorized" and TOKEN not in answer.text
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert (await client.get(path, headers=headers)).status_code == 200


async def test_with_the_token(client) -> None:
    for scheme in ("Bearer", "bearer"):
        answer = await client.post("/v1/compress", json=CALL, headers={"Authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 200


async def test_the_token_is_asked_for_before_the_body_is_read(client) -> None:
    async def chunks():
        raise AssertionError("it was read")
        yield b""

    assert (await client.post("/v1/compress", content=chunks())).status_code == 401


async def test_the_comparison_takes_the_same_time_wherever_the_tokens_differ(client, monkeypatch) -> None:
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *two: compared.append(two))
    await client.post("/v1/compress", headers={"Authorization": "Bearer guess"})
    assert compared == [(b"guess", TOKEN.encode())]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:8000", 200),
        ("http://127.0.0.1", 200),
        ("http://[::1]:8000", 200),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
async def test_pages_of_other_sites_may_not_call_a_service_without_a_token(fake_compressor, origin, status) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answer = await client_for(fake_compressor).post("/v1/compress", json=CALL, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "foreign_origin"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none"])
@pytest.mark.parametrize(
    "path",
    [
        "GET /metrics", "GET /v1/models", "GET /v1/models/a-model", "GET /v1/responses/x", "POST /v1/compress",
        "POST /v1/compress/batch", "POST /v1/chat/completions", "POST /v1/messages", "POST /v1/messages/count_tokens",
        "POST /v1/responses", "POST /v1/embeddings",
    ],
)  # fmt: skip
async def test_what_a_page_of_another_site_loads_without_reading_it_is_refused(fake_compressor, path, site) -> None:
    """As for an image: a browser sends no `Origin`."""
    client = client_for(fake_compressor, proxy={"upstream": "http://127.0.0.1:9/v1"})
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    answer = await client.request(*path.split(), headers=headers)
    assert (answer.status_code == 403) == (site in ("cross-site", "same-site"))


async def test_a_browser_that_says_no_more_than_the_referring_page_is_believed(fake_compressor) -> None:
    client = client_for(fake_compressor, host="0.0.0.0", allow_anonymous=True)
    for page, status in (("http://evil.example/", 403), ("http://192.168.1.5:8000/", 200)):
        headers = {"Referer": page, "Host": "192.168.1.5:8000"}
        assert (await client.get("/metrics", headers=headers)).status_code == status


async def test_pages_and_probes_can_be_opened_from_anywhere(fake_compressor) -> None:
    client = client_for(fake_compressor)
    for path in ("/", "/playground/prices.json", "/healthz", "/readyz", "/openapi.json"):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Host": "10.0.0.7:8000"}
        assert (await client.get(path, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("host", "statuses"),
    [
        # As it is heard on this machine alone, beyond it, and on this machine with a name that is allowed.
        ("localhost", (200, 200, 200)),
        ("LOCALHOST:8000", (200, 200, 200)),
        ("127.0.0.1:8000", (200, 200, 200)),
        ("[::1]:8000", (200, 200, 200)),
        ("192.168.1.5:8000", (403, 200, 403)),
        ("[fd00::5]:8000", (403, 200, 403)),
        ("tersely.internal:8000", (403, 403, 200)),
        ("Tersely.Internal", (403, 403, 200)),
        ("evil.example:8000", (403, 403, 403)),
        ("tersely.internal.evil.example", (403, 403, 403)),
        ("localhost.evil.example", (403, 403, 403)),
        ("127.0.0.1.evil.example", (403, 403, 403)),
        ("2130706433", (403, 403, 403)),
        ("[", (403, 403, 403)),
        ("", (403, 403, 403)),
    ],
)
async def test_without_a_token_a_name_that_is_not_the_services_is_refused(fake_compressor, host, statuses) -> None:
    clients = [
        client_for(fake_compressor, proxy={"upstream": "http://127.0.0.1:9/v1"}, **settings)
        for settings in ({}, {"host": "0.0.0.0", "allow_anonymous": True}, {"allowed_hosts": ("Tersely.internal",)})
    ]
    for client, status in zip(clients, statuses, strict=True):
        answer = await client.post("/v1/compress", json=CALL, headers={"Host": host})
        assert answer.status_code == status
        for path in ("/metrics", "/v1/models"):
            answer = await client.get(path, headers={"Host": host})
            assert (answer.status_code == 403) == (status == 403)
        if status == 403:
            assert answer.json()["error"]["code"] == "foreign_host"


async def test_with_a_token_any_name_will_do(client) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "tersely.example"}
    assert (await client.post("/v1/compress", json=CALL, headers=headers)).status_code == 200


async def test_an_open_service_beyond_this_machine_trusts_its_own_pages(fake_compressor) -> None:
    client = client_for(fake_compressor, host="0.0.0.0", allow_anonymous=True, allowed_hosts=("tersely.internal",))
    for origin, status in (
        ("http://tersely.internal", 200),
        ("https://tersely.internal", 200),
        ("http://evil.example", 403),
        ("http://tersely.internal:3000", 403),
        ("http://localhost", 403),
    ):
        headers = {"Origin": origin, "Host": "tersely.internal", "Sec-Fetch-Site": "same-site"}
        assert (await client.post("/v1/compress", json=CALL, headers=headers)).status_code == status


@pytest.mark.parametrize("name", ["", "http://tersely.internal", "tersely.internal:8000", "a b", "*"])
def test_an_allowed_host_is_a_name_alone(name) -> None:
    with pytest.raises(InvalidInputError, match=r"^allowed_hosts\.0: must be a name alone"):
        server_settings(allowed_hosts=(name,))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"])
def test_this_machine_alone_needs_no_token(host) -> None:
    assert ServerSettings(host=host).token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "tersely.internal", "localhost.evil.example", "0"])
def test_other_machines_need_a_token_or_permission(host) -> None:
    with pytest.raises(ValidationError, match="no token is set"):
        ServerSettings(host=host)
    assert ServerSettings(host=host, token=TOKEN).host == host
    assert ServerSettings(host=host, allow_anonymous=True).host == host


@pytest.mark.parametrize("token", ["", "short", "x" * 15, "x" * 16 + " ", "x" * 16 + "\n", "ü" * 20])
def test_a_token_that_is_none_is_refused_and_not_repeated(token) -> None:
    with pytest.raises(InvalidInputError, match="token: must have at least 16") as caught:
        server_settings(token=token)
    assert not token or token not in str(caught.value)
    with pytest.raises(ValidationError) as raised:
        ServerSettings(token=token)
    assert not token or token not in str(raised.value)


def test_settings_do_not_show_the_token() -> None:
    settings = server_settings(token=TOKEN)
    assert TOKEN not in repr(settings) and TOKEN not in str(settings) and TOKEN not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", ""), ("port", 65536), ("port", "x"), ("model", ""), ("threads", 0), ("threads", 257), ("queue", -1),
        ("max_body_bytes", 0), ("max_documents", 0), ("max_tokens", 0), ("request_seconds", 0),
        ("request_seconds", float("nan")), ("request_seconds", float("inf")), ("shutdown_seconds", -1),
        ("max_connections", 0), ("header_seconds", 0),
        ("log_text", "maybe"), ("treads", 4),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_by_name(name, value) -> None:
    with pytest.raises(InvalidInputError, match=f"^{name}: "):
        server_settings(**{name: value})
