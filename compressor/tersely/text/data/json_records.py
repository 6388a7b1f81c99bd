"""JSON -> blocks: each record whole, within the brackets around it, so that what is kept is JSON of the same shape.

A value means nothing without its key and the name of its record. So a record that is too long for one block is cut into
its members, each of which needs the brackets around it and the members that name the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import regex

from tersely.text.data.json_scanner import Value, is_json, scan_values
from tersely.text.data.json_strings import decode_string
from tersely.text.data.record_names import naming_fields
from tersely.text.outline import Outline, Region

# All in characters. Up to this length a record is one block; a longer one is cut into its members.
_LONGEST_RECORD = 600
# A list of records is cut if it is longer than this, since each record means something without the others.
_LONGEST_LIST = 80
_LONGEST_STRING = 400
_LONGEST_GROUP = 200  # numbers and short strings of a longer list that are one block
_LONGEST_NAME = 200  # a member that names its record
_DEEPEST = 64  # levels; a value below them is one block
_FEWEST = 40  # of a value without key or string; a shorter one, such as `[1]`, is more often a reference

# What most text that only begins with a bracket, such as entries of a log, does not match.
_BEGINNING = regex.compile(
    r"""
      ^[ \t]*+
      (?P<value>
          [{\[][ \t\r\n]*+
          (?:
              ["{\[\]}]
            | (?:-?\d++(?:\.\d++)?+(?:[eE][-+]?\d++)?+ | true | false | null | NaN | -?Infinity) [ \t\r\n]*+ [,\]]
          )
      )
    """,
    regex.M | regex.X,
)
_LINE_END = regex.compile(r"[ \t\r]*+,?+[ \t\r]*+(?:\n|\Z)")
_LINE_START = regex.compile(r"(?<=(?:\n|\A)[ \t]*+)")

_COLUMNS = ("columns", "headers", "header", "fields")  # names of what stands in each row


def find(text: str, start: int, end: int) -> list[Region]:
    """Objects and arrays that fill whole lines; those on neighbouring lines are one region."""
    if text.find("{", start, end) < 0 and text.find("[", start, end) < 0:
        return []
    regions: list[Region] = []
    values: list[Value] = []  # of the last region
    position = start
    while beginning := _BEGINNING.search(text, position, end):
        scanned, position = scan_values(text, beginning.start("value"), end)
        for value, line_end in _on_whole_lines(text, scanned, end):
            if regions and not text[regions[-1].end : value.start].strip():
                values.append(value)
                regions[-1] = regions[-1]._replace(end=line_end)
            else:
                values = [value]
                first = text.rfind("\n", start, value.start) + 1 or start
                regions.append(Region(first, line_end, partial(_read_values, values)))
    return regions


def _on_whole_lines(text: str, values: list[Value], end: int) -> Iterator[tuple[Value, int]]:
    """The outermost values that are JSON and fill whole lines, each with the end of its last line."""
    for value in values:
        if value.kind not in "[{":
            continue
        line_end = _LINE_END.match(text, value.end, end)
        if line_end and _LINE_START.match(text, value.start) and _is_record(text, value) and is_json(text, value):
            yield value, line_end.end()
        else:
            yield from _on_whole_lines(text, value.children, end)


def _is_record(text: str, value: Value) -> bool:
    return value.size >= _FEWEST or '"' in text[value.start : value.end]


def _read_values(values: list[Value], outline: Outline, start: int, end: int) -> None:
    """Add the blocks of values that stand between two characters."""
    ends = [*(value.start for value in values[1:]), end]
    for value, stop in zip(values, ends, strict=True):
        _add(outline, value, stop, in_list=len(values) > 1)


def _add(outline: Outline, value: Value, stop: int, depth: int = 0, in_list: bool = False) -> None:
    """Add a value that ends before the character `stop`, whole or in pieces."""
    if _is_whole(value, depth, in_list):
        outline.add(value.start, stop)
        return
    opening = outline.add(value.start, value.content + 1, standalone=False)
    with outline.under(opening):
        if value.kind == '"':
            outline.add_inner(*decode_string(outline.text, value.content + 1, value.end - 1))
        else:
            _add_children(outline, value, depth + 1, in_list or _lists_records(value))
    outline.add_needs(opening, outline.add(value.end - 1, stop, standalone=False))


def _is_whole(value: Value, depth: int, in_list: bool) -> bool:
    if value.kind == '"':
        return value.size <= _LONGEST_STRING
    if not value.children or depth == _DEEPEST:
        return True
    if value.size > _LONGEST_RECORD:
        return False
    return value.size <= _LONGEST_LIST or not _holds_records(value, in_list)


def _lists_records(value: Value) -> bool:
    """Whether its children are records: elements of an array, or several objects under names."""
    return value.kind == "[" or (len(value.children) > 1 and all(child.kind == "{" for child in value.children))


def _holds_records(value: Value, in_list: bool) -> bool:
    """Whether it is a list of several records, or is in no list and has such a list among its children."""
    if value.kind == "[":
        return sum(child.kind in "[{" for child in value.children) > 1
    return not in_list and any(_holds_records(child, in_list) for child in value.children)


def _add_children(outline: Outline, parent: Value, depth: int, in_list: bool) -> None:
    groups = _groups(parent)
    firsts: list[int] = []  # the position of the first block of each group
    separator: int | None = None
    for first, last in groups:
        firsts.append(len(outline.blocks))
        if first == last:
            _add(outline, parent.children[first], parent.children[first].end, depth, in_list)
        else:
            outline.add(parent.children[first].start, parent.children[last].end)
        if separator is not None:
            outline.close_separator(separator)
        if last < len(parent.commas):
            separator = outline.add_separator(parent.commas[last], parent.commas[last] + 1, firsts[0])
    names = {firsts[number] for number in _names(parent)}
    for position in firsts:
        if position not in names:
            outline.add_needs(position, *names)


def _groups(parent: Value) -> list[tuple[int, int]]:
    """Neighbouring children that are one block, as numbers of the first and the last."""
    groups: list[tuple[int, int]] = []
    for number, child in enumerate(parent.children):
        first = groups[-1][0] if groups else 0
        fits = child.end - parent.children[first].start <= _LONGEST_GROUP
        if number and parent.kind == "[" and fits and not {child.kind, parent.children[number - 1].kind} & {"[", "{"}:
            groups[-1] = first, number
        else:
            groups.append((number, number))
    return groups


def _names(parent: Value) -> list[int]:
    """The numbers of the children that name the record, or the columns of its rows; the other children need them."""
    children = parent.children
    if parent.kind == "[":
        return [0] if _is_header(children) else []
    short = [number for number, child in enumerate(children) if child.kind not in "[{" and child.size <= _LONGEST_NAME]
    columns = [
        number
        for number, child in enumerate(children)
        if child.key in _COLUMNS and child.kind == "[" and child.size <= _LONGEST_RECORD
    ]
    named = [number for number, child in enumerate(children) if child.key and child.size <= _LONGEST_NAME]
    names = naming_fields((number, children[number].key or "") for number in named)
    if not names and parent.key is None:
        names = short[:1]
    return [*columns, *names]


def _is_header(rows: list[Value]) -> bool:
    """Whether the first row has only strings, and the second, just as long, has other values."""
    if len(rows) < 2 or not rows[0].children or any(row.kind != "[" for row in rows[:2]):
        return False
    first, second = ([cell.kind for cell in row.children] for row in rows[:2])
    return len(first) == len(second) and set(first) == {'"'} != set(second)
