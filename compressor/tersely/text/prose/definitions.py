"""Options of a command and lists of terms -> blocks: each entry whole, or its body under its term.

The body of an entry always needs its term. Deeper lines are a body if the line above them is an option, a field of
reStructuredText, or a short term among several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import Line, line_groups, lines_between, reads_as_prose
from tersely.text.outline import Outline, Region
from tersely.text.prose.paragraphs import read_prose

_LONGEST = 700  # characters of an entry that is one block
_LONGEST_TERM = 60
_MOST_WORDS = 6  # of a term
_FEWEST = 2  # entries
_LONGEST_LINE = 300  # characters of a line that are searched for an option
_DEEPEST = 10  # levels of entries; below them all is prose

_VALUE = r"(?:[ =]?[<\[{]?[\w.|,:=<>\[\]{}-]+[>\]}]?){0,2}"
_OPTION = regex.compile(rf"(?:-\w|--\w[\w-]*+){_VALUE}(?:,? (?:or )?--?\w[\w-]*+{_VALUE}){{0,3}}(?=\s{{2,}}|\t|$)")
_FIELD = regex.compile(r":\w[^:\n]{0,60}:(?:\s|$)")
_BESIDE = regex.compile(r"[a-z{][\w{},.-]*+(?: [\w<>\[\].-]+){0,2}\s{2,}\S")  # `clone   Copies a repository`
_SENTENCE_END = regex.compile(r"[.!?;,]$|[.!?]\s")
_BULLET = regex.compile(r"[-*+•] |\d+[.)] |[|>#]|\.\. ")
_HINT = regex.compile(r"^[ \t]*--?\w|^:\w|^[ \t]{2,}\S", regex.M)


def find(text: str, start: int, end: int) -> list[Region]:
    """The runs of entries between two characters that begin and end lines."""
    if text.find("\n", start, end) < 0 or not _HINT.search(text, start, end):
        return []
    return [region for first, last in outside_fences(text, start, end) for region in _find(text, first, last, 0)]


def _find(text: str, start: int, end: int, depth: int) -> Iterator[Region]:
    lines = lines_between(text, start, end)
    position = 0
    while position < len(lines):
        edges = _entries(lines, position)
        if len(edges) > 1:
            first, last = lines[position].start, lines[edges[-1] - 1].end
            spans = [(lines[edge].start, lines[following - 1].end) for edge, following in pairwise(edges)]
            yield Region(first, last, _Entries(spans, depth))
        position = max(edges[-1], position + 1)


def _entries(lines: Sequence[Line], first: int) -> list[int]:
    """The lines where entries begin, from a line on, and where the last ends; a single line if there is no list."""
    indent = lines[first].indent
    edges, terms, bodies = [first], 0, 0
    while edges[-1] < len(lines) and lines[edges[-1]].content and lines[edges[-1]].indent == indent:
        entry = edges[-1]
        stop = entry + 1
        while stop < len(lines) and (not lines[stop].content or lines[stop].indent > indent):
            stop += 1
        has_body = any(line.content for line in lines[entry + 1 : stop])
        content = lines[entry].content
        if not (_OPTION.match(content[:_LONGEST_LINE]) or _FIELD.match(content) or (indent and _BESIDE.match(content))):
            if not has_body or not lines[entry + 1].content or not _is_term(content, lines[entry + 1].content):
                break
            terms += 1
        bodies += has_body
        edges.append(stop)
    is_list = terms != 1 and (len(edges) > _FEWEST or bodies > 0)
    return edges if is_list else [edges[-1]]


def _is_term(content: str, below: str) -> bool:
    """Whether a line is a term that the deeper line below it explains, and no beginning of a sentence."""
    return (
        len(content) <= _LONGEST_TERM
        and len(content.split()) <= _MOST_WORDS
        and not _SENTENCE_END.search(content)
        and not reads_as_prose(content)
        and not _BULLET.match(content)
        and not (below[0].islower() and " " in content and not content.endswith(":") and not content.isupper())
    )


class _Entries:
    """Reads entries between given characters."""

    def __init__(self, spans: Sequence[tuple[int, int]], depth: int) -> None:
        self._spans = spans
        self._depth = depth

    def __call__(self, outline: Outline, start: int, end: int) -> None:
        for first, last in self._spans:
            add_entry(outline, first, last, self._depth)


def add_entry(outline: Outline, start: int, end: int, depth: int = 0) -> None:
    """Add a term with its body, as one block if it is short."""
    lines = lines_between(outline.text, start, end)
    if len(outline.text[start:end].rstrip()) <= _LONGEST and not _is_section(lines):
        outline.add(start, end)
        return
    has_text = "  " in lines[0].content
    body = 1
    if has_text:  # the explanation goes on below, in the same paragraph
        body = next(iter(line_groups(lines))).stop
    with outline.under(outline.add(start, lines[body - 1].end, standalone=has_text)):
        if body < len(lines):
            _read_body(outline, lines[body].start, end, depth + 1)


def _is_section(lines: Sequence[Line]) -> bool:
    """Whether a line is a title over entries, such as `options:`."""
    if not lines[0].content.endswith(":") and not lines[0].content.isupper():
        return False
    inner = next((number for number, line in enumerate(lines) if number and line.content), 0)
    return inner > 0 and len(_entries(lines, inner)) > _FEWEST


def _read_body(outline: Outline, start: int, end: int, depth: int) -> None:
    """Add the body of an entry: entries in it, and prose."""
    for region in _find(outline.text, start, end, depth) if depth < _DEEPEST else ():
        read_prose(outline, start, region.start)
        lead_in = outline.lead_in(region.start)
        with outline.under(*([] if lead_in is None else [lead_in])):
            region.read(outline, region.start, region.end)
        start = region.end
    read_prose(outline, start, end)
