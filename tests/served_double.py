"""A stand-in for vLLM's server: it answers as vLLM documents it, with the log-probabilities of a scorer of ours.

`/v1/models`, `/v1/completions` with `prompt_logprobs` or `echo`, and `/tokenize`; it fails and waits on demand.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from tersely.scoring.scorer import Scorer, ScoringRequest


class ServedDouble:
    """The server.

    Attributes:
        bodies: of all completions that were asked for.
        failures: statuses that the next requests are answered with, before any is answered as it should.
        silent: how many of the next requests get no answer.
        knows: what it can do: `prompt_logprobs`, `echo`, `tokenize`.
        headers: of the last request.
    """

    def __init__(self, scorer: Scorer, tokenizer: Tokenizer) -> None:
        self.scorer, self.tokenizer = scorer, tokenizer
        self.bodies: list[dict[str, Any]] = []
        self.failures: list[int] = []
        self.silent = 0
        self.knows = {"prompt_logprobs", "echo", "tokenize"}
        self.headers: dict[str, str] = {}
        self.closing = threading.Event()
        self.url = ""

    def answer(self, path: str, body: Any) -> tuple[int, Any]:
        if self.silent:
            self.silent -= 1
            self.closing.wait()
        if self.failures:
            return self.failures.pop(0), {"error": {"message": "the engine is busy"}}
        if path == "/v1/models":
            return 200, {"object": "list", "data": [{"id": "tiny", "object": "model", "max_model_len": 65}]}
        if path == "/tokenize" and "tokenize" in self.knows:
            assert body["add_special_tokens"] is False and body["return_token_strs"] is True
            encoding = self.tokenizer.encode(body["prompt"], add_special_tokens=False)
            return 200, {
                "count": len(encoding.ids),
                "max_model_len": 65,
                "tokens": encoding.ids,
                "token_strs": encoding.tokens,
            }
        if path == "/v1/completions":
            self.bodies.append(body)
            if body.get("echo") and "echo" not in self.knows:
                return 400, {"error": {"message": "Only no echo is supported"}}
            choices = [self.choice(number, prompt, body) for number, prompt in enumerate(body["prompt"])]
            return 200, {"object": "text_completion", "choices": choices[::-1]}
        return 404, {"detail": "Not Found"}

    def choice(self, number: int, prompt: list[int], body: Any) -> dict[str, Any]:
        assert len(prompt) + body["max_tokens"] <= 65
        (scores,) = self.scorer.score([ScoringRequest(prompt)])
        values = [None if np.isnan(value) else float(value) for value in scores]
        choice: dict[str, Any] = {"index": number, "text": "!", "logprobs": None, "prompt_logprobs": None}
        if "prompt_logprobs" in body and "prompt_logprobs" in self.knows:
            choice["prompt_logprobs"] = [
                None
                if value is None
                else {
                    str(token): {"logprob": value, "rank": 7, "decoded_token": self.tokenizer.id_to_token(token)},
                    "-1": {"logprob": -0.1, "rank": 1, "decoded_token": "likelier"},
                }
                for token, value in zip(prompt, values, strict=True)
            ]
        if body.get("echo"):
            choice["logprobs"] = {"token_logprobs": [*values, -1.5], "tokens": []}
        return choice


@contextmanager
def running(double: ServedDouble) -> Iterator[ServedDouble]:
    """Serve on a free port of this machine until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.reply(None)

        def do_POST(self) -> None:
            self.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def reply(self, body: Any) -> None:
            double.headers = dict(self.headers)
            status, answer = double.answer(self.path, body)
            content = json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # whoever asked has given up
                pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield double
    finally:
        double.closing.set()
        server.shutdown()
        server.server_close()
