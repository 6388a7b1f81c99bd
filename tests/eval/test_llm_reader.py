"""The reader against a server of its own on this machine: real HTTP, no LLM."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tersely import InvalidInputError, TerselyError
from tersely_eval.measure import llm_reader
from tersely_eval.measure.llm_reader import LLMReader, ReaderError, llm_prompt, parse_reader

PROMPT = llm_prompt("The mill was sold in 2009.", "When was the mill sold?")
KEY = "sk-very-secret"


def completion(text: str | None, finish_reason: str = "stop") -> dict:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 21, "completion_tokens": 3, "total_tokens": 24}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def refusal(message: str, **values: str) -> dict:
    return {"error": {"message": message, "type": "invalid_request_error", **values}}


class Server(ThreadingHTTPServer):
    """Answers with what `reply` makes of a request: a status and a body. Remembers the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply: Callable[[dict], tuple[int, dict | str]] = lambda request: (200, completion(" in 2009\n"))
        self.requests: list[dict] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def say(self, *replies: tuple[int, dict | str]) -> None:
        """These, one after the other, the last one again and again."""
        self.reply = lambda request: replies[min(len(self.requests), len(replies)) - 1]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append({"path": self.path, **request})
        self.server.keys.append(self.headers["Authorization"])
        status, body = self.server.reply(request)
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", len(content)),
            ("retry-after-ms", 1),
        ):
            self.send_header(name, str(value))
        self.end_headers()
        try:
            self.wfile.write(content)
        except OSError:  # whoever asked has gone
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def reader(server, tmp_path) -> LLMReader:
    return LLMReader("m", server.url, cache_folder=tmp_path / "answers")


def test_it_asks_once_and_answers(server, reader) -> None:
    answer = reader.answer(PROMPT)
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens, answer.cached) == ("in 2009", 21, 3, False)
    (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["model"] == "m"
    assert request["temperature"] == 0
    assert request["messages"] == [{"role": "user", "content": PROMPT}]
    assert server.keys == [f"Bearer {KEY}"]


def test_a_second_run_asks_nothing(server, reader, tmp_path) -> None:
    first = reader.answer(PROMPT)
    again = LLMReader("m", server.url + "/", cache_folder=tmp_path / "answers").answer(PROMPT)
    assert again == first.model_copy(update={"cached": True})
    assert len(server.requests) == 1


def test_another_prompt_or_model_is_asked_anew(server, reader, tmp_path) -> None:
    reader.answer(PROMPT)
    reader.answer(PROMPT + "?")
    LLMReader("n", server.url, cache_folder=tmp_path / "answers").answer(PROMPT)
    assert len(server.requests) == 3
    assert len(list((tmp_path / "answers").iterdir())) == 3


@pytest.mark.parametrize("left", ["", "{", '{"text": 5}', "null"])
def test_an_answer_that_was_spoilt_on_disk_is_asked_anew(server, reader, tmp_path, left) -> None:
    reader.answer(PROMPT)
    (entry,) = (tmp_path / "answers").iterdir()
    entry.write_text(left)
    assert not reader.answer(PROMPT).cached
    assert reader.answer(PROMPT).cached
    assert len(server.requests) == 2


def test_neither_prompt_nor_key_stands_on_disk_or_in_the_log(reader, tmp_path, caplog) -> None:
    with caplog.at_level(logging.DEBUG, logger="tersely_eval"):
        reader.answer(PROMPT)
    (entry,) = (tmp_path / "answers").iterdir()
    for text in (entry.read_text(), caplog.text):
        assert "mill" not in text
        assert KEY not in text


def test_answers_are_kept_in_terselys_home(server, fresh_home) -> None:
    LLMReader("m", server.url).answer(PROMPT)
    assert len(list((fresh_home / "answers").glob("*.json"))) == 1


def test_a_full_disk_costs_no_answer(server, reader, monkeypatch, caplog, tmp_path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(llm_reader.os, "replace", full)
    assert reader.answer(PROMPT).text == "in 2009"
    assert "could not be kept" in caplog.text
    assert not list(reader.cache_folder.iterdir())
    assert "mill" not in caplog.text


def test_a_passing_failure_is_asked_again(server, reader) -> None:
    server.say((500, "oh"), (429, refusal("slow down")), (200, completion("in 2009")))
    assert reader.answer(PROMPT).text == "in 2009"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "body", "message", "requests"),
    [
        (401, refusal(f"Incorrect API key provided: {KEY}"), "status 401.*check OPENAI_API_KEY", 1),
        (404, refusal("The model `m` does not exist"), "does not exist.*check the model's name", 1),
        (400, refusal("maximum context length is 4096 tokens", code="context_length_exceeded"), "4096", 1),
        (400, "no JSON at all", "status 400.*check the model's name and limits", 1),
        (429, refusal("You exceeded your current quota"), "exceeded your current quota.*check your quota", 3),
        (503, "<html>busy</html>", "status 503.*try again later", 3),
        (200, "{not JSON", "no chat completion.*ends in /v1", 1),
        (200, "<html>a page</html>", "no chat completion", 1),
        (200, {"choices": []}, "no chat completion", 1),
        (200, completion(None, "content_filter"), "no text in the reply .content_filter.", 1),
        (200, completion("", "length"), "used 1024 tokens before it answered", 1),
    ],
)
def test_a_failure_says_what_was_wrong_and_what_to_do(server, reader, status, body, message, requests) -> None:
    server.say((status, body))
    with pytest.raises(ReaderError, match=message) as caught:
        reader.answer(PROMPT)
    assert isinstance(caught.value, TerselyError)
    assert f"no answer from 'm' at {server.url}" in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.requests) == requests
    assert not list(reader.cache_folder.iterdir())


