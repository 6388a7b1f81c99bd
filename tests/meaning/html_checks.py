"""Whether what is left of a page is its own: whole units under their headings, lead-ins and header rows."""

from __future__ import annotations

import html.parser
import itertools
import re
from collections.abc import Sequence

from meaning.checks import text_of
from meaning.notation import Document

VOID = {"br", "img", "hr", "meta", "link", "input", "col"}
HEADINGS = {"h1", "h2", "h3", "h4"}
LISTS = {"ul", "ol", "dl"}
CELLS = {"td", "th"}
BLOCKS = {*HEADINGS, "p", "li", "dt", "dd", "tr", "caption"}


class HtmlUnits(html.parser.HTMLParser):
    """The units of a page, each with what it needs, and what is wrong with its tags."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.found: list[tuple] = []
        self.headings: dict[int, str] = {}
        self.text, self.block = "", None
        self.lead = self.term = self.table = self.list = self.cells = None
        try:
            self.feed(text)
            self.close()
        except (TypeError, AttributeError, AssertionError) as error:  # rows without a table and the like
            self.faults.append(f"broken HTML: {type(error).__name__}")
        if self.open:
            self.faults.append(f"never closed: {self.open}")
        if re.search(r"<[^>]*$|^[^<]*>", text):
            self.faults.append("a tag is cut")

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "table":
            self.table = {"caption": "", "head": [], "rows": 0, "lead": self.lead}
        elif tag in LISTS:
            self.list = {"items": 0, "lead": self.lead}
        elif tag == "tr":
            self.cells = []
        if tag in BLOCKS:
            self.block, self.text = tag, ""
        elif tag in CELLS:
            self.text = ""

    def handle_data(self, data: str) -> None:
        if self.block is None and data.strip():
            self.faults.append(f"text outside of a block: {data.strip()[:50]!r}")
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes nothing (open: {self.open[-3:]})")
            return
        self.open.pop()
        self._end(tag, " ".join(self.text.split()))
        if tag in BLOCKS:
            self.block = None

    def _where(self) -> tuple[str, ...]:
        return tuple(self.headings[level] for level in sorted(self.headings))

    def _end(self, tag: str, text: str) -> None:
        if tag in LISTS or tag == "table":
            self._end_group(tag)
        elif tag in HEADINGS:
            level = int(tag[1])
            self.headings = {upper: title for upper, title in self.headings.items() if upper < level} | {level: text}
            self.found.append(("heading", level, text))
            self.lead = None
        elif tag == "p":
            self.lead = text if text.endswith(":") else None
            self.found.append(("lead" if self.lead else "p", self._where(), text))
        elif tag == "li":
            self.list["items"] += 1
            self.found.append(("li", self._where(), self.list["lead"], text))
        elif tag == "dt":
            self.term = text
            self.found.append(("dt", self._where(), text))
        elif tag == "dd":
            self.list["items"] += 1
            self.found.append(("dd", self._where(), self.term, text))
        elif tag == "caption":
            self.table["caption"] = text
        elif tag in CELLS:
            self.cells.append((tag, text))
        elif tag == "tr":
            self._end_row()

    def _end_group(self, tag: str) -> None:
        if tag in LISTS and not self.list["items"]:
            self.faults.append("list without items")
        if tag == "table" and not self.table["rows"]:
            self.faults.append("table without rows")
        self.lead = None

    def _end_row(self) -> None:
        cells, table = tuple(self.cells), self.table
        if any(tag == "td" for tag, _ in cells):
            table["rows"] += 1
            self.found.append(("tr", self._where(), table["lead"], table["caption"], tuple(table["head"]), cells))
        else:
            table["head"].append(cells)


ALL_HEADINGS, NO_UPPER_HEADING, NOT_ITS_HEADING = range(3)


def headings_left(kept: tuple, original: tuple) -> int | None:
    """What is left of the headings of a unit; None where it is another unit."""
    if kept[0] != original[0]:
        return None
    if kept[0] == "heading":
        return ALL_HEADINGS if kept == original else None
    if kept[2:] != original[2:] or not set(kept[1]) <= set(original[1]):
        return None
    if kept[1] == original[1]:
        return ALL_HEADINGS
    return NO_UPPER_HEADING if kept[1] and kept[1][-1] == original[1][-1] else NOT_ITS_HEADING


def html_check(context: str, documents: Sequence[Document]) -> list[str]:
    if not context.strip():
        return []
    kept, original = HtmlUnits(context), HtmlUnits(text_of(documents[0]))
    assert not original.faults, original.faults
    faults, soft, first = list(kept.faults), [], 0
    for unit in kept.found:
        tries = [(headings_left(unit, original.found[number]), number) for number in range(first, len(original.found))]
        tries = [one for one in tries if one[0] is not None]
        if not tries:
            faults.append(f"not whole or not where it was: {unit!r}"[:230])
            continue
        left, number = min(tries)
        if left == NOT_ITS_HEADING:
            faults.append(f"without its heading: {unit!r}"[:230])
        elif left == NO_UPPER_HEADING:
            soft.append(f"soft: without an upper heading: {unit!r}"[:150])
        first = number + 1
    for number, unit in enumerate(kept.found):
        if html_alone(unit, kept.found[number + 1 :]):
            faults.append(f"{'heading alone' if unit[0] == 'heading' else 'alone'}: {unit[2]!r}")
    return (faults + soft)[:8]


def html_alone(unit: tuple, following: list[tuple]) -> bool:
    """Whether a heading, a lead-in or a term has nothing of what it is for after it."""
    kind, level = unit[:2]
    kinds = [other[0] for other in following]
    if kind == "heading":
        section = itertools.takewhile(lambda other: other[0] != "heading" or other[1] > level, following)
        return not any(other[0] in ("p", "li", "dd", "tr") for other in section)
    if kind == "lead":
        return not kinds or kinds[0] not in ("li", "tr", "dt")
    return kind == "dt" and (not kinds or kinds[0] != "dd")
