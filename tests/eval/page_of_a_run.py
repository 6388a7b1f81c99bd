"""A run, and its page as it is parsed."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from synthetic_run import synthetic_run

from tersely_eval.measure.measurement import Run
from tersely_eval.report.page import html_page

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags close in order; collects tags, attributes, and the text by tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        for tag in set(self.open):
            self.text.setdefault(tag, []).append(data)

    def all(self, tag: str) -> str:
        return " ".join(" ".join(self.text.get(tag, [])).split())


@pytest.fixture(scope="module")
def run(hotpot) -> Run:
    return synthetic_run(hotpot, data_sets=("hotpot-dev", "nq20-dev"))


@pytest.fixture(scope="module")
def html(run) -> str:
    return html_page(run, "<h3>Break-even</h3>")


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)
