"""The playground: its routes, and what a person sees and does on the page in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("selenium")

from fastapi import FastAPI
from fastapi.testclient import TestClient
from playground_page import Page, in_browser
from selenium.webdriver.common.keys import Keys

from tersely_batch.input_files import read_sources
from tersely_eval.report.money import read_prices
from tersely_server.playground.routes import FOLDER, playground_router

pytest_plugins = ["playground_fixtures"]

EMOJI = "The 🦭 sleeps. The family 👨‍👩‍👧‍👦 sails at 9:00 ⛴️ sharp. 𝒳 is 7. Naïve café, é: 🇳🇱 flags fly."
MARKUP = "<img src=x onerror=alert(1)>"


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


# What is asked, and when


@in_browser
def test_many_moves_are_one_request(page, service) -> None:
    page.example()
    page.script(
        "const rate = document.getElementById('rate');"
        "for (let at = 26; at <= 60; at++) { rate.value = at; rate.dispatchEvent(new Event('input')); }"
    )
    page.settle()
    assert [call["rate"] for call in service.calls] == [0.25, 0.6]
    assert page.text("#rate-text") == page.element("#rate").get_attribute("aria-valuetext") == "60% of the tokens"


@in_browser
def test_a_request_that_is_out_of_date_is_cancelled_and_its_answer_never_shown(page, service) -> None:
    page.example()
    begun, left = threading.Event(), threading.Event()

    async def late(request, body):
        begun.set()
        while not await request.is_disconnected():
            await asyncio.sleep(0.01)
        left.set()
        return service.compress(body)

    service.planned.append(late)
    page.script("const rate = document.getElementById('rate'); rate.value = 80; rate.dispatchEvent(new Event('input'))")
    assert begun.wait(60)
    page.fill("#rate", "40")
    assert left.wait(60)
    assert [call["rate"] for call in service.calls] == [0.25, 0.8, 0.4]
    assert page.figures()["Kept"].startswith(("39.", "40."))


@in_browser
def test_an_old_answer_that_comes_late_does_not_replace_a_newer_one(page, service) -> None:
    """Even if the browser could not cancel the request."""
    page.script("fetch = ((real) => (address, options) => real(address, {...options, signal: undefined}))(fetch)")
    release, begun = threading.Event(), threading.Event()

    async def late(request, body):
        begun.set()
        await asyncio.to_thread(release.wait, 60)
        return service.compress(body)

    service.planned.append(late)
    page.element("#example").click()
    assert begun.wait(60)
    page.fill("#rate", "50")
    newer = page.figures()
    release.set()
    page.until(lambda: len(service.results) == 2)
    page.fill("#price", "7")  # another turn of the page, after which the old answer has long been there
    assert {**page.figures(), "Saved in 1,000 requests": ""} == {**newer, "Saved in 1,000 requests": ""}


@in_browser
def test_a_hundred_long_documents(page, service) -> None:
    sentence = "The ferry of the island sails at 9:{:02} with bread, newspapers and commuters on board, come what may. "
    text = "\n---\n".join("".join(sentence.format(at % 60) for at in range(n, n + 10)) for n in range(100))
    assert len(text) > 100_000
    page.fill("#question", "When does it sail?")
    page.choose("#method", "llmlingua")
    page.fill("#box", text)
    assert len(page.shown()) == 100 and page.text("#split") == "100 documents"
    assert sum(len(one) for one in page.shown()) > 1000  # many small pieces
    result = service.results[-1]
    kept = ["".join(text for tag, text in shown if tag == "mark") for shown in page.shown()]
    assert kept == [one.text for one in sorted(result.documents, key=lambda one: one.index)]


@in_browser
def test_nothing_of_it_is_stored_or_put_in_an_address(page, service) -> None:
    page.fill("#question", "Where is the secret?")
    page.fill("#box", "The secret is here.")
    page.fill("#rate", "60")
    stored = "return [location.href, history.length, localStorage.length, sessionStorage.length, document.cookie]"
    address, _, *rest = page.script(stored)
    assert address == service.url and rest == [0, 0, ""]
    loaded = page.script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert loaded and all(name.startswith(service.url) and "?" not in name for name in loaded)


# Documents


@in_browser
def test_pasted_text_is_split_where_a_person_expects(page) -> None:
    def split(text: str) -> Any:
        return page.module("documents.js", "it.split(...given)", text)

    assert split(" \n---\n\n---  \n") == []
    assert split("one\n\nparagraphs stay\n") == [{"text": "one\n\nparagraphs stay"}]
    assert split("# Title \n\ntext\n---\n#no title\n---\n# only a heading") == [
        {"title": "Title", "text": "text"},
        {"text": "#no title"},
        {"text": "# only a heading"},
    ]
    assert split("a | b\n--- | ---\n1 | 2\n----\nx --- y") == [{"text": "a | b\n--- | ---\n1 | 2\n----\nx --- y"}]
    assert split('{"text": "a", "id": 7}\n\n{"page_content": "b", "metadata": {}}') == [
        {"text": "a", "id": 7},
        {"text": "b"},
    ]
    assert split('{"text": "a"}\nno JSON') == [{"text": '{"text": "a"}\nno JSON'}]


@in_browser
def test_how_it_was_split_is_shown(page, service, tmp_path) -> None:
    page.fill("#question", "When?")
    page.fill("#box", "# First\nIt sails at nine.\n---\nThen it sails at ten, and so on.")
    assert page.text("#split") == "2 documents"
    assert page.text("#found li bdi") == "First Then it sails at ten, and so on."
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"text": "One.", "title": "T"}\n{"content": "Two.", "doc_id": "two"}\n')
    note = tmp_path / "note.md"
    note.write_text("---\nA note.\n---\nIt stays one.", encoding="utf-8-sig")
    page.element("#files").send_keys(f"{lines}\n{note}")
    page.until(lambda: "5 documents: 2 pasted, 3 from files" in page.text("#split"))
    page.settle()
    assert service.calls[-1]["documents"][2:] == [
        {"text": "One.", "title": "T"},
        {"text": "Two.", "id": "two"},
        {"text": "---\nA note.\n---\nIt stays one.", "id": "note.md"},
    ]
    page.element("[aria-label='Remove lines.jsonl']").click()
    page.settle()
    assert page.text("#split") == "3 documents: 2 pasted, 1 from files"
    assert [one.get("id") for one in service.calls[-1]["documents"]] == [None, None, "note.md"]
    assert page.script("return document.activeElement.id") == "box"


@in_browser
def test_a_file_is_read_as_the_command_line_reads_it(page, service, tmp_path) -> None:
    file = tmp_path / "some.jsonl"
    rows = [
        {"text": "a\r\nb 🦭", "title": None, "id": 12, "other": [1]},
        {"page_content": "c", "id_": "x", "metadata": {"source": "s"}},
        {"text": "ours", "content": "theirs", "doc_id": "y", "id": "z", "keep": True},
    ]
    file.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), newline="")
    expected = read_sources([str(file)], None, note=print)
    page.choose("#method", "llmlingua")
    page.element("#files").send_keys(str(file))
    page.until(lambda: service.results)
    page.settle()
    read = sorted(service.results[-1].documents, key=lambda one: one.index)
    for one, other in zip(read, expected, strict=True):
        assert (one.document.text, one.document.title, one.document.id, one.document.keep) == (
            other.text,
            other.title,
            other.id,
            other.keep,
        )


def drop(page: Page, *files: tuple[str, list[int] | str]) -> None:
    page.script(
        "const data = new DataTransfer();"
        "for (const [name, content] of arguments[0])"
        "  data.items.add(new File([typeof content === 'string' ? content : new Uint8Array(content)], name));"
        "for (const kind of ['dragenter', 'dragover', 'drop'])"
        "  document.body.dispatchEvent("
        "    new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));",
        files,
    )


@in_browser
def test_files_are_dropped_and_bad_ones_named_while_good_ones_stay(page, service) -> None:
    page.fill("#question", "When?")
    page.fill("#box", "Pasted before.")
    drop(
        page,
        ("good.txt", "It sails at nine."),
        ("latin.txt", [0x63, 0x61, 0x66, 0xE9]),
        ("empty.md", " \n"),
        ("picture.png", [137, 80, 78, 71]),
        ("broken.jsonl", '{"text": "a"}\n\n{"text": '),
        ("list.jsonl", "[1]"),
        ("keys.jsonl", '{"body": "a", "x": 1}'),
        (f"{MARKUP}.pdf", "x"),
    )
    page.until(lambda: len(page.elements("#file-problems p")) == 7)
    page.settle()
    said = page.text("#file-problems p")
    for part in (
        "latin.txt: not UTF-8 text",
        "empty.md: left out, for it is empty",
        "picture.png: left out, for it is no text file",
        "broken.jsonl, line 3: not JSON",
        "list.jsonl, line 1: must be a JSON object",
        'keys.jsonl, line 1: has no "text"; its keys are body, x',
        MARKUP,
    ):
        assert part in said
    assert [one["text"] for one in service.calls[-1]["documents"]] == ["Pasted before.", "It sails at nine."]
    assert not page.elements("#drop.over")
    drop(page, ("more.text", "Later it sails at ten."))
    page.until(lambda: not page.elements("#file-problems p"))
    page.settle()
    assert len(service.calls[-1]["documents"]) == 3


@in_browser
def test_skipped_documents_are_told(page, service) -> None:
    page.choose("#method", "llmlingua")
    page.fill("#box", '{"text": " ", "id": "blank"}\n{"text": "It sails at nine.", "id": "full"}')
    assert "blank" in page.text(".documents li h3") and "skipped: empty or only white space" in page.text(".documents")
    page.fill("#box", '{"text": " ", "id": "blank"}')
    assert page.figures()["Tokens"] == "0 → 0" and page.figures()["Shorter"] == "–"
