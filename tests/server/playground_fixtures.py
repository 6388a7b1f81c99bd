"""Fixtures of the playground's tests: the page in a browser, and the service behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playground_page import Page, StandIn, browser, stand_in_service
from selenium import webdriver

from doubles import FakeScorer
from tersely import Compressor


@pytest.fixture(scope="module")
def service() -> Iterator[StandIn]:
    with stand_in_service(Compressor(FakeScorer(), tokenizer="o200k_base")) as service:
        yield service


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture
def page(driver: webdriver.Chrome, service: StandIn) -> Iterator[Page]:
    service.forget()
    page = Page(driver, service.url).open()
    yield page
    driver.get("about:blank")  # ends what is under way
