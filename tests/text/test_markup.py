"""XML and HTML are kept as whole elements between their tags, and what is kept can be read as such."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growth import assert_grows_with_the_text
from kept_units import TEXTS, choices, kept_with, segment, sent, units
from tersely.text.markup import regions

FARES = (TEXTS / "fares.html").read_text(encoding="utf-8")
NEWS = (TEXTS / "news.rss").read_text(encoding="utf-8")
ROW = "<tr><td>{0}</td><td>{1} euros</td><td>daily, from the first to the last day of the season</td></tr>\n"


def table(title: str, *prices: int) -> str:
    rows = "".join(ROW.format(thing, price) for thing, price in zip(("Adult", "Child", "Bicycle"), prices, strict=True))
    return f"<h2>{title}</h2>\n<table>\n<tr><th>Who</th><th>Price</th><th>When</th></tr>\n{rows}</table>\n"


def is_part(part: ElementTree.Element, whole: ElementTree.Element) -> bool:
    """Whether an element has only what another has, in the same place and order."""
    others = iter(whole)
    letters = iter("".join(whole.itertext()))
    return (
        part.tag == whole.tag
        and part.attrib == whole.attrib
        and all(letter in letters for letter in "".join(part.itertext()))
        and all(any(is_part(child, other) for other in others) for child in part)
    )


@pytest.mark.parametrize("line_break", ["\n", ""])
def test_rows_stand_under_their_own_heading_and_header(line_break) -> None:
    text = (table("Route A", 8, 4, 3) + table("Route B", 11, 5, 4)).replace("\n", line_break)
    expected = (table("Route B", 11, 5, 4)).replace("\n", line_break)
    for thing, price in (("Adult", 11), ("Child", 5)):
        expected = expected.replace(ROW.format(thing, price).replace("\n", line_break), "")
    assert kept_with(text, "4 euros</td><td>daily, from the first to the last day of the season</td></tr>").count(
        "<tr>"
    ) in (3, 4)
    segmented = segment(text)
    assert sent(segmented, [len(segmented.units) - 1]).strip() == expected.strip()


def test_a_caption_and_a_section_of_the_header_stay_with_their_rows() -> None:
    rows = "".join(f"<tr><td>Town {number}</td><td>{number}00 people live there</td></tr>" for number in range(9))
    head = "<caption>In thousands</caption><thead><tr><th>Town</th><th>People</th></tr></thead>"
    text = f"<table>{head}<tbody>{rows}</tbody></table>"
    row = "<tr><td>Town 7</td><td>700 people live there</td></tr>"
    assert kept_with(text, "Town 7") == f"<table>{head}<tbody>{row}</tbody></table>"


def test_a_row_stays_with_the_row_whose_cell_reaches_down_to_it() -> None:
    rows = "".join(
        f"<tr><td rowspan='2'>Town {number}</td><td>{number}00 women and girls</td></tr>"
        f"<tr><td>{number}01 men and boys</td></tr>"
        for number in range(9)
    )
    assert kept_with(f"<table>{rows}</table>", "701 men") == (
        "<table><tr><td rowspan='2'>Town 7</td><td>700 women and girls</td></tr><tr><td>701 men and boys</td></tr>"
        "</table>"
    )


def test_a_page_keeps_the_way_to_what_is_kept() -> None:
    found = kept_with(FARES, "in a storm")
    assert found.startswith('<html lang="en">\n<body>\n<header><h1>Lake ferry</h1>')
    assert "<h2>Good to know</h2>\n<dl>\n<dt>Delay</dt><dt>Cancellation</dt><dd>The next ferry" in found
    assert found.endswith("</dd>\n</dl>\n</body>\n</html>")
    assert "Refund" not in found and "Route" not in found and "bring" not in found


def test_a_list_keeps_the_line_that_introduces_it() -> None:
    assert "<p>You can bring:</p>\n<ul>\n<li>a dog on a lead,\n</ul>" in kept_with(FARES, "a dog on")
    assert "<p>You can bring:</p>" not in units(FARES)


def test_programs_comments_and_heads_never_stand_alone() -> None:
    assert not any("<script" in unit or "<!--" in unit or "<title" in unit for unit in units(FARES))


def test_a_long_paragraph_is_cut_at_its_sentences_and_never_in_an_element_of_it() -> None:
    sentence = 'The <b>mill. It</b> was sold in <a href="/y?a=1&b=>2">{0}</a> for a sum that nobody knows. '
    text = f"<div>\n<p>{''.join(sentence.format(1900 + number) for number in range(9))}</p>\n</div>"
    assert len(units(text)) == 9
    assert kept_with(text, "1907") == f"<div>\n<p> {sentence.format(1907)}</p>\n</div>"


def test_records_of_xml_are_kept_whole() -> None:
    found = ElementTree.fromstring(kept_with(NEWS, "Choir sings"))
    assert [child.tag for child in found[0]] == ["title", "link", "item"]
    assert is_part(found, ElementTree.fromstring(NEWS))


def test_a_part_of_a_long_record_keeps_its_title() -> None:
    found = ElementTree.fromstring(kept_with(NEWS, "roof"))
    item = found.find("channel/item")
    assert item is not None and item.findtext("title") == "Mill sold"
    assert (item.findtext("description") or "").strip().startswith("The roof has to be mended")
    assert item.find("guid") is None


def test_elements_on_lines_of_a_text() -> None:
    text = f"The fares are these.\n\n{table('Route A', 8, 4, 3)}\nAsk on board. Or ask at the desk."
    assert units(text)[0] == "The fares are these." and units(text)[-1] == "Or ask at the desk."
    assert kept_with(text, "Child", "desk").splitlines()[-2:] == ["", "Or ask at the desk."]


def test_a_document_between_tags_is_read_as_if_it_stood_alone() -> None:
    inner = "# Ferry\n\n" + "".join(f"- On day {number} the ferry sails from the north.\n" for number in range(20))
    text = f'<document index="1">\n<source>ferry.md</source>\n<content>\n{inner}</content>\n</document>'
    assert kept_with(text, "day 7 ") == (
        '<document index="1">\n<content>\n'
        "# Ferry\n\n- On day 7 the ferry sails from the north.\n"
        "</content>\n</document>"
    )


def test_a_piece_without_its_beginning_and_its_end() -> None:
    text = f"8 euros</td></tr>\n{ROW.format('Adult', 11)}{ROW.format('Child', 5)}<tr><td>Bicycle</td><td>4 eu"
    assert ROW.format("Child", 5).strip() in units(text)
    assert not any("<td>Bicycle" in unit and "Child" in unit for unit in units(text))


@pytest.mark.parametrize(
    "text",
    [
        "<n> stands for a number. Another sentence.",
        "a < b and c > d.\nIf <x> is 1, so is <y>.",
        "<https://example.org>\n<me@example.org>",
        "<div>Not closed. Text.",
        "<b>Note</b>\nThis is a text. It goes on.",
        "<!-- a comment -->\nThis is a text. It goes on.\nAnd on.",
        "return (\n  <ul className={styles.list}>\n    <li>a</li>\n  </ul>\n);",
        "<",
        "<a",
        "</",
    ],
)
def test_what_only_looks_like_markup_is_left_to_others(text) -> None:
    assert regions.find(text, 0, len(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "<" * 1_000_000,
        "<a>" * 300_000,
        "<a>\n" * 250_000,
        "<br>\n" * 200_000,
        "</a>\n" * 200_000,
        "<a></b>\n" * 100_000,
        '<a "\n' * 200_000,
        "<a '<" * 200_000,
        "<!--\n" * 200_000,
        "<![CDATA[\n" * 100_000,
        "<!D[\n" * 200_000,
        "<?\n" * 200_000,
        "<script>\n" * 100_000,
        "<p>\n" * 200_000,
        "<li>x\n" * 150_000,
    ],
)
def test_time_grows_with_the_text(text) -> None:
    assert_grows_with_the_text(lambda part: regions.find(part, 0, len(part)), text)


@pytest.mark.parametrize("start, item, end", [("", "<li>Rain falls\n", ""), ("<ul>", "<li>Rain falls</li>", "</ul>")])
def test_a_large_page_takes_no_longer_than_its_length(start: str, item: str, end: str) -> None:
    text = start + item * 20_000 + end
    assert len(segment(text).units) == 20_000
    assert_grows_with_the_text(segment, text, eighth=start + item * 2_500 + end)


sentences = st.lists(
    st.sampled_from(["It rains. ", "The a&b < c > d. ", "Ümlaut. ", "Said: “No.” ", "word " * 30 + ". "]), max_size=4
).map("".join)
between = st.sampled_from(["", "", "\n", "\n  ", " and. So ", "<!-- <x> -->", "<![CDATA[ 1 < 2. > ]]>"])

XML = {name: ("id", "item", "title", "x:list", "note") for name in ("id", "item", "title", "x:list", "note")}
FLOW = ("div", "section", "h2", "h3", "ul", "table", "b", "details")
HTML = {
    **dict.fromkeys(("div", "section", "li", "td", "details"), FLOW),
    **dict.fromkeys(("h2", "h3", "b", "th", "summary"), ("b",)),
    "ul": ("li",),
    "table": ("tr",),
    "tr": ("td", "th"),
}


@st.composite
def elements(draw: st.DrawFn, inner: dict[str, tuple[str, ...]], names: tuple[str, ...], depth: int = 3) -> str:
    """An element of one of these names, written out."""
    name = draw(st.sampled_from(names))
    attributes = "".join(f" {key}={quoteattr(draw(sentences))}" for key in draw(st.sampled_from(["", "", "a", "ab"])))
    children = draw(st.lists(elements(inner, inner[name], depth - 1), max_size=3)) if depth else []
    content = escape(draw(sentences)) + "".join(f"{child}{draw(between)}" for child in children)
    return f"<{name}{attributes}>{content}</{name}>" if content or draw(st.booleans()) else f"<{name}{attributes}/>"


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(elements(XML, XML["id"]), st.sampled_from(["", '<?xml version="1.0"?>\n']), st.data())
def test_what_is_kept_of_xml_are_the_same_elements(inner, declaration, data) -> None:
    text = f'{declaration}<root xmlns:x="urn:x">{inner}\n{inner}</root>'
    segmented = segment(text)
    found = sent(segmented, data.draw(choices(segmented)))
    assert is_part(ElementTree.fromstring(found), ElementTree.fromstring(text))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(elements(HTML, FLOW), st.data())
def test_what_is_kept_of_html_are_the_same_elements(inner, data) -> None:
    text = f"<body>\n{inner}\n<p>End.</p></body>"
    segmented = segment(text)
    found = sent(segmented, data.draw(choices(segmented)))
    assert is_part(ElementTree.fromstring(found), ElementTree.fromstring(text))
