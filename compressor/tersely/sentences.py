"""Text -> sentences, with exact positions: the library `sentencex`, kept from what it cannot digest.

Its rules are good in many languages, but it needs quadratic time for some long lines, lets one stray quotation mark
swallow the sentence ends of a whole paragraph, and panics on a few odd spaces. So it sees a text in paragraphs and
windows, with odd characters replaced one for one; only positions are taken from it, never its text.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex
import sentencex

from tersely.documents import Span

_WINDOW = 2000  # characters
_PARAGRAPH_END = regex.compile(r"\n[^\S\n]*\n\s*")
_CONTENT = regex.compile(r"\S")
_ODD_SPACES = {code: " " for code in range(0x80, 0x3001) if chr(code).isspace()}


def split_sentences(text: str) -> list[Span]:
    """The sentences of a text, in order; together they cover it, each with the white space after it."""
    starts = [0]
    begin = 0
    for end in [*(match.end() for match in _PARAGRAPH_END.finditer(text)), len(text)]:
        content_end = begin + len(text[begin:end].rstrip())
        for start in _starts(text, begin, end):
            content = _CONTENT.search(text, starts[-1])
            if content and content.start() < start < content_end:  # no sentence is only white space
                starts.append(start)
        begin = end
    return [Span(start, end) for start, end in zip(starts, [*starts[1:], len(text)], strict=True) if start < end]


def _starts(text: str, begin: int, end: int) -> Iterator[int]:
    """Where sentences start in a paragraph, read in windows; a window's last sentence is read again in the next."""
    while begin < end:
        window = text[begin : min(begin + _WINDOW, end)]
        starts = _starts_in_window(window)
        if begin + len(window) == end:
            yield from (begin + start for start in starts)
            return
        if len(starts) > 1:
            yield from (begin + start for start in starts[:-1])
            begin += starts[-1]
        else:  # one sentence fills the window: it is cut at the last white space of the second half, if there is any
            yield begin
            space = max(window.rfind(" ", _WINDOW // 2), window.rfind("\n", _WINDOW // 2))
            begin += space + 1 if space >= 0 else len(window)


def _starts_in_window(window: str) -> list[int]:
    if not window.isascii():
        window = window.translate(_ODD_SPACES)
    try:
        boundaries = sentencex.get_sentence_boundaries("en", window)
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # a panic of the library; it is no `Exception`
            raise
        return [0]
    return sorted({0, *(boundary["start_index"] for boundary in boundaries)})
