"""The playground when things go wrong, when text is hostile, and for those who use no mouse or no eyes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("selenium")

from fastapi import Response
from playground_page import Page, in_browser
from selenium.webdriver.common.keys import Keys

pytest_plugins = ["playground_fixtures"]
pytestmark = in_browser

EVIL = "<img src=x onerror='window.broken=1'><script>window.broken=1</script></textarea>\"&amp; {{7*7}}"

SHORT_WAITS = """
    window.waits = [];
    const real = window.setTimeout;
    window.setTimeout = (call, milliseconds, ...rest) => real(call, milliseconds >= 1000 ? 1 : milliseconds, ...rest);
    addEventListener("DOMContentLoaded", () => {
      const seen = (records) => records.forEach((one) => one.target.textContent && waits.push(one.target.textContent));
      new MutationObserver(seen).observe(document.getElementById("countdown"), {childList: true});
    });
"""


@pytest.fixture
def hasty(page: Page) -> Iterator[Page]:
    """The page with seconds of waiting that last milliseconds; `waits` is what it said of them."""
    added = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SHORT_WAITS})
    yield page.open()
    page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


# Errors


def test_a_method_that_needs_a_question_says_so_and_asks_nobody(page, service) -> None:
    page.fill("#box", "It sails at nine.")
    assert page.text(".problem p") == "evidence needs a question: type one, or choose salience."
    assert service.calls == [] and not page.elements(".problem button")
    page.choose("#beside", "llmlingua")
    assert page.text(".problem p").startswith("evidence needs") and page.figures(2)["Tokens"]
    assert "question" not in service.calls[0]
    page.fill("#question", "  When?  ")
    assert not page.element(".problem").is_displayed() and service.calls[-1]["question"] == "When?"


def test_a_token_is_asked_for_and_kept_in_memory_only(page, service) -> None:
    service.plan_error(401, "a token is needed: send `Authorization: Bearer TOKEN`")
    page.example()
    assert page.text(".problem p") == "This service asks for an access token."
    service.plan_error(401, "the token is wrong")
    page.element("#token").send_keys("wrong", Keys.ENTER)
    page.until(lambda: "does not accept" in page.text(".problem p"))
    page.settle()
    page.element("#token").send_keys(Keys.CONTROL, "a", Keys.NULL, "s3cret ", Keys.ENTER)
    page.until(lambda: page.figures())
    page.settle()
    assert service.tokens == [None, "Bearer wrong", "Bearer s3cret"]
    assert not page.element("#access").is_displayed()
    assert page.script("return document.activeElement.id") == "rate"
    assert "s3cret" not in page.script("return JSON.stringify([localStorage, sessionStorage, location.href])")
    page.open()
    page.example()
    assert service.tokens[-1] is None


@pytest.mark.parametrize("token", ["", "ключ", "two words"])
def test_a_token_that_no_header_can_hold_is_not_sent(page, service, token) -> None:
    service.plan_error(401)
    page.example()
    page.element("#token").send_keys(token, Keys.ENTER)
    assert not page.script("return document.getElementById('token').validity.valid")
    page.settle()
    assert page.element("#access").is_displayed() and len(service.calls) == 1


@pytest.mark.parametrize(
    ("status", "message", "again"),
    [
        (413, "the request has more than the 200000 tokens that are allowed", False),
        (422, "documents[0] has a NUL byte", False),
        (403, "without a token, pages of other sites may not call this service", False),
        (500, "an error of the service", True),
        (503, "the model could not be loaded: <b>x</b>", True),
    ],
)
def test_what_the_service_says_is_shown(page, service, status, message, again) -> None:
    service.plan_error(status, message)
    page.example()
    problem = page.element(".problem")
    assert problem.is_displayed() and problem.get_attribute("role") == "alert"
    assert page.text(".problem p") == message
    assert page.element("#box").get_property("value") and not page.elements(".documents li")
    assert bool(page.elements(".problem button")) == again
    if again:
        page.element(".problem button").click()
    else:
        page.fill("#rate", "50")
    page.until(lambda: page.figures())
    page.settle()
    assert not problem.is_displayed()


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (502, "<html>Bad Gateway", "The service answered with status 502."),
        (404, '{"detail": "Not Found"}', "The service answered with status 404."),
        (200, "<html>Log in first", "The service broke off, or answered with something that is not JSON."),
    ],
)
def test_answers_that_are_not_the_services(page, service, status, content, said) -> None:
    async def answer(request, body):
        return Response(content, status, media_type="text/html")

    service.planned.append(answer)
    page.example()
    assert page.text(".problem p") == said


def test_a_result_of_another_shape_is_an_error_not_a_frozen_page(page, service) -> None:
    async def answer(request, body):
        return Response('{"prompt": "x"}', media_type="application/json")

    service.planned.append(answer)
    page.example()
    assert page.element(".problem button").is_displayed()
    page.element(".problem button").click()
    page.until(lambda: page.figures())


def test_the_service_cannot_be_reached(page, service) -> None:
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/v1/compress"]})
    page.choose("#beside", "llmlingua")
    page.example()
    page.driver.execute_cdp_cmd("Network.disable", {})
    assert page.text(".problem p") == "The service cannot be reached. Your documents are still here."
    page.element(".problem button").click()
    page.until(lambda: page.figures(1) and page.figures(2))
    assert page.script("return document.activeElement.textContent") == "evidence"


def test_a_busy_service_is_asked_again_when_it_says(hasty, service) -> None:
    service.plan_error(429, Retry_After="3")
    service.plan_error(503, Retry_After="2")
    service.plan_error(429)
    hasty.example()
    assert hasty.figures() and len(service.calls) == 4
    assert hasty.script("return waits") == ["3 s", "2 s", "1 s", "2 s", "1 s", "4 s", "3 s", "2 s", "1 s"]
    assert hasty.text("#countdown") == "" and "keeps" in hasty.text("#status")


def test_a_busy_service_is_not_asked_for_ever(hasty, service) -> None:
    for _ in range(6):
        service.plan_error(429, "all 40 places are taken", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
    hasty.example()
    assert hasty.text(".problem p") == "all 40 places are taken" and len(service.calls) == 6
    hasty.element(".problem button").click()
    hasty.until(lambda: hasty.figures())
    assert len(service.calls) == 7


def test_waiting_is_told_and_ends_when_something_changes(page, service) -> None:
    service.plan_error(429, Retry_After="1000")
    page.element("#example").click()
    page.until(lambda: "busy" in page.text("#status") and page.text("#countdown") == "1000 s")
    page.fill("#rate", "50")
    assert page.figures() and [call["rate"] for call in service.calls] == [0.25, 0.5]
    assert page.text("#countdown") == ""


def test_one_method_fails_and_the_other_is_shown(page, service) -> None:
    page.choose("#beside", "longllmlingua")
    service.plan_error(500, "out of luck")
    page.example()
    assert page.text(".problem p") == "out of luck" and page.figures(2)["Tokens"] and not page.figures(1)


# Hostile text


def test_text_is_never_markup(page, service) -> None:
    page.fill("#question", EVIL)
    lines = [{"text": f"{EVIL} {number} {EVIL}", "title": EVIL, "id": EVIL} for number in range(2)]
    page.fill("#box", "\n".join(json.dumps(line) for line in [*lines, {"text": EVIL, "id": EVIL}, {"text": " "}]))
    page.choose("#beside", "llmlingua")
    page.fill("#box", f"# {EVIL}\n{EVIL}\n---\n{EVIL}")
    service.plan_error(422, EVIL)
    service.plan_error(500, EVIL)
    page.fill("#rate", "30")
    assert page.text(".problem p") == f"{EVIL} {EVIL}"
    assert page.script("return [window.broken, document.images.length, document.scripts.length]") == [None, 0, 1]
    assert not [line for line in page.complaints() if "Failed to load resource: the server responded" not in line]


def test_even_markup_could_not_act(page) -> None:
    code = "try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (error) { return error.name }"
    assert page.script(code) == "TypeError"
    page.script(
        "const image = document.createElement('img'); image.src = 'https://example.invalid/x.png';"
        "document.body.append(image)"
    )
    page.until(lambda: any("Content Security Policy" in line for line in page.complaints()))


# For everyone


def names(page: Page) -> list[tuple[str, str]]:
    """Role and accessible name of everything that can be used, as the browser tells assistive technology."""
    tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    used = {
        "button",
        "textbox",
        "combobox",
        "slider",
        "link",
        "spinbutton",
        "list",
        "form",
        "region",
        "DisclosureTriangle",
    }
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node["ignored"] and node["role"]["value"] in used
    ]


def test_everything_that_is_used_has_a_name(page, service) -> None:
    page.choose("#beside", "llmlingua")
    service.plan_error(401)
    page.example()
    found = names(page)
    assert ("textbox", "Access token of this service") in found
    service.plan_error(500)
    page.fill("#rate", "30")
    found += names(page)
    for expected in (
        ("textbox", "Documents"),
        ("textbox", "Question"),
        ("button", "Choose files"),
        ("slider", "Keep"),
        ("combobox", "Method"),
        ("combobox", "Beside it"),
        ("combobox", "Model"),
        ("spinbutton", "Dollars per million tokens"),
        ("button", "Copy the prompt"),
        ("button", "Try again"),
        ("form", "What to compress"),
        ("region", "What is kept"),
        ("region", "llmlingua"),
    ):
        assert expected in found
    assert not [entry for entry in found if not entry[1].strip() and entry[0] != "list"]


def test_structure(page) -> None:
    page.choose("#beside", "llmlingua")
    page.example()
    ids = page.script("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
    references = page.script(
        "return ['for', 'aria-describedby', 'aria-labelledby'].flatMap((name) =>"
        "[...document.querySelectorAll(`[${name}]`)].flatMap((one) => one.getAttribute(name).split(' ')))"
    )
    assert references and set(references) <= set(ids)
    levels = page.script("return [...document.querySelectorAll('h1,h2,h3,h4')].map((one) => Number(one.localName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.script("return document.documentElement.lang") == "en"
    assert len(page.elements("main")) == 1 and not page.elements("[tabindex]:not([tabindex='0'],[tabindex='-1'])")
    for selector, role in (("#status", "status"), ("#split", "status"), (".problem", "alert")):
        assert page.element(selector).get_attribute("role") == role


CONTRAST = """
    const channels = (colour) => {
      const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
      return [r, g, b, a];
    };
    const luminance = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const ratio = (one, other) => {
      const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    };
    const ground = (node) => {
      for (; node; node = node.parentElement) {
        const colour = channels(getComputedStyle(node).backgroundColor);
        if (colour[3] === 1) return colour;
      }
    };
    const poor = [];
    let checked = 0;
    for (const node of document.querySelectorAll("body *")) {
      if (!node.checkVisibility()) continue;
      const style = getComputedStyle(node);
      const field = node.matches("textarea, select, input:not([type=range], [type=file])");
      const words = field || [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
      if (words && ratio(channels(style.color), ground(node)) < 4.5) poor.push(node.outerHTML.slice(0, 90));
      const edge = field && ratio(channels(style.borderTopColor), ground(node.parentElement));
      if (field && edge < 3) poor.push("edge of " + node.id);
      checked += words;
    }
    return [checked, poor];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page, service, scheme) -> None:
    page.media(prefers_color_scheme=scheme)
    papers = {"light": "rgb(253, 253, 252)", "dark": "rgb(22, 24, 27)"}
    assert page.script("return getComputedStyle(document.body).backgroundColor") == papers[scheme]
    for state in ("empty", "result", "error"):
        if state == "result":
            page.choose("#beside", "llmlingua")
            page.example()
            page.script("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        if state == "error":
            service.plan_error(401)
            page.fill("#rate", "30")
        checked, poor = page.script(CONTRAST)
        assert checked > 15 and poor == [], state
    lit = "return [...document.querySelectorAll('mark, del')].map((one) => getComputedStyle(one).backgroundColor)"
    page.fill("#rate", "31")
    assert len(set(page.script(lit))) == 2  # not by the colour of the letters alone


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_width_scrolls_sideways(page, service, width) -> None:
    page.size(width, 700)
    sideways = "return document.documentElement.scrollWidth - window.innerWidth"
    assert page.script(sideways) <= 0
    page.choose("#beside", "llmlingua")
    page.example()
    page.script("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.script(sideways) <= 0
    page.fill("#box", f"# {'title' * 90}\n{'word' * 500}\n\n    {'code ' * 90}")
    assert page.script(sideways) <= 0
    service.plan_error(500, "long" * 300)
    page.fill("#rate", "30")
    assert page.script(sideways) <= 0


def test_nothing_moves(page) -> None:
    page.media(prefers_reduced_motion="reduce")
    page.example()
    moving = "return [...document.querySelectorAll('*')].map((one) => getComputedStyle(one)).filter((style) =>"
    moving += "style.transitionDuration !== '0s' || style.animationName !== 'none' || style.scrollBehavior !== 'auto')"
    assert page.script(f"{moving}.length") == 0 and page.script("return document.getAnimations().length") == 0


def test_everything_by_keyboard_alone(page, service) -> None:
    order = [page.tab() for _ in range(10)]
    assert order[:9] == ["box", "files", "question", "model", "price", "source", "method", "beside", "rate"]
    assert order[9] == "example"
    page.press(Keys.ENTER)
    page.until(lambda: page.figures())
    page.settle()
    assert page.script("return document.activeElement.id") == "rate"
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.until(lambda: service.calls[-1]["rate"] == 0.27)
    page.settle()
    assert page.tab() == "What do relevance and the other figures mean?"
    page.press(Keys.ENTER)
    assert page.element("#meaning dl").is_displayed()
    assert page.tab() == "Copy the prompt"
    outline: Any = page.script("const style = getComputedStyle(document.activeElement); return style.outlineStyle")
    assert outline == "solid"
    page.press(Keys.SPACE)
    page.until(lambda: page.text(".row [role=status]"))
    assert page.tab() == "Show the prompt"
    page.press(Keys.ENTER)
    page.tab()
    read = "return [document.activeElement.readOnly, document.activeElement.value]"
    assert page.script(read) == [True, service.results[-1].prompt]


def test_what_has_the_focus_is_not_beneath_the_bar(page) -> None:
    page.size(1280, 700)
    page.example()
    page.script("scrollTo(0, document.body.scrollHeight); document.querySelector('.result button').focus()")
    bar, button = (
        page.script("return arguments[0].getBoundingClientRect().toJSON()", one)
        for one in (page.element(".bar-top"), page.element(".result button"))
    )
    assert button["top"] >= bar["bottom"]


def test_results_are_announced_once(page, service) -> None:
    page.script(
        "window.said = []; new MutationObserver(() => said.push(document.getElementById('status').textContent))"
        ".observe(document.getElementById('status'), {childList: true})"
    )
    page.example()
    result = service.results[-1]
    assert page.script("return said") == [
        "Compressing with evidence …",
        f"evidence keeps {result.compressed_tokens} of {result.original_tokens} tokens.",
    ]
