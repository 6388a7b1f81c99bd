"""HTTP to the server of a model: requests with patience, and errors that say what to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tersely.errors import ModelError
from tersely.scoring.served.settings import ServedSettings

_AGAIN = (408, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 30.0  # seconds, whatever a server asks for
_QUOTED = 300  # characters of an answer in an error


class RefusedError(ModelError):
    """The server answered, and will not do what was asked."""


class Client:
    """Asks a server; safe to use from several threads.

    Args:
        settings: its address, key and patience.
        sleep: waits so many seconds.

    Raises:
        ModelError: httpx is not installed.
    """

    def __init__(self, settings: ServedSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        try:
            import httpx
        except ImportError:
            raise ModelError("a served model needs httpx: pip install 'tersely[served]'") from None
        key = settings.api_key.get_secret_value() if settings.api_key else None
        # Only the configured address is called: proxies and passwords of the environment are left alone.
        self._http = httpx.Client(
            timeout=settings.timeout,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            trust_env=False,
        )
        self._unanswered = httpx.TransportError
        self._settings, self._sleep = settings, sleep

    def get(self, path: str) -> Any:
        """The JSON at a path below the API's address.

        Raises:
            RefusedError: the server answered with an error.
            ModelError: it did not answer, however often it was asked.
        """
        return self._send("GET", f"{self._settings.base_url}{path}", None)

    def post(self, path: str, body: Any) -> Any:
        """The JSON that a path below the API's address answers a body with. Raises as `get` does."""
        return self._send("POST", f"{self._settings.base_url}{path}", body)

    def post_beside(self, path: str, body: Any) -> Any:
        """The same for a path of the server that stands beside the API, not below its `/v1`."""
        address = urlsplit(self._settings.base_url)
        return self._send("POST", urlunsplit((*address[:2], address.path.removesuffix("/v1") + path, "", "")), body)

    def _send(self, method: str, url: str, body: Any) -> Any:
        wait = self._settings.backoff
        for left in range(self._settings.retries, -1, -1):
            try:
                response = self._http.request(method, url, json=body)
            except self._unanswered as error:
                if not left:
                    tries = self._settings.retries + 1
                    raise ModelError(
                        f"{url} gave no answer in {tries} tries ({type(error).__name__}: {error}); see that the server "
                        f"runs there, or give it more than {self._settings.timeout:g} s (TERSELY_SERVED_TIMEOUT)"
                    ) from error
            else:
                if response.status_code < 400:
                    return _json(response.text, url)
                if response.status_code not in _AGAIN or not left:
                    raise RefusedError(f"{url} answered {response.status_code}: {_quote(response.text)}")
                wait = max(wait, _seconds(response.headers.get("Retry-After")))
            self._sleep(min(wait, _LONGEST_WAIT))
            wait *= 2
        raise AssertionError("the last try returns or raises")


def _json(text: str, url: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        raise ModelError(f"{url} answered what is no JSON: {_quote(text)}") from None


def _quote(text: str) -> str:
    return " ".join(text.split())[:_QUOTED] or "nothing"


def _seconds(header: str | None) -> float:
    try:
        return max(float(header or 0), 0.0)
    except ValueError:  # a date, which few servers send
        return 0.0
