"""Programs -> blocks: a function whole, with the comment above it, under the line of its class.

Indentation and brackets tell where a statement ends, in most languages and in a piece of a program, too. A statement
that is too long for one block is cut into the statements in it. Each of them needs its signature and its closing
bracket.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import regex

from tersely.text.outline import Outline
from tersely.text.programs.lines import ProgramLine, program_lines

_LONGEST = 3000  # characters of a function that is one block
_LONGEST_CLASS = 400  # characters of a class with methods that is one block
_LONGEST_FIELDS = 1000  # characters of neighbouring one-line statements that are one block
_LONGEST_FRAGMENT = 1000  # characters of a piece of a function, without its signature, that is one block
_DEEPEST = 30  # levels; a statement below them is one block

_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|abstract|final|static|sealed|partial|pub(?:\([\w ]+\))?|"
    r"unsafe|data|open|declare|async|inline|typedef|const|override|virtual|extern)\s+)*+"
)
_CONTAINER = regex.compile(
    rf"{_MODIFIERS}(?:(?:class|interface|struct|impl|trait|namespace|module|mod|enum|object|extension|protocol|record|union|"
    r'package\s+\w+\s*\{|extern\s+"C"|template)\b|impl<)'
)
DEFINITION = regex.compile(rf"{_MODIFIERS}(?:def|func|function|fn|fun|sub|class|interface|struct|impl|trait|enum)\b")
_IMPORT = regex.compile(
    r"(?:import|from\s+[\w.]+\s+import|#include|using|use|require|package|extern crate)\b|const .*\brequire\("
)
_ABOVE = regex.compile(r"@[\w.]+|#!?\[|\[\w[^\]]*\]$|template\s*<|(?:public|private|protected)\s*:$")
_GOES_ON = regex.compile(
    r"[)\]}{]|(?:else|elif|elsif|except|finally|catch|rescue|ensure|then|do|done|end|fi|esac|\};?|EOF)\b(?!\s*[=(.])"
)
_CLOSES = regex.compile(r"[)\]}]|(?:end|done|fi|esac)\b")
_DOCSTRING = regex.compile(r"[rbuRBU]?(?:\"\"\"|''')")


def read(outline: Outline, start: int, end: int) -> None:
    """Add the blocks of a program between two characters that begin and end lines."""
    _Reader(outline, program_lines(outline.text, start, end)).read()


class _Reader:
    """Adds statements to an outline; each is a range of lines."""

    def __init__(self, outline: Outline, lines: list[ProgramLine]) -> None:
        self._outline = outline
        self._lines = lines

    def read(self) -> None:
        everything = range(len(self._lines))
        if all(line.indent for line in self._lines if line.content) and not self._has_definition(everything):
            if self._size(everything) <= _LONGEST_FRAGMENT:
                self._add(everything)
                return
        cut_off = self._end_of_cut_off(everything)
        if self._has_definition(range(cut_off)):
            self._read_body(everything[:cut_off], in_class=True, in_function=False, depth=0)
        elif 0 < cut_off and self._size(everything[:cut_off]) <= _LONGEST:
            self._add(everything[:cut_off])  # the end of a function
        else:
            cut_off = 0
        everything = everything[cut_off:]
        self._read_body(everything, in_class=False, in_function=False, depth=0)

    def _has_definition(self, span: range) -> bool:
        return any(self._is_code(n) and DEFINITION.match(self._lines[n].content) for n in span)

    def _end_of_cut_off(self, span: range) -> int:
        """How many lines at the beginning are deeper than the first line that is less deep than they."""
        first = next((self._lines[n].indent for n in span if self._is_code(n)), 0)
        return next((n for n in span if self._is_code(n) and self._lines[n].indent < first), 0)

    def _read_body(self, span: range, *, in_class: bool, in_function: bool, depth: int) -> None:
        """Add the statements of some lines; imports, fields and small steps of a function are one block together."""
        together: list[range] = []
        for statement in self._statements(span):
            is_import = self._is_import(statement)
            mergeable = is_import or ((in_class or in_function) and self._is_small(statement))
            if together and not (
                mergeable
                and is_import == self._is_import(together[-1])
                and (is_import or in_class or not self._after_blank(statement))
                and self._size(range(together[0].start, statement.stop)) <= _LONGEST_FIELDS
            ):
                self._add(range(together[0].start, together[-1].stop))
                together = []
            if mergeable:
                together.append(statement)
            else:
                self._read_statement(statement, depth)
        if together:
            self._add(range(together[0].start, together[-1].stop))

    def _read_statement(self, statement: range, depth: int) -> None:
        signature = self._signature(statement)
        is_class = _CONTAINER.match(self._lines[signature].content) is not None
        size = self._size(statement)
        cut = size > _LONGEST or (is_class and size > _LONGEST_CLASS and self._has_inner(statement, signature))
        body = self._body(statement, signature) if cut and depth < _DEEPEST else range(0)
        if not body:
            self._add(statement)
            return
        opening = self._add(range(statement.start, body.start), standalone=False)
        with self._outline.under(opening):
            self._read_body(body, in_class=is_class, in_function=not is_class, depth=depth + 1)
        if body.stop < statement.stop:
            self._outline.add_needs(opening, self._add(range(body.stop, statement.stop), standalone=False))

    def _statements(self, span: range) -> list[range]:
        """The statements of some lines, in order; together they have all these lines."""
        starts: list[int] = []
        base = 0
        above = False  # the statement so far is only comments and decorators
        commented = False  # the last of these lines is a comment
        for n in span:
            line = self._lines[n]
            if not line.content:
                if above and commented and starts:
                    above, base = False, -1  # a comment on nothing below it
                continue
            if line.within:
                continue
            is_above = line.is_comment or _ABOVE.match(line.content) is not None
            if starts and base >= 0 and line.indent >= base:
                if line.indent > base or above:
                    above, commented = above and is_above, line.is_comment
                    continue
                inside = line.depth > self._lines[starts[-1]].depth and not self._starts_afresh(starts[-1], line)
                if inside or _GOES_ON.match(line.content):
                    continue
            starts.append(n)
            base, above, commented = line.indent, is_above, line.is_comment
        if not starts:
            return [span] if span else []
        return [range(*edges) for edges in pairwise([span.start, *starts[1:], span.stop])]

    def _starts_afresh(self, first: int, line: ProgramLine) -> bool:
        """Whether a function begins at a line, so that a bracket of the function before it only seemed to be open."""
        opened = self._lines[first].content
        return bool(DEFINITION.match(line.content) and DEFINITION.match(opened) and not _CONTAINER.match(opened))

    def _signature(self, statement: range) -> int:
        """The first line after comments and decorators."""
        lines = self._lines
        for n in statement:
            if self._is_code(n) and not _ABOVE.match(lines[n].content):
                return n
        return statement.start

    def _body(self, statement: range, signature: int) -> range:
        """The lines between the signature of a statement and its closing bracket."""
        lines = self._lines
        opened = lines[signature].depth
        first = signature + 1
        for n in range(signature, statement.stop):
            content = lines[n].content
            if content.endswith("{") or (
                content.endswith(":") and lines[n].round_after <= lines[signature].round_after
            ):
                first = n + 1
                break
            if n > signature and lines[n].depth_after <= opened:
                break
        if first < statement.stop and lines[first].content == "{":
            first += 1
        last = next((n for n in reversed(statement) if lines[n].content), signature)
        closes = last > first and not lines[last].within and _CLOSES.match(lines[last].content)
        closes = closes and lines[last].indent <= lines[signature].indent
        return range(first, last if closes else statement.stop)

    def _has_inner(self, statement: range, signature: int) -> bool:
        """Whether there are functions in a class."""
        body = self._body(statement, signature)
        return any(len([n for n in inner if self._is_code(n)]) > 1 for inner in self._statements(body))

    def _is_small(self, statement: range) -> bool:
        code = [n for n in statement if self._is_code(n)]
        if len(code) > 1 or (code and DEFINITION.match(self._lines[code[0]].content)):
            return False
        inside = any(self._lines[n].within and not self._lines[n].is_comment for n in statement)
        return not inside or bool(code and _DOCSTRING.match(self._lines[code[0]].content))

    def _is_import(self, statement: range) -> bool:
        return _IMPORT.match(self._lines[self._signature(statement)].content) is not None

    def _is_code(self, n: int) -> bool:
        line = self._lines[n]
        return bool(line.content) and not line.within and not line.is_comment

    def _after_blank(self, statement: range) -> bool:
        return statement.start > 0 and not self._lines[statement.start - 1].content

    def _size(self, span: Sequence[int]) -> int:
        return self._lines[span[-1]].end - self._lines[span[0]].start

    def _add(self, span: range, *, standalone: bool = True) -> int:
        return self._outline.add(self._lines[span[0]].start, self._lines[span[-1]].end, standalone=standalone)
