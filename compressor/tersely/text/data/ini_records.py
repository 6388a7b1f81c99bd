"""TOML and INI -> blocks: each entry whole, under the line that names its section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import regex

from tersely.text.data.entries import Entry, read_entries
from tersely.text.outline import Outline, Region

_FEWEST = 3  # entries
_MOST_LINES = 1000  # of one value

BLANK, COMMENT, SECTION, PAIR, VALUE, OTHER = "blank", "comment", "section", "pair", "value", "other"
_SECTION = regex.compile(r"\[{1,2}[ ]?+[\w.\-:\"'/@*]++(?:[ ][\w.\-:\"'/@*]++){0,4}[ ]?+\]{1,2}[ \t]*+(?:[\#;].*)?")
_PAIR = regex.compile(r"(?P<key>[\w.\-\"'/*@\\%]++(?:[ ][\w.\-]++){0,3})\s*+(?:=|:(?=\s|$))\s*+(?P<value>.*)")
_LINE = regex.compile(r"(?P<indent>[ \t]*+)(?P<content>[^\n]*+)\n?")
_HAS_SECTION = regex.compile(rf"^{_SECTION.pattern}\r?$", regex.M)
_LONG_QUOTES = ('"""', "'''")


class _Line(NamedTuple):
    start: int
    end: int
    kind: str
    key: str = ""


def find(text: str, start: int, end: int) -> list[Region]:
    """Runs of entries with at least one section."""
    if text.find("[", start, end) < 0 or not _HAS_SECTION.search(text, start, end):
        return []
    regions: list[Region] = []
    run: list[_Line] = []
    for line in [*_lines(text, start, end), _Line(end, end, OTHER)]:
        if line.kind != OTHER:
            run.append(line)
            continue
        kinds = [line.kind for line in run]
        if SECTION in kinds and kinds.count(PAIR) >= _FEWEST:
            while run[-1].kind in (BLANK, COMMENT) and line.start < end:
                run.pop()
            regions.append(Region(run[0].start, run[-1].end, _read))
        run = []
    return regions


def _lines(text: str, start: int, end: int) -> Iterator[_Line]:
    """Each line between two characters, with its kind."""
    ending, value_lines = "", 0  # of a value on several lines
    after_entry = False
    for match in _LINE.finditer(text, start, end):
        first, stop = match.span()
        if first == stop:
            return
        content = match["content"].rstrip()
        pair = _PAIR.fullmatch(content)
        if ending:
            value_lines += 1
            if content.endswith(ending) or content.endswith(f"{ending},") or value_lines == _MOST_LINES:
                ending = ""
            yield _Line(first, stop, VALUE)
        elif not content:
            yield _Line(first, stop, BLANK)
        elif content[0] in "#;":
            yield _Line(first, stop, COMMENT)
        elif _SECTION.fullmatch(content):
            after_entry = True
            yield _Line(first, stop, SECTION)
        elif match["indent"] and after_entry and not pair:
            yield _Line(first, stop, VALUE)
        elif pair:
            after_entry = True
            ending, value_lines = _ending(pair["value"]), 0
            yield _Line(first, stop, PAIR, pair["key"])
        else:
            after_entry = False
            yield _Line(first, stop, OTHER)


def _ending(value: str) -> str:
    """The end of a value that goes on below its first line; empty for a value on one line."""
    for quotes in _LONG_QUOTES:
        if value.startswith(quotes) and quotes not in value[3:]:
            return quotes
    return {"[": "]", "{": "}"}.get(value[:1], "") if value.count("[") > value.count("]") or value == "{" else ""


def _read(outline: Outline, start: int, end: int) -> None:
    root: list[Entry] = []
    section: Entry | None = None
    comment_start: int | None = None  # where the comments above the next entry begin
    for line in _lines(outline.text, start, end):
        if line.kind == COMMENT and comment_start is None:
            comment_start = line.start
        if line.kind not in (SECTION, PAIR):
            continue
        begin = line.start if comment_start is None else comment_start
        comment_start = None
        entry = Entry(begin, end, line.key, line.kind == PAIR)
        if section and section.children:
            section.children[-1].end = begin
        if line.kind == SECTION or not section:
            if root:
                root[-1].end = begin
            root.append(entry)
            section = entry if line.kind == SECTION else None
        else:
            section.children.append(entry)
    read_entries(outline, root)
