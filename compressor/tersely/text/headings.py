"""Headings without marks, as in text from PDF files: short lines on their own, often numbered, before text."""

from __future__ import annotations

import regex

_NUMBER = regex.compile(
    r"(?P<number>(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2}){0,5})\.?[ \t]+(?=[\p{Lu}\p{Lo}\d\"“(])"
    r"|(?:§+|Art(?:icle|ikel|\.)|Section|Abschnitt|Chapter|Kapitel|Chapitre|Capítulo|Part|Teil|Annex|Appendix)[ \t]+"
    r"(?P<named>\d{1,3}|[A-Z]|[IVXL]+)\b"
    r"|第[\d一二三四五六七八九十百]+[章节節条條部]",
)
_ENDS_LIKE_TEXT = regex.compile(r"[.!?。！？؟;；:：,，、]\s*$")
_STARTS_LIKE_NAME = regex.compile(r"[\p{Lu}\p{Lo}\p{Lt}\d\"“‘«(¿]")
_VALUE = regex.compile(r"[\d\p{Sc}]")
_LONGEST = 90  # characters
_LONGEST_UNSPACED = 30
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_MOST_WORDS = 12
# Headings without marks stand below those with marks, and those without numbers below those with numbers.
_NUMBERED, _UNNUMBERED = 6.0, 6.9


def heading_level(paragraph: str, following: str) -> float | None:
    """The level of a heading without marks, below all that have marks (1 to 6); None for what is no heading.

    Args:
        paragraph: what stands between two blank lines.
        following: the paragraph after it, empty at the end of the text.
    """
    line, after = paragraph.strip(), following.strip()
    if "\n" in line or not after or not 0 < len(line) <= _longest(line) or _ENDS_LIKE_TEXT.search(line):
        return None
    number = _NUMBER.match(line)
    if number:
        depth = 1 + (number["number"] or "").count(".")
        return _NUMBERED + depth / 10
    if not _STARTS_LIKE_NAME.match(line) or len(line.split()) > _MOST_WORDS or _VALUE.search(line) or "|" in line:
        return None
    # What comes after must be text: a heading over another short line is more likely an entry of a list.
    is_text = len(after) > 1.5 * len(line) and (_ENDS_LIKE_TEXT.search(after) or len(after) > 4 * len(line))
    return _UNNUMBERED if is_text else None


def _longest(line: str) -> int:
    return _LONGEST_UNSPACED if _UNSPACED.search(line) else _LONGEST
