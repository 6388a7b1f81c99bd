"""Headings without marks, as in text from PDF files: short lines before text, often numbered."""

from __future__ import annotations

import regex

_NUMBER = regex.compile(
    r"(?P<number>(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2}){0,5})\.?[ \t]+(?=[\p{Lu}\p{Lo}\d\"“(])"
    r"|(?:§+|(?i:art(?:icle|ikel|ículo|\.)|section|abschnitt|sección|chapter|kapitel|chapitre|capítulo|part|teil|partie|parte"
    r"|annex|anhang|annexe|appendix|schedule|clause|title|titel|titre|título|exhibit|anlage|module|lesson|unit))[ \t]+"
    r"(?P<named>\d{1,3}|[A-Z]|[IVXL]+)\b"
    r"|(?:[一二三四五六七八九十]{1,3}、|（[一二三四五六七八九十]{1,3}）)"
    r"|(?:TOP|Punkt|Item|Agenda item|Step|Schritt|Étape|Paso|Day|Tag|Week)[ \t]+\d{1,3}\b:?"
    r"|第[\d一二三四五六七八九十百]+[章节節条條部]",
)
_ENDS_LIKE_TEXT = regex.compile(r"[.!?。！？؟;；:：,，、]\s*$")
_STARTS_LIKE_NAME = regex.compile(r"[\p{Lu}\p{Lo}\p{Lt}\d\"“‘«(¿]")
_VALUE = regex.compile(r"[\d\p{Sc}]")
_LONGEST = 90  # characters
_LONGEST_UNSPACED = 30
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_MOST_WORDS = 12
# Levels: headings without marks are below those with marks, and those without numbers below those with numbers.
DEEPEST_NUMBERED = 6.5
TITLE, _NUMBERED, FIRST_LINE, UNNUMBERED = 6.0, 6.1, 6.8, 6.9
_LONGEST_FIRST_LINE = 60
LIST_ITEM = regex.compile(r"[ \t]*(?:[-+*•◦▪‣●·]|\(?\d{1,3}[.)．、]|[①-⑳])[ \t]*(?=\S)")


def heading_level(paragraph: str, following: str, *, is_first: bool = False) -> float | None:
    """The level of a heading without marks, which is below all with marks (1 to 6); None if it is no heading.

    Args:
        paragraph: the text between two blank lines.
        following: the paragraph after it, empty at the end of the text.
        is_first: it is the first paragraph of the text.
    """
    line, after = paragraph.strip(), following.strip()
    if "\n" in line or not after or not 0 < len(line) <= _longest(line) or _ENDS_LIKE_TEXT.search(line):
        return None
    numbered = _numbered_level(line)
    if numbered is not None:
        return numbered
    if not _STARTS_LIKE_NAME.match(line) or len(line.split()) > _MOST_WORDS or "|" in line:
        return None
    if _VALUE.search(line) and not is_first:
        return None
    # A heading is before text: a short line before another short line is more likely an entry of a list.
    is_text = len(after) > 1.5 * len(line) and (_ENDS_LIKE_TEXT.search(after) or len(after) > 4 * len(line))
    if not is_text:
        return None
    return TITLE if is_first else UNNUMBERED


def is_short_line(paragraph: str) -> bool:
    """Whether a paragraph is one short line that does not end as a sentence does."""
    line = paragraph.strip()
    if "\n" in line or not 0 < len(line) <= _longest(line) or "|" in line or "\t" in line:
        return False
    return _ENDS_LIKE_TEXT.search(line) is None and _STARTS_LIKE_NAME.match(line) is not None


def is_numbered_title(line: str) -> bool:
    """Whether a line is the title of a numbered part, such as `Section B: Not covered`, and no clause."""
    title = line.strip()
    number = _NUMBER.match(title)
    return bool(number and not number["number"] and len(title) <= _longest(title) and not _ENDS_LIKE_TEXT.search(title))


def first_line_level(first: str, rest: str) -> float | None:
    """The level of a heading that is the first line of its paragraph; None if it is no heading.

    Args:
        first: that line.
        rest: the lines after it.
    """
    line = first.strip()
    if not 0 < len(line) <= _LONGEST_FIRST_LINE or _ENDS_LIKE_TEXT.search(line) or "|" in line or "\t" in line:
        return None
    numbered = _numbered_level(line)
    if numbered is not None:
        return numbered
    if not regex.match(r"[\p{Lu}\p{Lo}]", line) or len(line.split()) > _MOST_WORDS:
        return None
    # The lines of wrapped prose, and the entries of a list, are about as long as each other.
    second = rest.strip().split("\n", 1)[0].strip()
    unlike = len(line) < 0.6 * max(map(len, rest.split("\n"))) and (
        _ENDS_LIKE_TEXT.search(second) is not None or LIST_ITEM.match(second) is not None
    )
    return FIRST_LINE if unlike else None


def _numbered_level(line: str) -> float | None:
    number = _NUMBER.match(line)
    if not number:
        return None
    depth = (number["number"] or "").count(".") + line.startswith("（")
    return _NUMBERED + depth / 10


def _longest(line: str) -> int:
    return _LONGEST_UNSPACED if _UNSPACED.search(line) else _LONGEST
