"""The playground when things go wrong, when text is hostile, and for those who use no mouse or no eyes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi import Response
from playground_page import Page, in_browser
from selenium.webdriver.common.keys import Keys

pytest.importorskip("fastapi")
pytest.importorskip("selenium")

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
