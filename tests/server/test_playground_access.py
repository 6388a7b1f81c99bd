"""The page for everybody: names, structure, contrast, widths, keyboard and announcements."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playground_page import Page
from selenium.webdriver.common.keys import Keys

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
