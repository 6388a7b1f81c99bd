"""YAML -> blocks: each entry whole, under the keys above it. In doubt it is no YAML.

Lists of names, messages of a chat and letters have colons, too. So only nested entries count as YAML: keys under keys,
or under the dash of an item.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from tersely.text.data.entries import read_entries, tie_aliases
from tersely.text.data.yaml_scanner import (
    BLANK,
    COMMENT,
    ITEM,
    KEY,
    MARKER,
    MORE,
    OTHER,
    Line,
    build_entries,
    scan_lines,
)
from tersely.text.outline import Outline, Region

_FEWEST = 4  # lines
_NESTED = 0.2  # the least share of keys under other keys
_FEW = 0.1  # the greatest share of lines that are neither a key nor an item
_LONGEST_FRONT_MATTER = 400  # characters; a longer one is cut into its entries

# Text without such a line has nothing nested.
_NESTING = regex.compile(r":[ \t\r]*+(?:[|>&!#][^\n]*+)?\n|^[ ]*+- ", regex.M)
_NAME = regex.compile(r"[\w./$<*^\"'-]+")


def find(text: str, start: int, end: int) -> list[Region]:
    """Runs of lines that are YAML, and the front matter of a page."""
    if text.find(":", start, end) < 0 or (not _NESTING.search(text, start, end) and not text.startswith("---", start)):
        return []
    regions: list[Region] = []
    run: list[Line] = []
    for line in [*scan_lines(text, start, end), Line(end, end, OTHER)]:
        if line.kind != OTHER:
            run.append(line)
            continue
        lines = run if line.start == end else _without_last_comments(run)
        front = _front_matter(lines) if lines and lines[0].start == 0 else 0
        if front:
            regions.append(Region(0, lines[front].end, _read_front_matter))
            lines = lines[front + 1 :]
        if _is_yaml(lines):
            regions.append(Region(lines[0].start, lines[-1].end, read))
        run = []
    return regions


def _without_last_comments(lines: Sequence[Line]) -> list[Line]:
    """The lines without comments at the end, which are more likely headings of the Markdown that follows."""
    last = len(lines)
    while last and lines[last - 1].kind in (BLANK, COMMENT):
        last -= 1
    return list(lines[:last])


def _front_matter(lines: Sequence[Line]) -> int:
    """The number of the line that ends the front matter of a page; 0 where there is none."""
    if lines[0].kind != MARKER or all(line.kind != KEY for line in lines):
        return 0
    ends = [number for number, line in enumerate(lines[1:], start=1) if line.kind == MARKER]
    if not ends or not any(line.kind in (KEY, ITEM) for line in lines[1 : ends[0]]):
        return 0
    following = [line.kind for line in lines[ends[0] + 1 :] if line.kind != BLANK]
    return 0 if KEY in following else ends[0]  # keys that follow are of another YAML document


def _is_yaml(lines: Sequence[Line]) -> bool:
    entries = [line for line in lines if line.kind in (KEY, ITEM)]
    keys = [line for line in entries if line.key]
    unread = sum(line.kind == MORE for line in lines)
    if len(entries) < _FEWEST or unread > _FEW * len(lines) or not entries[0].key or entries[0].indent:
        return False
    nested = sum(line.kind == KEY and line.indent > 0 for line in lines)
    names = sum(_NAME.fullmatch(line.key) is not None for line in keys)
    if nested >= max(2, _NESTED * len(entries)):
        return 2 * names >= len(keys)
    # Items right under keys are more often a list in prose, unless the keys look like those of a program.
    parents = sum(line.kind == KEY and not line.has_value for line in lines)
    outer = [line.key for line in entries if line.kind == KEY]
    return parents > 0 and len(outer) >= 2 and all(_NAME.fullmatch(key) and key[:1].islower() for key in outer)


def read(outline: Outline, start: int, end: int) -> None:
    """Add the blocks of one document, or of several with a line of dashes between them."""
    first = len(outline.blocks)
    documents: list[list[Line]] = [[]]
    for line in scan_lines(outline.text, start, end):
        if line.kind == MARKER:
            documents.append([line])
        else:
            documents[-1].append(line)
    ends = [*(lines[0].start for lines in documents[1:]), end]
    for lines, stop in zip(documents, ends, strict=True):
        marker = lines[0] if lines and lines[0].kind == MARKER else None
        separator = None
        if marker and len(outline.blocks) > first:
            separator = outline.add_separator(marker.start, marker.end, first)
        elif marker:
            outline.add(marker.start, marker.end, standalone=False)
        with outline.under():
            read_entries(outline, build_entries(lines, stop))
        if separator is not None:
            outline.close_separator(separator)
    tie_aliases(outline, first)


def _read_front_matter(outline: Outline, start: int, end: int) -> None:
    if end - start <= _LONGEST_FRONT_MATTER:
        outline.add(start, end)
        return
    lines = [line for line in scan_lines(outline.text, start, end) if line.kind != BLANK]
    opening = outline.add(start, lines[0].end, standalone=False)
    with outline.under(opening):
        read_entries(outline, build_entries(lines[1:-1], lines[-1].start))
    outline.add_needs(opening, outline.add(lines[-1].start, end, standalone=False))
