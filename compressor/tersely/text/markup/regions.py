"""Finds XML or HTML: a whole text, or some lines of one. In doubt it is none."""

from __future__ import annotations

from functools import partial

import regex

from tersely.text.markup.elements import read_elements
from tersely.text.markup.names import HTML, INLINE
from tersely.text.markup.scanner import COMMENT, STRAY, Element, scan_elements
from tersely.text.outline import Region

_BEGINNING = regex.compile(r"^[ \t]*+</?+[A-Za-z!?]", regex.M)
_NAME = regex.compile(r"</?([A-Za-z]\w*+)(?=[\s/>])")
_DECLARED_HTML = regex.compile(r"\s*+(?:<!--.*?-->\s*+)?<!DOCTYPE\s++html\b", regex.I | regex.S)
_SAMPLE = 20_000  # characters whose tags decide between HTML and XML
# An attribute in braces, as in a program (JSX) that has elements in it.
_PROGRAM = regex.compile(r"<[A-Za-z][^<>\n]{0,200}=\{")
_LINE_START = regex.compile(r"(?<=(?:\n|\A)[ \t]*+)")
_LINE_END = regex.compile(r"[ \t\r]*+(?:\n|\Z)")
_TAGGED_LINE = regex.compile(r"^[^<\n]*+<[/A-Za-z!?]", regex.M)
_LINE = regex.compile(r"^[^\S\n]*+\S", regex.M)

_FEWEST = 4  # tags, or elements of a piece whose beginning or end was cut off
_HALF = 0.5


def find(text: str, start: int, end: int) -> list[Region]:
    """All from the first tag on if most lines have tags, else the elements that fill whole lines."""
    beginning = _BEGINNING.search(text, start, end)
    if not beginning or _PROGRAM.search(text, beginning.start(), end):
        return []
    start = beginning.start()
    is_html = _is_html(text, start, end)
    elements = scan_elements(text, start, end, is_html)
    if not elements:
        return []
    if _is_mostly_markup(text, start, end, elements):
        line_end = text.find("\n", elements[-1].end, end)
        end = end if line_end < 0 or not elements[-1].closed else line_end + 1
        return [Region(start, end, partial(read_elements, elements, is_html))]
    regions: list[Region] = []
    groups: list[list[Element]] = []
    for element in elements:
        line_end = _LINE_END.match(text, element.end, end)
        if not (line_end and element.closed and element.name != STRAY and _LINE_START.match(text, element.start)):
            continue
        first = text.rfind("\n", start, element.start) + 1 or start
        if regions and not text[regions[-1].end : first].strip():
            groups[-1].append(element)
            regions[-1] = regions[-1]._replace(end=line_end.end())
        else:
            groups.append([element])
            regions.append(Region(first, line_end.end(), partial(read_elements, groups[-1], is_html)))
    return [region for region, group in zip(regions, groups, strict=True) if _has_structure(group, is_html)]


def _is_html(text: str, start: int, end: int) -> bool:
    if _DECLARED_HTML.match(text, start, end):
        return True
    names = [match[1].lower() for match in _NAME.finditer(text, start, min(end, start + _SAMPLE))]
    return sum(name in HTML for name in names) >= _HALF * len(names)


def _is_mostly_markup(text: str, start: int, end: int, elements: list[Element]) -> bool:
    """Whether at least half of the lines have a tag, and there are several tags."""
    if all(not element.closed for element in elements) and len(elements) < _FEWEST:
        return False
    tagged = sum(1 for _ in _TAGGED_LINE.finditer(text, start, end))
    lines = sum(1 for _ in _LINE.finditer(text, start, end))
    tags = sum(1 for _, _ in zip(range(_FEWEST), _NAME.finditer(text, start, end), strict=False))
    return tags >= _FEWEST and tagged >= _HALF * lines


def _has_structure(elements: list[Element], is_html: bool) -> bool:
    """Whether there is more than bold words, links, pictures and comments, which many texts have."""
    return any(
        element.name != COMMENT and (not is_html or element.name not in INLINE or len(element.children) > 1)
        for element in elements
    )
