"""What the page asks the service, when, and how it reads pasted and dropped texts."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from playground_page import Page, in_browser

from tersely_batch.input_files import read_sources

MARKUP = "<img src=x onerror=alert(1)>"


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
