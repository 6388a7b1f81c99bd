"""The playground: its routes, and what a person sees and does on the page in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playground_page import in_browser
from selenium.webdriver.common.keys import Keys

from tersely_eval.report.money import read_prices
from tersely_server.playground.routes import FOLDER, playground_router

pytest.importorskip("fastapi")
pytest.importorskip("selenium")

pytest_plugins = ["playground_fixtures"]

EMOJI = "The 🦭 sleeps. The family 👨‍👩‍👧‍👦 sails at 9:00 ⛴️ sharp. 𝒳 is 7. Naïve café, é: 🇳🇱 flags fly."


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.include_router(playground_router())
    return TestClient(app)


# Routes


def test_every_part_of_the_page_is_served_and_nothing_else(client) -> None:
    html = client.get("/").text
    parts = set(re.findall(r'(?:src|href)="(.*?)"', html))
    for source in FOLDER.glob("*.js"):
        parts |= {f"playground/{name}" for name in re.findall(r'from "\./(.*?)"', source.read_text())}
        parts |= set(re.findall(r'fetch\("(playground/.*?)"', source.read_text()))
    files = {f"playground/{file.name}" for file in FOLDER.iterdir()} - {"playground/index.html"}
    assert parts == files | {"playground/prices.json"}
    for part in parts:
        assert client.get(f"/{part}").status_code == 200, part
    for wrong in ("playground.py", "..%2fplayground.py", "%2e%2e%2fplayground.py", "x.js", ""):
        assert client.get(f"/playground/{wrong}").status_code == 404


def test_a_page_that_can_only_talk_to_its_own_service(client) -> None:
    for path in ("/", "/playground/main.js", "/playground/style.css", "/playground/prices.json"):
        headers = client.get(path).headers
        rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
        assert rules.pop("default-src") == "'none'" and "unsafe" not in headers["content-security-policy"]
        assert {rule: value for rule, value in rules.items() if value not in ("'self'", "'none'")} == {
            "require-trusted-types-for": "'script'"
        }
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert client.get("/playground/main.js").headers["content-type"].startswith("text/javascript")


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(client) -> None:
    html = client.get("/").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
    for file in FOLDER.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not re.search(r"https?://|@import|url\(|innerHTML|outerHTML|insertAdjacentHTML|\beval\b", text), file


def test_prices_are_those_of_the_evaluation_with_source_and_date(client) -> None:
    listed = client.get("/playground/prices.json").json()
    assert [(row["model"], row["input_dollars"], row["source"], row["read_on"]) for row in listed] == [
        (price.model, price.input_dollars, price.source, price.read_on.isoformat()) for price in read_prices().values()
    ]


# Use


@in_browser
def test_an_example_by_one_click(page, service) -> None:
    assert page.element("#empty").is_displayed() and service.calls == []
    page.example()
    (result,) = service.results
    assert len(result.documents) == 8 and result.question == page.element("#question").get_property("value")
    assert page.figures() == {
        "Tokens": f"{result.original_tokens:,} → {result.compressed_tokens:,}",
        "Kept": f"{result.rate:.1%}",
        "Shorter": f"{result.ratio:.1f} times",
        "Saved in 1,000 requests": page.figures()["Saved in 1,000 requests"],
    }
    assert not page.element("#empty").is_displayed()
    assert page.script("return document.activeElement.id") == "rate"
    assert page.complaints() == []


@in_browser
@pytest.mark.parametrize("method", ["evidence", "salience", "longllmlingua", "llmlingua"])
def test_kept_text_is_lit_and_dropped_text_dimmed_to_the_character(page, service, method) -> None:
    """The service counts code points, the browser UTF-16 units."""
    page.fill("#question", "When does the last ferry 🌙 sail?")
    page.choose("#method", method)
    page.fill("#box", f"# 🚢 Ferries\n{EMOJI}\n---\n{EMOJI * 3}\n---\nPlain text without any of that.\n---\n👋")
    for percent in (12, 55, 100):
        page.fill("#rate", str(percent))
        result = service.results[-1]
        assert result.target_tokens <= result.original_tokens * percent / 100 + 1
        for shown, one in zip(page.shown(), sorted(result.documents, key=lambda one: one.index), strict=True):
            assert "".join(text for _, text in shown) == one.document.text
            assert "".join(text for tag, text in shown if tag == "mark") == one.text
            assert {tag for tag, _ in shown} <= {"mark", "del"} and all(text for _, text in shown)


@in_browser
def test_white_space_between_kept_words_is_kept_and_not_lit(page, service) -> None:
    page.choose("#method", "llmlingua")
    page.example()
    lit = page.script(
        "return [...document.querySelectorAll('mark')].map((one) => [one.textContent, "
        "getComputedStyle(one).backgroundColor !== 'rgba(0, 0, 0, 0)'])"
    )
    assert any(text.isspace() for text, _ in lit)
    assert all(is_lit == (not text.isspace()) and text.strip() in ("", text) for text, is_lit in lit)


@in_browser
def test_pieces_of_a_text(page) -> None:
    def pieces(text: str, *spans: list[int]) -> Any:
        return page.module("spans.js", "[...it.pieces(...given)]", text, list(spans))

    assert pieces("a🦭b🦭c", [1, 2], [3, 5]) == [["a", False], ["🦭", True], ["b", False], ["🦭c", True]]
    assert pieces("🦭🦭", [0, 2]) == [["🦭🦭", True]]
    assert pieces("🦭🦭") == [["🦭🦭", False]]
    assert pieces("") == []


@in_browser
def test_relevance_is_told_and_explained(page, service) -> None:
    page.example()
    facts = page.text(".documents .facts")
    for one in service.results[-1].documents:
        assert f"relevance {one.relevance:.2f}".replace("-", "−") in facts
    assert "(1 of 8)" in facts and "(8 of 8)" in facts
    page.element("#meaning summary").send_keys(Keys.ENTER)
    assert "logarithm of the odds" in page.element("#meaning dl").text
    page.fill("#rate", "100")
    assert service.results[-1].documents[0].relevance is not None  # the order of the context needs it
    page.choose("#method", "llmlingua")
    assert service.results[-1].documents[0].relevance is None and "relevance" not in page.text(".documents .facts")


@in_browser
def test_two_methods_side_by_side_and_one_under_the_other(page, service) -> None:
    page.example()
    page.choose("#beside", "llmlingua")
    evidence, other = service.results[-2:]
    assert (evidence.method, other.method, evidence.target_tokens) == ("evidence", "llmlingua", other.target_tokens)
    assert page.text(".result h2") == "evidence llmlingua"
    for column, result in ((1, evidence), (2, other)):
        kept = [[text for tag, text in shown if tag == "mark"] for shown in page.shown(column)]
        assert ["".join(one) for one in kept] == [
            one.text for one in sorted(result.documents, key=lambda one: one.index)
        ]

    def places(selector: str) -> list[dict[str, float]]:
        code = "return [...document.querySelectorAll(arguments[0])].map((one) => one.getBoundingClientRect().toJSON())"
        return page.script(code, selector)

    left, right = places(".result")
    assert left["right"] <= right["left"]
    rows = [places(f".result:nth-child({column}) li") for column in (1, 2)]
    assert [row["top"] for row in rows[0]] == [row["top"] for row in rows[1]]  # the same document side by side
    page.size(320, 800)
    above, below = places(".result")
    assert above["bottom"] <= below["top"] and above["left"] == below["left"]
    page.choose("#method", "llmlingua")
    assert page.element("#beside").get_property("value") == "" and page.text(".result h2") == "llmlingua"


@in_browser
def test_money(page, service) -> None:
    page.example()
    result = service.results[-1]
    dropped = result.original_tokens - result.compressed_tokens
    prices = read_prices()
    for name, price in prices.items():
        page.choose("#model", name)
        assert page.element("#price").get_property("valueAsNumber") == price.input_dollars
        assert str(price.read_on) in page.text("#price-source")
        assert price.source.startswith(page.element("#price-source a").get_attribute("href"))
    page.fill("#price", "1000")
    assert page.figures()["Saved in 1,000 requests"] == f"${dropped:,}.00"
    assert page.element("#model").get_property("value") == "" and page.text("#price-source") == ""
    page.fill("#price", "0.001")
    assert float(page.figures()["Saved in 1,000 requests"].strip("$")) == pytest.approx(dropped * 1e-6, rel=0.05)
    for wrong in ("", "-3"):
        page.fill("#price", wrong)
        assert page.figures()["Saved in 1,000 requests"] == "–"
    assert len(service.calls) == 1


@in_browser
def test_the_prompt_is_copied(page, service) -> None:
    page.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    page.example()
    page.element(".result button").click()
    page.until(lambda: page.text(".row [role=status]") == "Copied.")
    read = "const done = arguments[0]; navigator.clipboard.readText().then(done, (error) => done(String(error)))"
    assert page.driver.execute_async_script(read) == service.results[-1].prompt
    assert service.results[-1].prompt.endswith(service.results[-1].question)


@in_browser
@pytest.mark.parametrize(("works", "said"), [(True, "Copied."), (False, "Selected: press Ctrl+C or ⌘C to copy.")])
def test_the_prompt_is_copied_where_there_is_no_clipboard(page, service, works, said) -> None:
    """As on a page without TLS."""
    page.example()
    page.script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    if not works:
        page.script("document.execCommand = () => false")
    button = page.element(".result button")
    button.click()
    page.until(lambda: page.text(".row [role=status]") == said)
    if works:
        assert page.script("return document.activeElement === arguments[0]", button)
    else:
        code = (
            "const field = document.activeElement; return field.value.slice(field.selectionStart, field.selectionEnd)"
        )
        assert page.script(code) == service.results[-1].prompt
