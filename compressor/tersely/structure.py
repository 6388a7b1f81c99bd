"""Text -> blocks: the sentences, list items, table rows and code blocks of it, and what each of them stands under.

Only blocks of Markdown are read (CommonMark and tables of GFM), never what stands inside a line, and nothing is
rendered. Most text is no Markdown, or Markdown that was cut in pieces. So where a sign has another common meaning in
plain text (indented lines, an underlined title, `>` before a line, a lone ```) it means nothing here, and whatever is
not understood is prose.
"""

from __future__ import annotations

from typing import NamedTuple

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, fence, heading
from markdown_it.token import Token

from tersely.lines import LONGEST_RECORD, Record, split_records
from tersely.sentences import split_paragraphs, split_sentences

# A head that is longer (characters) costs more than it explains: it is a block like others.
_LONGEST_HEAD = 500  # a heading, or the head of a table
_LONGEST_INTRODUCTION = 200  # a line before a list, or the text of an item before what else is in it
# A list item up to this length is one block; a longer one is cut into its sentences.
_LONGEST_ITEM = 400
_LONGEST_LINE = 200  # a line that stands for itself, likewise

# With fences of any length, each could be searched to the end of the text for one as long.
_LONGEST_FENCE = 12

# Signs that word processors put before list items, read as if they were the Markdown one.
_BULLETS = {ord(sign): "-" for sign in "•◦▪‣●"}
# Without a line that begins like this a text has no structure. A table's second line begins with one of `|:-`.
_MARKED_UP = regex.compile(rf"^[ \t]*(?:\#{{1,6}}\s|[-+*_|:{''.join(map(chr, _BULLETS))}]|\d+[.)]|```|~~~)", regex.M)
_MARKER = regex.compile(r"\s*(?:[-+*•◦▪‣●]|\d+[.)])\s+")
_LINE_END = regex.compile(r"\r\n?|\n")  # what the parser takes for one

_ITEM_LEVEL = 7  # list items and the like stand under headings, which have levels 1 to 6
_LEAVES = ("heading_open", "paragraph_open", "fence", "hr", "thead_open", "tr_open")
_INTRODUCED = ("bullet_list_open", "ordered_list_open", "table_open", "fence")
_OPEN = ("bullet_list_open", "ordered_list_open", "list_item_open", "table_open")
_CLOSE = ("bullet_list_close", "ordered_list_close", "list_item_close", "table_close")


class Block(NamedTuple):
    """Characters `start` to `end` of a text, which are kept or left out as one.

    Attributes:
        start, end: where it stands, the white space after it included.
        heads: positions, in the list of all blocks, of those without which it says little, outermost first: headings,
            a table's head, the item of which it is a part, the line that introduces it.
        is_head: it is only there for the blocks that it heads.
        divisible: a part of it may be of use too.
        apart: it begins a paragraph, an item, a row or the like: no word reaches into it from the block before.
    """

    start: int
    end: int
    heads: tuple[int, ...]
    is_head: bool
    divisible: bool
    apart: bool


def split_blocks(text: str) -> list[Block]:
    """The blocks of a text, in order; together they cover all of it but white space."""
    blocks = _Blocks(text)
    if _MARKED_UP.search(text):
        blocks.read(_PARSER.parse(text.translate(_BULLETS)))
    else:
        blocks.add_prose(0, len(text))
    return blocks.found


