"""What is left of an answer and of its evidence, by string comparison alone. No model judges, no LLM is asked."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

import regex

from tersely import CompressionResult, Span
from tersely_eval.datasets import Question, SupportSentence

_PUNCTUATION = regex.compile(r"[\p{Punctuation}\p{Symbol}]")
_ARTICLE = regex.compile(r"\b(?:a|an|the)\b")


class Selection(NamedTuple):
    """What a method, a baseline or a peer delivers: all that is measured.

    Attributes:
        context: the documents' part of the prompt.
        kept: document position -> the characters of its text that stand in the context, in order. A document of which
            nothing is kept is not in it. None where only the context is known.
        seconds: what it took, where a clock around the call would measure more than that.
    """

    context: str
    kept: dict[int, list[Span]] | None
    seconds: float | None = None

    @classmethod
    def of_result(cls, result: CompressionResult) -> Selection:
        """The selection that one of Tersely's own methods made."""
        return cls(result.context, {one.index: one.kept for one in result.documents if one.kept})


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces: as SQuAD compares answers."""
    return " ".join(_ARTICLE.sub(" ", _PUNCTUATION.sub(" ", text.lower())).split())


def answer_kept(context: str, answers: Sequence[str]) -> bool:
    """Whether any of the answers stands in the context, normalised, in whole words."""
    words = f" {normalise(context)} "
    return any(answer and f" {answer} " in words for answer in map(normalise, answers))


def answerable(question: Question) -> bool:
    """Whether it can be seen from strings if the answer was kept: not for yes and no, nor where it never was there."""
    if {"yes", "no"} & set(map(normalise, question.answers)):
        return False
    return answer_kept(question.context, question.answers)


def support_kept(question: Question, selection: Selection) -> float | None:
    """The share of the sentences marked as evidence that are whole; None where none is marked.

    Where only the context is known, a sentence is whole if it stands there, both normalised.
    """
    if not question.support:
        return None
    return fmean(_is_whole(sentence, question, selection) for sentence in question.support)


def gold_found(question: Question, selection: Selection) -> float | None:
    """The share of the gold documents of which something is kept; None where none is marked, or it is not known."""
    if not question.gold or selection.kept is None:
        return None
    return fmean(position in selection.kept for position in question.gold)


def _is_whole(sentence: SupportSentence, question: Question, selection: Selection) -> bool:
    text = sentence.text.strip()
    if selection.kept is None:
        return answer_kept(selection.context, [text])
    start = question.documents[sentence.document].text.index(text)
    end = start + len(text)
    spans = selection.kept.get(sentence.document, [])
    return sum(max(0, min(span.end, end) - max(span.start, start)) for span in spans) == len(text)
