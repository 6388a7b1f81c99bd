"""Lines of a program: how many brackets are open at each, and which are inside a string or a comment.

No language is parsed. Strings, comments, brackets and indentation are alike in most, and suffice. So a piece cut out of
a program can be read, too.
"""

from __future__ import annotations

from typing import NamedTuple

import regex

from tersely.text.layout import lines_between, reads_as_prose

_TOKEN = regex.compile(
    r"""
      \n | \\. | \"\"\" | ''' | /\* | `
    | "(?:[^"\\\n]|\\.)*+" | '(?:[^'\\\n]|\\.)*+'
    | (?<!\S)\#[^\n]* | (?<![:\w/])//[^\n]*
    | [()\[\]{}]
    """,
    regex.VERBOSE,
)
_CLOSED_BY = {'"""': '"""', "'''": "'''", "/*": "*/", "`": "`"}
_LONGEST_BACKTICKS = 5000  # characters between two backticks; a lone one must not hide the rest of a program
_HASH_IS_NO_COMMENT = regex.compile(
    r"#(?:include|define|undef|ifn?def|if|el(?:se|if)|endif|pragma|import|region)\b|#!?\[|#!\s?/"
)
_COMMENT = regex.compile(r"#|//|/\*|--\s|<!--|;;")
# In Python two slashes divide; they begin no comment.
_PYTHON = regex.compile(r"^[ \t]*(?:(?:async[ ])?def[ ]\w+\(|class[ ]\w+.*:|elif\b.*:|except\b.*:)[^\n{;]*$", regex.M)


class ProgramLine(NamedTuple):
    """A line of a program.

    Attributes:
        start, end: its characters.
        indent: columns of white space before the content; a comment has at least the indent of the code below it.
        content: its text, without the white space around it.
        within: it begins inside a string or a comment.
        is_comment: it has nothing but a comment, or a piece of one.
        depth: brackets open where it begins.
        depth_after: brackets open where it ends.
        round_after: those of them that are round or square.
    """

    start: int
    end: int
    indent: int
    content: str
    within: bool
    is_comment: bool
    depth: int
    depth_after: int
    round_after: int


def program_lines(text: str, start: int, end: int) -> list[ProgramLine]:
    """The lines between two characters that begin and end lines."""
    lines = lines_between(text, start, end)
    scan = _Scan(text, start, end)
    program: list[ProgramLine] = []
    for line, state in zip(lines, scan.states, strict=False):
        within, is_comment, depth, depth_after, round_after = state
        is_comment = is_comment if within else _is_comment(line.content)
        program.append(
            ProgramLine(
                line.start, line.end, line.indent, line.content, within, is_comment, depth, depth_after, round_after
            )
        )
    below = 0  # indent of the next line with code
    for position in range(len(program) - 1, -1, -1):
        program_line = program[position]
        if not program_line.content or program_line.within:
            continue
        if program_line.is_comment or program_line.content.startswith("#"):
            program[position] = program_line._replace(indent=max(program_line.indent, below))
        else:
            below = program_line.indent
    return program


def _is_comment(content: str) -> bool:
    return _COMMENT.match(content) is not None and not _HASH_IS_NO_COMMENT.match(content)


class _Scan:
    """One walk over the brackets, strings and comments of a program.

    Attributes:
        states: for each line whether it begins within a string or comment, and whether that is a comment; brackets open
            at its beginning, at its end, and the round and square ones at its end.
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        self.states: list[tuple[bool, bool, int, int, int]] = []
        self._depth = self._round = 0
        self._begin = False, False, 0  # the state at the beginning of the current line
        never_closed: set[str] = set()
        is_python = _PYTHON.search(text, start, end) is not None
        position = self._skip_cut_off(text, start, end)
        while match := _TOKEN.search(text, position, end):
            token, position = match[0], match.end()
            if token == "\n":
                self._end_line(False, False)
            elif token in "([{":
                self._depth += 1
                self._round += token != "{"
            elif token in ")]}":
                self._depth -= 1
                self._round -= token != "}"
            elif closing := _CLOSED_BY.get(token):
                if closing in never_closed:
                    continue
                close = text.find(closing, position, min(end, position + _LONGEST_BACKTICKS) if token == "`" else end)
                if close < 0:
                    never_closed.add(closing)
                    continue
                self._pass_lines(text.count("\n", position, close), token == "/*")
                position = close + len(closing)
            elif is_python and token.startswith("//"):
                position = match.start() + 2
        self._end_line(False, False)

    def _skip_cut_off(self, text: str, start: int, end: int) -> int:
        """Where a string or comment ends whose beginning was cut off before the text; `start` if there is none."""
        close = text.find("*/", start, end)
        if 0 <= close and text.find("/*", start, close) < 0:
            self._begin = True, True, 0
            self._pass_lines(text.count("\n", start, close), True)
            return close + 2
        quotes = text.find('"""', start, end)
        if quotes < 0 or text.count('"""', start, end) % 2 == 0:
            return start
        if any(reads_as_prose(line.content) for line in lines_between(text, start, quotes) if line.content[:1] != "#"):
            self._begin = True, False, 0
            self._pass_lines(text.count("\n", start, quotes), False)
            return quotes + 3
        return start

    def _pass_lines(self, breaks: int, is_comment: bool) -> None:
        for _ in range(breaks):
            self._end_line(True, is_comment)

    def _end_line(self, within: bool, is_comment: bool) -> None:
        self.states.append((*self._begin, self._depth, self._round))
        self._begin = within, is_comment, self._depth
