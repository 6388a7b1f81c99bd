"""Markdown -> blocks: headings over what is under them, list items, tables and code blocks, and prose for the rest.

Only blocks of Markdown are parsed (CommonMark and tables of GFM), never signs inside a line, and nothing is rendered.
Most text is no Markdown, or Markdown that was cut in pieces. So signs that are common in plain text (indented lines, an
underlined title, `>` before a line, a lone ```) mean nothing here, and all else is prose.
"""

from __future__ import annotations

from contextlib import ExitStack

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, fence, heading
from markdown_it.token import Token

from tersely.text.outline import Outline
from tersely.text.prose import heading_level, read_prose

# In characters. What is longer costs more than it explains: it is a block like others.
_LONGEST_HEADING = 500  # a heading, or the header of a table
_LONGEST_PARENT = 200  # the text of a list item over the rest of the item
# A list item up to this length is one block; a longer one is cut into its sentences.
_LONGEST_ITEM = 400
_LOOK = 400  # characters before and after a lone item that decide whether it is a heading

# Without a limit each fence could cost a search to the end of the text for another as long.
_LONGEST_FENCE = 12

# Signs that word processors put before list items. They are parsed as `-`.
_BULLETS = {ord(sign): "-" for sign in "•◦▪‣●"}
# A text without a line that begins like this has no Markdown in it. The second line of a table begins with `|:-`.
_MARKED_UP = regex.compile(rf"^[ \t]*(?:\#{{1,6}}\s|[-+*_|:{''.join(map(chr, _BULLETS))}]|\d+[.)]|```|~~~)", regex.M)
_MARKER = regex.compile(r"\s*(?:[-+*•◦▪‣●]|\d+[.)])\s+")
_LINE_END = regex.compile(r"\r\n?|\n")  # as the parser sees line ends

_LEAVES = ("heading_open", "paragraph_open", "fence", "hr", "thead_open", "tr_open")
_INTRODUCED = ("bullet_list_open", "ordered_list_open", "table_open", "fence")
_OPEN = ("bullet_list_open", "ordered_list_open", "list_item_open", "table_open")
_CLOSE = ("bullet_list_close", "ordered_list_close", "list_item_close", "table_close")


def read_markdown(outline: Outline, start: int, end: int) -> None:
    """Add the blocks of Markdown, or of plain text, between two characters that begin and end lines."""
    text = outline.text[start:end]
    if _MARKED_UP.search(text):
        _Reader(outline, start, end).read(_PARSER.parse(text.translate(_BULLETS)))
    else:
        read_prose(outline, start, end)


class _Reader:
    """Turns the parser's tokens into blocks; lines without a token are prose."""

    def __init__(self, outline: Outline, start: int, end: int) -> None:
        self._outline = outline
        self._text = outline.text
        self._end = end
        self._line_starts = [start, *(match.end() for match in _LINE_END.finditer(self._text, start, end)), end]
        self._parents: list[ExitStack] = []  # for each open list, item and table the context of its blocks
        self._lead_in: int | None = None  # the position of the block that introduces what comes next
        self._at_item = False  # an item has begun and has no block yet

    def read(self, tokens: list[Token]) -> None:
        line_starts = self._line_starts
        done = 0  # number of lines that are in blocks
        for number, token in enumerate(tokens):
            self._follow_nesting(token)
            if token.map is None or token.map[0] < done or token.type not in _LEAVES:
                continue
            if token.type == "paragraph_open" and not self._parents and not _introduces(tokens, number):
                continue  # paragraphs that follow each other are read together
            first, last = token.map
            if token.type == "thead_open":
                last += 1  # the line of dashes
            read_prose(self._outline, line_starts[done], line_starts[first])
            self._add_leaf(tokens, number, line_starts[first], line_starts[last])
            self._at_item = False
            done = last
        read_prose(self._outline, line_starts[done], self._end)

    def _follow_nesting(self, token: Token) -> None:
        """Open or close a list, an item or a table."""
        if token.type in _OPEN:
            lead_in, self._lead_in = self._lead_in, None
            self._parents.append(ExitStack())
            self._parents[-1].enter_context(self._outline.under(*([] if lead_in is None else [lead_in])))
            self._at_item = token.type == "list_item_open"
        elif token.type in _CLOSE:
            self._parents.pop().close()
            self._at_item = False

    def _add_leaf(self, tokens: list[Token], number: int, start: int, end: int) -> None:
        """Add the lines of a token that has no blocks inside it."""
        outline, token = self._outline, tokens[number]
        if token.type == "heading_open":
            self._add_heading(start, end, level=len(token.markup))
        elif token.type == "thead_open":
            header = outline.add(start, end, standalone=end - start > _LONGEST_HEADING)
            if end - start <= _LONGEST_HEADING:
                self._parents[-1].enter_context(outline.under(header))
        elif token.type == "tr_open" and "|" not in self._text[start:end]:
            self._parents[-1].close()  # text right below a table is no row of it
            read_prose(outline, start, end)
        elif self._at_item and (level := self._lone_item_level(tokens, number, start, end)) is not None:
            self._add_heading(start, end, level)
        elif token.type == "paragraph_open" and self._at_item:
            self._add_item(start, end, self._parents[-1])
        elif token.type == "paragraph_open":
            read_prose(outline, start, end)
            self._lead_in = outline.lead_in(end) if _introduces(tokens, number) else None
        else:
            outline.add(start, end, needs=() if self._lead_in is None else (self._lead_in,))
            self._lead_in = None

    def _lone_item_level(self, tokens: list[Token], number: int, start: int, end: int) -> float | None:
        """The level of a numbered heading such as `1. Scope`, which Markdown takes for a list of one item."""
        around = [(token.type, token.level) for token in tokens[max(number - 2, 0) : number + 5]]
        before, after = self._text[max(start - _LOOK, 0) : start], self._text[end : end + _LOOK]
        is_lone = around[:1] == [("ordered_list_open", 0)] and around[-1:] == [("ordered_list_close", 0)]
        if not is_lone or before.rstrip().endswith((":", "：")) or not after[:1].isspace():
            return None
        return heading_level(self._text[start:end], after)

    def _add_heading(self, start: int, end: int, level: float) -> None:
        if end - start > _LONGEST_HEADING:
            read_prose(self._outline, start, end)
            return
        self._outline.close_headings(level)
        self._outline.open_heading(level, self._outline.add(start, end, standalone=False))

    def _add_item(self, start: int, end: int, parent: ExitStack) -> None:
        """Add a list item's own text; the rest of the item needs the first block of it."""
        outline = self._outline
        first = len(outline.blocks)
        marker = _MARKER.match(self._text, start, end)
        if end - start <= _LONGEST_ITEM or not marker:
            outline.add(start, end, divisible=True)
        else:
            read_prose(outline, marker.end(), end)
            outline.blocks[first] = outline.blocks[first]._replace(start=start)
            for position in range(first + 1, len(outline.blocks)):
                outline.add_needs(position, first)
        if outline.blocks[first].end - outline.blocks[first].start <= _LONGEST_PARENT:
            parent.enter_context(outline.under(first))


def _introduces(tokens: list[Token], number: int) -> bool:
    """Whether a list, a table or a fenced block comes right after a paragraph, which has three tokens."""
    return number + 3 < len(tokens) and tokens[number + 3].type in _INTRODUCED


def _unindented_heading(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A heading that is not indented: an indented `#` is more often a comment in a program."""
    return state.sCount[first] <= state.blkIndent and heading(state, first, end, silent)


def _certain_fence(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A fence that is closed, or names a language: any other may be the end of a block whose beginning was cut off."""
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
