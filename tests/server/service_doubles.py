"""What the tests of the service share: a client without a network, and a compressor that waits to be let go."""

from __future__ import annotations

import threading
from typing import Any

import httpx
from fastapi import FastAPI

from tersely import CompressionResult, Compressor
from tersely_server.app import create_app
from tersely_server.settings import ServerSettings

TOKEN = "a-token-for-the-tests"
MILL = {"id": "mill", "text": "The water mill was built in 1820 by two brothers. It closed a hundred years later. " * 5}


def client_of(app: FastAPI, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", **options)


def client_for(compressor: Any, **settings: Any) -> httpx.AsyncClient:
    return client_of(create_app(ServerSettings(**settings), compressor=compressor))


class HeldCompressor:
    """Begins at once, ends when it is let go or nobody waits for it any more."""

    def __init__(self, compressor: Compressor) -> None:
        self.tokenizer, self.scorer = compressor.tokenizer, compressor.scorer
        self._compressor = compressor
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.go = threading.Event()
        self.listens = True

    def compress(self, documents, question=None, *, progress, **options) -> CompressionResult:
        self.begun.release()
        try:
            while not self.go.wait(0.01):
                if self.listens:
                    progress("score", 0.5)
            return self._compressor.compress(documents, question, progress=progress, **options)
        finally:
            self.ended.release()