class _Blocks:
    """The blocks found so far, and what the next one will stand under."""

    def __init__(self, text: str) -> None:
        self.found: list[Block] = []
        self._text = text
        self._under: list[tuple[int, int]] = []  # level and position of each head, outermost first

    def read(self, tokens: list[Token]) -> None:
        """Add the blocks of which the parser's tokens tell, and the lines of which they do not as prose."""
        line_starts = [0, *(match.end() for match in _LINE_END.finditer(self._text)), len(self._text)]
        outside: list[list[tuple[int, int]]] = []  # for each open list, item and table what it stands under
        done = 0  # lines
        introduction: int | None = None
        at_item = False  # an item has begun and has no block yet
        for number, token in enumerate(tokens):
            if token.type in _OPEN:
                outside.append(list(self._under))
                if introduction is not None:
                    self._under.append((_ITEM_LEVEL, introduction))
                introduction = None
                at_item = token.type == "list_item_open"
            elif token.type in _CLOSE:
                self._under = outside.pop()
                at_item = False
            if token.map is None or token.map[0] < done or token.type not in _LEAVES:
                continue
            first, last = token.map
            if token.type == "thead_open":
                last += 1  # the line of dashes
            self.add_prose(line_starts[done], line_starts[first])
            start, end, done = line_starts[first], line_starts[last], last
            if token.type == "heading_open":
                self._add_heading(start, end, level=len(token.markup))
            elif token.type == "thead_open":
                self._add_table_head(start, end)
            elif token.type == "tr_open" and "|" not in self._text[start:end]:
                self._under = list(outside[-1])  # text right below a table is no row of it
                self.add_prose(start, end)
            elif token.type == "paragraph_open" and at_item:
                self._add_item(start, end)
            elif token.type == "paragraph_open":
                self.add_prose(start, end)
                following = tokens[number + 3].type if number + 3 < len(tokens) else ""  # after its text and its close
                introduction = self._introduction() if following in _INTRODUCED else None
            else:
                self._add(start, end, also_under=introduction)
                introduction = None
            at_item = False
        self.add_prose(line_starts[done], len(self._text))

    def add_prose(self, start: int, end: int) -> None:
        """Add each sentence between two characters as a block, and each line that stands for itself."""
        for paragraph in split_paragraphs(self._text[start:end]):
            first, last = start + paragraph.start, start + paragraph.end
            records = split_records(self._text, first, last)
            under = list(self._under)
            for record in records:
                self._add_record(record)
            self._under = under
            if not records:
                self._add_sentences(first, last)

    def _add_sentences(self, start: int, end: int) -> None:
        for number, sentence in enumerate(split_sentences(self._text[start:end])):
            self._add(start + sentence.start, start + sentence.end, divisible=True, apart=not number)

    def _add_record(self, record: Record) -> None:
        if record.is_head:
            self._add_table_head(record.start, record.end)
            return
        length = record.end - record.start
        several = "\n" in self._text[record.start : record.end].rstrip()
        if record.is_row or length <= (LONGEST_RECORD if several else _LONGEST_LINE):
            self._add(record.start, record.end, divisible=not record.is_row)
        else:
            self._add_sentences(record.start, record.end)

    def _add_heading(self, start: int, end: int, level: int) -> None:
        if end - start > _LONGEST_HEAD:
            self.add_prose(start, end)
            return
        while self._under and self._under[-1][0] >= level:
            self._under.pop()
        self._under.append((level, self._add(start, end, is_head=True, divisible=True)))

    def _add_table_head(self, start: int, end: int) -> None:
        is_head = end - start <= _LONGEST_HEAD
        position = self._add(start, end, is_head=is_head)
        if is_head:
            self._under.append((_ITEM_LEVEL, position))

    def _add_item(self, start: int, end: int) -> None:
        """Add a list item's own text; what else is in the item stands under the first block of it."""
        first = len(self.found)
        marker = _MARKER.match(self._text, start, end)
        if end - start <= _LONGEST_ITEM or not marker:
            self._add(start, end, divisible=True)
        else:
            self.add_prose(marker.end(), end)
            self.found[first] = self.found[first]._replace(start=start)
        if self.found[first].end - start <= _LONGEST_INTRODUCTION:
            self._under.append((_ITEM_LEVEL, first))

    def _introduction(self) -> int | None:
        """The position of the last sentence if it introduces what follows it."""
        last = self.found[-1]
        if last.end - last.start > _LONGEST_INTRODUCTION or not self._text[: last.end].rstrip().endswith((":", "：")):
            return None
        self.found[-1] = last._replace(is_head=True)
        return len(self.found) - 1

    def _add(
        self,
        start: int,
        end: int,
        *,
        is_head: bool = False,
        divisible: bool = False,
        apart: bool = True,
        also_under: int | None = None,
    ) -> int:
        heads = [position for _, position in self._under] + ([] if also_under is None else [also_under])
        if self._text[start:end].strip():
            self.found.append(Block(start, end, tuple(heads), is_head, divisible, apart))
        return len(self.found) - 1


def _unindented_heading(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """An indented `#` is more often a comment in a program than a heading."""
    return state.sCount[first] <= state.blkIndent and heading(state, first, end, silent)


def _certain_fence(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A fence that is closed, or says its language: another may be the end of a block whose beginning was cut off."""
    opening = _line(state, first)
    bare = not opening.strip("`~")
    if bare and opening.startswith("~") and 0 < len(_line(state, first - 1)) <= len(opening):
        return False  # it underlines a title, as in reStructuredText
    if bare and len(opening) > _LONGEST_FENCE:
        return False
    if not fence(state, first, end, silent):
        return False
    if silent or not bare or (state.line - 1 > first and _line(state, state.line - 1).startswith(opening)):
        return True
    state.tokens.pop()
    state.line = first
    return False


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] : state.eMarks[line]].strip() if line >= 0 else ""


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table")
    parser.disable(["code", "lheading", "html_block", "reference", "blockquote"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    # The other blocks that these may end without a blank line.
    parser.block.ruler.at("heading", _unindented_heading, {"alt": ["paragraph", "blockquote"]})
    parser.block.ruler.at("fence", _certain_fence, {"alt": ["paragraph", "blockquote", "list"]})
    return parser


_PARSER = _parser()
