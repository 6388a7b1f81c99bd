"""Lines of YAML by their kinds, and the tree of entries that they make up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import regex

from tersely.text.data.entries import Entry

BLANK, COMMENT, MARKER, KEY, ITEM = "blank", "comment", "marker", "key", "item"
# Lines that continue a value: surely (in brackets, or in a text after `|`), or maybe (deeper lines).
VALUE, MORE = "value", "more"
OTHER = "other"

_LINE = regex.compile(r"(?P<indent>[ ]*+)(?P<content>[^\n]*+)\n?")
_MARKER = regex.compile(r"(?:---|\.\.\.)\s*+(?:\#.*)?|%YAML .*")
_ITEM = regex.compile(r"(?P<dashes>(?:-[ ]+)*-(?:[ ]+|$))(?P<content>.*)")
# A key without quotation marks has few words: more words before a colon are more often a sentence.
_KEY = regex.compile(
    r"""
    (?P<key>
        "(?:[^"\\\n]|\\.){1,100}+"
      | '(?:[^'\n]|''){1,100}+'
      | [^\s\#:"'\[\]{},&*!|>%@`-] (?: [^\s:]{0,60}+ (?:[ ][^\s:]{1,30}+){0,2} | [^\s]{0,100}? )
      | -[^\s:]{1,40}+
    )
    [ ]*+ : (?: [ \t]++ (?P<value>.*) | $ )
    """,
    regex.VERBOSE,
)
_PROPERTIES = regex.compile(r"(?:[&!][^\s]*+\s*+)++")
_TEXT_FOLLOWS = regex.compile(r"[|>][-+\d]*+\s*+(?:\#.*)?")
_COMMENT = regex.compile(r"(?:^|\s)\#.*")
_DEEPER_THAN_ALL = 1 << 30
_MOST_LINES = 1000  # of a value in brackets or quotation marks


class Line(NamedTuple):
    """A line and its kind.

    Attributes:
        start, end: its characters, the line break included.
        kind: one of the constants above.
        indent: columns of white space before it.
        column: for an item the column of a key on the same line.
        key: its key, if it has one.
        has_value: there is a value after the key.
        opens_text: its value is a text on the deeper lines below.
    """

    start: int
    end: int
    kind: str
    indent: int = 0
    column: int = 0
    key: str = ""
    has_value: bool = False
    opens_text: bool = False


def scan_lines(text: str, start: int, end: int) -> Iterator[Line]:
    """Each line between two characters, in order."""
    text_indent: int | None = None  # deeper lines belong to the text that is open
    open_value, value_lines = "", 0
    is_inside = False  # the lines before, back to a key or an item, are YAML
    for match in _LINE.finditer(text, start, end):
        first, stop = match.span()
        if first == stop:
            return
        indent, content = len(match["indent"]), match["content"].rstrip()
        if open_value:
            value_lines += 1
            open_value = _still_open(open_value, content) if value_lines < _MOST_LINES else ""
            yield Line(first, stop, VALUE, indent)
            continue
        if text_indent is not None and (not content or indent > text_indent):
            yield Line(first, stop, VALUE, indent)
            continue
        text_indent = None
        line, value = _read_line(first, stop, indent, content, is_inside)
        if line.kind in (KEY, ITEM):
            is_inside = True
            text_indent = indent if line.opens_text else None
            open_value, value_lines = _still_open("", value), 0
        elif line.kind == OTHER:
            is_inside = False
        yield line


def _read_line(start: int, end: int, indent: int, content: str, is_inside: bool) -> tuple[Line, str]:
    """A line, and its value after dash and key, without tags and comments."""
    if not content:
        return Line(start, end, BLANK), ""
    if content.startswith("#"):
        return Line(start, end, COMMENT, indent), ""
    if not indent and content[0] in "-.%" and _MARKER.fullmatch(content):
        return Line(start, end, MARKER), ""
    item = _ITEM.fullmatch(content) if content[0] == "-" else None
    content = item["content"] if item else content
    key = _KEY.fullmatch(content)
    if not item and not key:
        return Line(start, end, MORE if indent and is_inside else OTHER, indent), ""
    value = (key["value"] or "") if key else content
    if value[:1] in ("&", "!") and (properties := _PROPERTIES.match(value)):
        value = value[properties.end() :]
    value = value.strip() if value[:1] in ("'", '"') else _COMMENT.sub("", value).strip()
    opens_text = value[:1] in ("|", ">") and bool(_TEXT_FOLLOWS.fullmatch(value))
    column = indent + len(item["dashes"]) if item else indent
    return Line(
        start, end, ITEM if item else KEY, indent, column, key["key"] if key else "", bool(value), opens_text
    ), value


def _still_open(before: str, content: str) -> str:
    """What is still open of a value in brackets or quotation marks: the brackets, or the quotation mark."""
    if not before:
        if content[:1] not in ("[", "{", '"', "'"):
            return ""
        if content[0] in "\"'":
            return "" if len(content) > 1 and content.endswith(content[0]) else content[0] * (len(content) < 5000)
    elif before in "\"'":
        return "" if content.endswith(before) else before
    depth = before.count("[") + sum((sign in "[{") - (sign in "]}") for sign in content)
    return "[" * min(depth, 100)


def build_entries(lines: Sequence[Line], end: int) -> list[Entry]:
    """The outermost entries of the lines of one document, which ends at a character."""
    root = Entry(end, end, "", False)
    opened: list[tuple[int, Entry]] = [(-1, root)]
    comment_start: int | None = None  # where the comments above the next entry begin
    absorbing: int | None = None  # the column of an item's first key, if its value is on the lines below
    text_of: Entry | None = None  # the entry whose text begins on the next line
    for line in lines:
        last = opened[-1][1]
        if line.kind in (VALUE, MORE):
            last.has_value = True
            if text_of:
                text_of.content = line.start
        text_of = None
        if line.kind == COMMENT and comment_start is None:
            comment_start = line.start
        elif line.kind == BLANK and comment_start is not None and last is root:  # a comment on the whole document
            root.children.append(Entry(comment_start, end, "", False))
            opened.append((_DEEPER_THAN_ALL, root.children[-1]))
            comment_start = None
        if line.kind not in (KEY, ITEM):
            continue
        if absorbing is not None and line.indent + (line.kind == ITEM) > absorbing:
            last.has_value, comment_start = True, None
            continue
        start = line.start if comment_start is None else comment_start
        comment_start = None
        level = 2 * line.indent + (line.kind == ITEM)
        while opened[-1][0] >= level:
            opened.pop()[1].end = start
        entry = Entry(start, end, line.key if line.kind == KEY else "", line.has_value)
        opened[-1][1].children.append(entry)
        opened.append((level, entry))
        text_of = entry if line.opens_text else None
        absorbing = line.column if line.kind == ITEM and line.key and not line.has_value else None
    return root.children
