"""The playground in a real browser, before a service whose answers a test can dictate."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tersely import CompressionResult, Compressor, TerselyError
from tersely_server.playground.routes import playground_router

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
in_browser = pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver")
PATIENCE = 60  # seconds; a busy machine is no failure

Answer = Callable[[Request, dict[str, Any]], Awaitable[Response]]


class StandIn:
    """The service's one route: compresses, unless an answer is planned for the next request.

    Attributes:
        url: where it is.
        calls: bodies of the requests, in order.
        tokens: their `Authorization`, in order.
        results: what it compressed, in order.
        planned: answers to the next requests.
    """

    def __init__(self, compressor: Compressor) -> None:
        self.url = ""
        self._compressor = compressor
        self.forget()

    def forget(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.results: list[CompressionResult] = []
        self.planned: deque[Answer] = deque()

    async def answer(self, request: Request) -> Response:
        body = await request.json()
        self.calls.append(body)
        self.tokens.append(request.headers.get("authorization"))
        if self.planned:
            return await self.planned.popleft()(request, body)
        return await asyncio.to_thread(self.compress, body)

    def compress(self, body: dict[str, Any]) -> Response:
        try:
            result = self._compressor.compress(**body)
        except TerselyError as error:
            return JSONResponse({"error": {"code": "invalid_input", "message": str(error)}}, 422)
        self.results.append(result)
        return Response(result.model_dump_json(), media_type="application/json")

    def plan_error(self, status: int, message: str = "it says why", **headers: str) -> None:
        async def refuse(request: Request, body: dict[str, Any]) -> Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return JSONResponse({"error": {"code": "some", "message": message}}, status, named)

        self.planned.append(refuse)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application on a free port, as its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def stand_in_service(compressor: Compressor) -> Iterator[StandIn]:
    service = StandIn(compressor)
    app = FastAPI()
    app.include_router(playground_router())
    app.add_api_route("/v1/compress", service.answer, methods=["POST"], response_model=None)
    with serving(app) as service.url:
        yield service


@contextmanager
def browser(folder: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={folder}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """The page as a person uses it."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url
        self.size(1280, 900)
        self.media()

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def media(self, **features: str) -> None:
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})

    def open(self) -> Page:
        self.driver.get_log("browser")  # what came before is another test's
        self.driver.get(self.url)
        self.settle()
        self.until(lambda: self.script("return document.getElementById('model').options.length > 1"))
        return self

    def until(self, met: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.02).until(lambda _: met())

    def settle(self) -> None:
        """Until the page shows what belongs to the form."""
        self.until(lambda: self.element("#results").get_attribute("aria-busy") == "false")

    def script(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def module(self, name: str, code: str, *arguments: Any) -> Any:
        """What an expression about one of the page's modules, `it`, comes to; `given` are the arguments."""
        return self.driver.execute_async_script(
            f"const given = [...arguments]; const done = given.pop();"
            f"import('/playground/{name}').then(async (it) => done({code})).catch((error) => done(String(error)));",
            *arguments,
        )

    def element(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def elements(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The words of all matches, also of those that are scrolled out of sight."""
        found = self.script(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector
        )
        return " ".join(found)

    def fill(self, selector: str, value: str) -> None:
        """Paste: the whole value at once."""
        self.script(
            "const field = document.querySelector(arguments[0]); field.value = arguments[1];"
            "field.dispatchEvent(new Event('input', {bubbles: true}));",
            selector,
            value,
        )
        self.settle()

    def choose(self, selector: str, option: str) -> None:
        Select(self.element(selector)).select_by_visible_text(option)
        self.settle()

    def example(self) -> None:
        self.element("#example").click()
        self.settle()

    def press(self, *keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def tab(self, times: int = 1) -> str:
        """The id or the words of what then has the focus."""
        self.press(*[Keys.TAB] * times)
        return self.script("const a = document.activeElement; return a.id || a.textContent.trim();")

    def figures(self, column: int = 1) -> dict[str, str]:
        return self.script(
            "return Object.fromEntries([...document.querySelectorAll(arguments[0])]"
            ".map((one) => [one.firstChild.textContent, one.lastChild.textContent]))",
            f".result:nth-child({column}) .figures div",
        )

    def shown(self, column: int = 1) -> list[list[tuple[str, str]]]:
        """For each document its text in pieces, each with the name of its tag."""
        return self.script(
            "return [...document.querySelectorAll(arguments[0])]"
            ".map((text) => [...text.childNodes].map((one) => [one.localName, one.textContent]))",
            f".result:nth-child({column}) .text",
        )

    def complaints(self) -> list[str]:
        """What the browser wrote into its console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
