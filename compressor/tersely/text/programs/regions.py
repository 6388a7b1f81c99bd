"""Finds programs: a whole text, or a part of one between paragraphs of prose. In doubt it is prose."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from tersely.text.fence_spans import outside_fences
from tersely.text.layout import line_groups, lines_between, reads_as_prose
from tersely.text.outline import Region
from tersely.text.programs.lines import ProgramLine, program_lines
from tersely.text.programs.statements import read

_FEWEST = 3  # lines
_HALF = 0.5
_FEW = 0.05

# Lines of programs; hardly any line of prose looks like these.
_CERTAIN = regex.compile(
    r"""
    (?:
        (?:async\s+)?def\s+\w+[!?]?\s*(?:\(.*|$)
      | class\s+\w+(?:\(.*\))?\s*:
      | class\s+\w+(?:\s*(?:<|extends|implements|::?)\s*[\w<>.,:\s]+)?\s*\{?
      | from\s+[\w.]+\s+import\s+.+ | import\s+[\w.]+(?:\s+as\s+\w+|(?:,\s*[\w.]+)*)
      | import\s.*\sfrom\s+["'].* | import\s+["'].*["'];?
      | \#include\s*[<"].+ | \#(?:define|ifdef|ifndef|endif|pragma)\b.* | \#!\s*/.+ | \#!?\[\w.*\]
      | (?:(?:export|default|async|pub(?:\([\w\ ]+\))?|unsafe|const|static|public|private|protected)\s+)*
        (?:function\*?|fn|func|fun)\s+(?:\([^()]*\)\s*)?[\w.:]*\s*(?:<[^()]*>)?\s*\(.*
      | (?:package|using|use|namespace)\s+[\w.:*{}\ ,]+;? (?<=[;\w]) (?<!\s\w+\s\w+\s\w+)
      | (?:elif|if|while|for|with|try|except|finally|else)\b.*(?<=[)\]\w"'])\s*:
        (?<=[=(\[.]\S.*|^\w+:|\sin\s.*|\sas\s.*)
      | (?:return|raise|throw|yield|await)\b.*[()\[\]{}=;"'].* | (?:return|raise|break|continue|pass)\s*;?
      | (?:const|let|var|val|final|auto|local)\s+[\w{}\[\],:<>\s]+=.*
      | (?:if|elif|while)\s+\[.*\].* | (?:fi|done|esac)\b.{0,20} | (?:for|while)\s.*;\s*do
      | @\w[\w.]*(?:\(.*\)?)?
      | .*[)\w>\]"=]\s*\{ | [)}\]]+\s*(?:else|catch|finally)\b.*\{ | .*=>\s*[{(].*
      | .*\w\(.*\)\s*; | [^\s]*[=.][^\s]*; | .*\s[-+*/:|]?=\s.*; | [\w<>\[\]:*&]+\s+\**\w+(?:\[\w*\])?\s*(?:=.*)?;
      | (?:public|private|protected)\s+.*[;{)]
      | [\w.\[\]"']+(?::\s*[\w\[\], |.]+)?\s*[-+*/|]?=\s*(?:[\w.]+\(.*|[\[{(].*|\w+\.\w.*)
      | (?:self|this)\.\w.* | \w+\s*:=\s.* | (?:print|echo|printf|console\.log)\b.*["'($].*
    )
    """,
    regex.VERBOSE,
)
# Lines that programs have often, but other texts, too.
_LIKELY = regex.compile(
    r"[\w.\[\]\"']+\s*[-+*/|]?=\s*\S.*|[\w.]+\(.*\)?[;,]?|[)}\]{(\[]+[;,)]*(?:\s*(?://|#).*)?|[rbuRBU]?(?:\"\"\"|''').*|.*[,;({\[\\]|(?:pass|end|else:?|do)"
)
_QUOTED = regex.compile(r"\"\"\".*|'''.*|\"[^\"]*+(?:\"|$)|(?<!\w)'[^']*+'|\s(?://|#|--)\s.*")
# A text without any of these is no program.
_HINT = regex.compile(
    r"[;{:)][ \t\r]*\n|\n[ \t]*(?:def|class|import|from|return|end|fi)\b"
    r"|\n[ \t]*[\w.]+ (?::?=|\+=) |\n[ \t]*[)}\]]|^#!/"
)
_LONGEST_LINE = 300  # characters of a line that is looked at


def find(text: str, start: int, end: int) -> list[Region]:
    """The programs between two characters that begin and end lines."""
    if text.count("\n", start, end) < _FEWEST - 1 or not _HINT.search(text, start, end):
        return []
    regions: list[Region] = []
    for first, last in outside_fences(text, start, end):
        regions += _find(text, first, last)
    return regions


def _find(text: str, start: int, end: int) -> list[Region]:
    if not any(
        _CERTAIN.fullmatch(line.content[:_LONGEST_LINE]) for line in lines_between(text, start, end) if line.content
    ):
        return []
    lines = program_lines(text, start, end)
    if _is_all_program(lines):
        return [Region(start, end, read)]
    regions: list[Region] = []
    opened: list[range] = []  # groups of lines since the last prose
    for group in [*line_groups(lines), None]:
        if group is not None and not _is_prose([lines[n] for n in group]):
            opened.append(group)
            continue
        span = _program(lines, opened)
        if span:
            regions.append(Region(lines[span.start].start, lines[span.stop - 1].end, read))
        opened = []
    return regions


def _is_all_program(lines: Sequence[ProgramLine]) -> bool:
    certain, likely, everything = _weight(lines)
    sentences = sum(map(_is_sentence, lines))
    return certain >= _FEWEST and certain + likely >= _HALF * everything and sentences <= _FEW * everything


def _is_prose(lines: Sequence[ProgramLine]) -> bool:
    certain = sum(map(_is_certain, lines))
    prose = sum(map(_is_sentence, lines))
    return prose > certain or prose * 3 > len(lines)


def _is_sentence(line: ProgramLine) -> bool:
    """Whether a line has a piece of prose on it that is neither in a string nor in a comment."""
    if line.within or line.is_comment or (line.depth and line.indent) or _is_certain(line):
        return False
    return reads_as_prose(_QUOTED.sub("", line.content[:_LONGEST_LINE]))


def _program(lines: Sequence[ProgramLine], groups: list[range]) -> range:
    """The lines from the first to the last group of code, if these are a program."""
    is_code = [_weight([lines[n] for n in group]) for group in groups]
    code = [group for group, (certain, _, _) in zip(groups, is_code, strict=True) if certain]
    if not code:
        return range(0)
    first, last = groups.index(code[0]), groups.index(code[-1])
    # Groups above and below that are likely code belong to the program.
    while first > 0 and 2 * is_code[first - 1][1] >= is_code[first - 1][2]:
        first -= 1
    while last + 1 < len(groups) and (
        2 * is_code[last + 1][1] >= is_code[last + 1][2] or lines[groups[last + 1][0]].indent
    ):
        last += 1
    certain, likely, all_lines = (sum(column) for column in zip(*is_code[first : last + 1], strict=True))
    if certain < 2 or certain + likely < _HALF * all_lines or groups[last].stop - groups[first].start < _FEWEST:
        return range(0)
    return range(groups[first].start, groups[last].stop)


def _weight(lines: Sequence[ProgramLine]) -> tuple[int, int, int]:
    """How many lines are certainly code, how many more are likely code, and how many lines there are."""
    outside = [line for line in lines if not line.within and not line.is_comment and not (line.depth and line.indent)]
    certain = sum(map(_is_certain, lines))
    likely = sum(
        not _is_certain(line) and _LIKELY.fullmatch(line.content[:_LONGEST_LINE]) is not None for line in outside
    )
    return certain, likely, max(len(outside), certain)


def _is_certain(line: ProgramLine) -> bool:
    return not line.within and not line.is_comment and _CERTAIN.fullmatch(line.content[:_LONGEST_LINE]) is not None