def test_an_empty_answer_is_an_answer(server, reader) -> None:
    server.say((200, completion("")))
    assert reader.answer(PROMPT).text == ""


def test_a_reply_without_usage_is_an_answer(server, reader) -> None:
    server.say((200, {"choices": [{"message": {"content": "in 2009"}}]}))
    assert reader.answer(PROMPT).prompt_tokens is None


def test_who_answers_too_late_is_not_waited_for(server, tmp_path) -> None:
    def late(request: dict) -> tuple[int, dict]:
        time.sleep(1)
        return 200, completion("in 2009")

    server.reply = late
    start = time.perf_counter()
    with pytest.raises(ReaderError, match=r"longer than 0\.1 s.*try again later"):
        LLMReader("m", server.url, cache_folder=tmp_path, timeout=0.1).answer(PROMPT)
    assert time.perf_counter() - start < 10


def test_nobody_there(server, tmp_path) -> None:
    server.server_close()
    with pytest.raises(ReaderError, match=r"cannot be reached.*check the base URL"):
        LLMReader("m", server.url, cache_folder=tmp_path).answer(PROMPT)


def test_a_model_that_refuses_a_parameter_is_asked_without_it(server, reader) -> None:
    def picky(request: dict) -> tuple[int, dict]:
        for name in ("max_tokens", "temperature"):
            if name in request:
                return 400, refusal(f"'{name}' is not supported", param=name, code="unsupported_parameter")
        return 200, completion("in 2009")

    server.reply = picky
    assert reader.answer(PROMPT).text == "in 2009"
    assert reader.answer(PROMPT + "?").text == "in 2009"
    assert len(server.requests) == 4  # two refusals, and never again
    assert server.requests[-1]["max_completion_tokens"] == 1024
    assert reader.answer(PROMPT).cached


def test_several_answers_come_in_order_and_a_failure_takes_its_own_place_only(server, reader) -> None:
    def echo(request: dict) -> tuple[int, dict]:
        prompt = request["messages"][0]["content"]
        return (400, refusal("no")) if prompt == "3" else (200, completion(f"answer {prompt}"))

    server.reply = echo
    answers = reader.answers([str(number) for number in range(20)])
    assert isinstance(answers.pop(3), ReaderError)
    assert [answer.text for answer in answers if not isinstance(answer, ReaderError)] == [
        f"answer {number}" for number in range(20) if number != 3
    ]
    assert reader.answers([]) == []


def test_no_more_than_a_few_are_asked_at_once(server, reader) -> None:
    lock, there, most = threading.Lock(), [0], [0]

    def count(request: dict) -> tuple[int, dict]:
        with lock:
            there[0] += 1
            most[0] = max(most[0], there[0])
        time.sleep(0.02)
        with lock:
            there[0] -= 1
        return 200, completion("x")

    server.reply = count
    reader.answers([str(number) for number in range(12)])
    assert 1 < most[0] <= 4


@pytest.mark.parametrize("name", ["gpt-6-luna", "openai:", "openai: ", "anthropic:claude", "", "OpenAI"])
def test_a_reader_that_is_none(server, name) -> None:
    with pytest.raises(InvalidInputError, match="reader must be openai:MODEL"):
        parse_reader(name)


def test_the_readers_name_is_the_models(server, fresh_home) -> None:
    reader = parse_reader("openai:ft:small:me", server.url)
    assert reader.model == "ft:small:me"
    assert reader.answer(PROMPT).text == "in 2009"


def test_openai_itself_needs_a_key(server, monkeypatch, fresh_home) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(InvalidInputError, match="OPENAI_API_KEY is not set"):
        parse_reader("openai:gpt-6-luna")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert parse_reader("openai:m").answer(PROMPT).text == "in 2009"


def test_without_the_library_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(InvalidInputError, match=r"openai is not installed: pip install 'tersely\[eval\]'"):
        parse_reader("openai:m")


def test_a_folder_that_cannot_be_made(server, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match=r"cannot write to .*set TERSELY_HOME"):
        LLMReader("m", server.url, cache_folder=tmp_path / "file" / "answers")


def test_the_prompt_without_a_context_is_instruction_and_question() -> None:
    assert PROMPT.startswith("Answer the question in as few words as possible")
    assert PROMPT.endswith("\n\nThe mill was sold in 2009.\n\nQuestion: When was the mill sold?\nAnswer:")
    assert llm_prompt("", "When?").count("\n\n") == 1
