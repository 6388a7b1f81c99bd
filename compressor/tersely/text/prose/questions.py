"""Questions and their answers, as on a page of frequently asked questions. An answer needs its question.

Forms: a question that is a paragraph, plain or bold, with the answer below it; a line with a question above its answer;
lines that begin with `Q:` and `A:`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import regex

_QUESTION_MARK = regex.compile(r"[?？؟]['\"”’)*_]*\s*$")
_MARKED_QUESTION = regex.compile(
    r"\s*[*_#]{0,3}\s*(?:Q(?:uestion)?|F(?:rage)?|P(?:regunta)?|问|問|س)\s*\d*\s*[:.：)]", regex.I
)
_MARKED_ANSWER = regex.compile(
    r"\s*[*_]{0,2}\s*(?:A(?:nswer|ntwort)?|R(?:éponse|espuesta)?|答|ج)\s*\d*\s*[:.：)]", regex.I
)
_STARTS_SENTENCE = regex.compile(r"[\s*_#\"“‘«(\d.)-]*[\p{Lu}\p{Lo}¿]")
_INNER_END = regex.compile(r"[.!?。！？؟]\s+[\p{Lu}\p{Lo}]")
_LONGEST_QUESTION = 250
_LINE = regex.compile(r"[^\n]*\n|[^\n]+$")


class Answered(NamedTuple):
    """A question and its answer, each as the positions of its first character and of the one after its last."""

    question: tuple[int, int]
    answer: tuple[int, int]


def is_question(paragraph: str) -> bool:
    """Whether a paragraph is one question and nothing else."""
    content = paragraph.strip()
    if not 0 < len(content) <= _LONGEST_QUESTION or "\n" in content:
        return False
    if _MARKED_QUESTION.match(content):
        return True
    return bool(
        _QUESTION_MARK.search(content) and _STARTS_SENTENCE.match(content) and not _INNER_END.search(content[:-1])
    )


def answered_lines(text: str, start: int, end: int) -> list[Answered]:
    """The questions of a paragraph that are lines of their own, each with the lines up to the next; none if unsure.

    Together they cover the paragraph, but for lines before the first of several questions.
    """
    lines = [match.span() for match in _LINE.finditer(text, start, end)]
    asks = [is_question(text[first:last]) for first, last in lines]
    if sum(asks) > 1:
        before = asks.index(True)
        lines, asks = lines[before:], asks[before:]
    if len(lines) < 2 or not asks[0] or asks[-1] or any(pair == (True, True) for pair in pairwise(asks)):
        return []
    starts = [number for number, asked in enumerate(asks) if asked]
    stops = [*starts[1:], len(lines)]
    return [
        Answered(lines[first], (lines[first + 1][0], lines[stop - 1][1]))
        for first, stop in zip(starts, stops, strict=True)
    ]
