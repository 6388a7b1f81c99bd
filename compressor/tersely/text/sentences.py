"""Text -> sentences, with exact positions, by the library `sentencex`.

Its rules are good in many languages. But it needs quadratic time for some long lines, a stray quotation mark hides all
sentence ends of a paragraph from it, and it panics on a few odd spaces. So it gets a text in paragraphs and windows,
with odd characters replaced one for one, and only positions are taken from it. What its rules do not know (a German
ordinal, words of speech in Chinese and Japanese) is corrected afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import regex
import sentencex

from tersely.documents import Span

_WINDOW = 2000  # characters
_PARAGRAPH_END = regex.compile(r"\n[^\S\n]*\n\s*")
_CONTENT = regex.compile(r"\S")
_ENGLISH = regex.compile(r"\b(?:the|of|and|to|is|that|for|with|by|on|as|it|are|be)\b")
_GERMAN = regex.compile(r"\b(?:der|die|das|und|nicht|ist|ein|eine|mit|von|zu|den|dem|des|im|auf|für|sich|wurde)\b")
# Places at which no sentence starts, though the library may say so, in any language and in German.
_NO_START = regex.compile(
    r"""
      (?<=[」』])(?:と(?!ても|ころ)|って|など|は(?!い|じ)|[をがにのへ、])          # 「行こう。」と言った。
    | (?<=[」』”])\p{Han}{1,8}?(?<!知)[说說道问問喊叫答]                     # “真的吗？”她问道。
    | (?<=(?<![\p{L}\p{M}])\p{Arabic}{1,2}\.\s{0,3})                         # د. أحمد
    | (?<=(?<![\p{L}\p{M}])\p{Arabic}{1,2}\.(?:\p{Arabic}{1,2}\.){1,4}\s{0,3})   # م.ت.ف.
    """,
    regex.VERBOSE,
)
_LABEL = r"(?:Table|Tab\.|Figure|Figs?\.|Exhibit|Box|Chart|Tabelle|Abbildung|Abb\.|Tableau|Tabla)"
_NO_START_AFTER_NUMBER = regex.compile(  # Table 3. Costs by year; in Version 3.0. of it; see Eq. (2)
    rf"(?<=(?:^|\n)[*_]{{0,2}}{_LABEL}\s?\d{{1,4}}(?:\.\d{{1,4}}){{0,3}}[.:]\s{{1,3}})"
    rf"|(?<=(?<!\w)(?:{_LABEL}|Eqs?\.|Equation|No\.|Nr\.|Sec\.|Section|Chapter|Vol\.|pp?\.|Art\.|Abs\.|Version|Release|v)"
    r"\s?\(?\d{1,4}(?:\.\d{1,4}){0,3}\)?\.\s{1,3})(?=[\p{Ll}\d(\[])"
    r"|(?<=(?<!\w)(?:Eqs?|Figs?|Secs?|Chap|Tabs?|Vol|Art|Abb|Abs|Refs?|Def|Thm|Prop|Lem|Cor|cf|ca|approx|resp|incl|excl"
    r"|vgl|bzw|z\.B|d\.h|u\.a)\.\s{1,3})(?=[\d(\[\p{Lu}\p{Ll}])"
)
_NO_START_IN_GERMAN = regex.compile(  # im 19. Jahrhundert, die 2. Auflage
    r"(?<=\b(?:im|am|vom|zum|beim|ab|seit|bis|der|die|das|dem|den|des|eine?|einer|einem|einen)\s\d{1,2}\.\s{1,3})"
)
_REFERENCES = regex.compile(r"(?:\[\^?[^\]\s]{1,40}\])+\s*")
_ODD_SPACES = {code: " " for code in range(0x80, 0x3001) if chr(code).isspace()}


def split_sentences(text: str) -> list[Span]:
    """The sentences of a text, in order; together they cover it, each with the white space after it."""
    starts = [0]
    for begin, end in split_paragraphs(text):
        content_end = begin + len(text[begin:end].rstrip())
        for start in _starts(text, begin, end):
            content = _CONTENT.search(text, starts[-1])
            if content and content.start() < start < content_end:  # no sentence is only white space
                starts.append(start)
    return [Span(start, end) for start, end in zip(starts, [*starts[1:], len(text)], strict=True) if start < end]


def split_paragraphs(text: str) -> list[Span]:
    """What is between blank lines, in order, each with the white space after it; together they cover the text."""
    edges = [0, *(match.end() for match in _PARAGRAPH_END.finditer(text)), len(text)]
    return [Span(start, end) for start, end in pairwise(edges) if start < end]


def _starts(text: str, begin: int, end: int) -> Iterator[int]:
    """Where sentences start in a paragraph, window by window; the last sentence of a window begins the next window."""
    while begin < end:
        window = text[begin : min(begin + _WINDOW, end)]
        starts = _starts_in_window(window)
        if begin + len(window) == end:
            yield from (begin + start for start in starts)
            return
        if len(starts) > 1:
            yield from (begin + start for start in starts[:-1])
            begin += starts[-1]
        else:  # one sentence fills the window: it is cut at the last line end, or space, of the second half
            yield begin
            space = max(window.rfind("\n", _WINDOW // 2), 0) or window.rfind(" ", _WINDOW // 2)
            begin += space + 1 if space >= 0 else len(window)


def _starts_in_window(window: str) -> list[int]:
    if not window.isascii():
        window = window.translate(_ODD_SPACES)
    language = "de" if len(_GERMAN.findall(window)) > len(_ENGLISH.findall(window)) else "en"
    try:
        boundaries = sentencex.get_sentence_boundaries(language, window)
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # a panic of the library; it is no `Exception`
            raise
        return [0]
    starts = sorted({0, *(_after_references(window, boundary["start_index"]) for boundary in boundaries)})
    patterns = (_NO_START, _NO_START_AFTER_NUMBER, *([_NO_START_IN_GERMAN] if language == "de" else []))
    return [start for start in starts if not start or not any(pattern.match(window, start) for pattern in patterns)]


def _after_references(window: str, start: int) -> int:
    """Where a sentence starts, after references that belong to the sentence before it: `true.[1] It is`."""
    references = _REFERENCES.match(window, start)
    return references.end() if references and start and not window[start - 1].isspace() else start
