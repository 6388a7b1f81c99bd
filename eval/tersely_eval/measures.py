"""What is left of an answer and of its evidence, by string comparison alone. No model judges, no LLM is asked."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

import regex

from tersely import CompressionResult, Span
from tersely_eval.datasets import Question, SupportSentence

_PUNCTUATION = regex.compile(r"[\p{Punctuation}\p{Symbol}]")
_WORD = regex.compile(r"\w+(?:[.,]\d+)*")  # 1,850,000 is one number
# A character of a script that puts no spaces between words.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED = regex.compile(UNSPACED)
_ARTICLE = regex.compile(r"\b(?:a|an|the)\b")


class Selection(NamedTuple):
    """What a method or a baseline delivers: all that is measured.

    Attributes:
        context: the documents' part of the prompt.
        kept: document position -> the characters of its text that stand in the context, in order. A document of which
            nothing is kept is not in it. None where it is not known.
        ranking: positions of the documents, best first, by the coarse stage; None where there is none.
        seconds, peak_bytes: what it took, where it was not this process that did the work.
    """

    context: str
    kept: dict[int, list[Span]] | None
    ranking: list[int] | None = None
    seconds: float | None = None
    peak_bytes: int | None = None

    @classmethod
    def of_result(cls, result: CompressionResult) -> Selection:
        """The selection that one of Tersely's own methods made."""
        kept = {one.index: one.kept for one in result.documents if one.kept}
        ranked = [(one.relevance, -one.index) for one in result.documents if one.relevance is not None]
        return cls(result.context, kept, [-position for _, position in sorted(ranked, reverse=True)] or None)


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces: as SQuAD compares answers."""
    return " ".join(_ARTICLE.sub(" ", _PUNCTUATION.sub(" ", text.lower())).split())


def answer_kept(context: str, answers: Sequence[str]) -> bool:
    """Whether any of the answers stands in the context, normalised, in whole words."""
    words = _words(context)
    return any(answer.strip() and answer in words for answer in map(_words, answers))


def answerable(question: Question) -> bool:
    """Whether it can be seen from strings if the answer was kept: not for yes and no, nor where it never was there."""
    yes_or_no = not question.signals and {"yes", "no"} & set(map(normalise, question.answers))
    if not question.answerable or yes_or_no:
        return False
    return bool(_answer_share(question, question.context))


def answer_share(question: Question, context: str) -> float | None:
    """1 where an answer and all needs stand in the context, else 0; of signals the share that does.

    None where it cannot be seen from strings. A signal that never stood in the documents does not count.
    """
    return _answer_share(question, context) if answerable(question) else None


def _answer_share(question: Question, context: str) -> float:
    if question.signals:
        there = [signal for signal in question.signals if answer_kept(question.context, signal)]
        return fmean(answer_kept(context, signal) for signal in there) if there else 0.0
    parts = [(need,) for need in question.needs] + [question.answers] * bool(question.answers)
    return float(bool(parts) and all(answer_kept(context, strings) for strings in parts))


def _words(text: str) -> str:
    """The text normalised, a space around each word, and around each character of a script without spaces."""
    spaced = _UNSPACED.sub(r" \g<0> ", normalise(text))
    return f" {' '.join(spaced.split())} "


def support_kept(question: Question, selection: Selection) -> float | None:
    """The share of the sentences marked as evidence that are whole; None where none is marked.

    Where it is not known which characters were kept, a sentence is whole if it stands there, both normalised.
    """
    if not question.support:
        return None
    if selection.kept is None:
        words = _words(selection.context)
        return fmean(_words(sentence.text) in words for sentence in question.support)
    return fmean(_is_whole(sentence, question, selection.kept) for sentence in question.support)


def gold_found(question: Question, selection: Selection) -> float | None:
    """The share of the gold documents of which something is kept; None where none is marked."""
    if not question.gold or selection.kept is None:
        return None
    return fmean(position in selection.kept for position in question.gold)


def recall(question: Question, selection: Selection, best: int = 5) -> float | None:
    """The share of the gold documents among the `best` of the coarse stage; None where either is not known."""
    if not question.gold or selection.ranking is None:
        return None
    from ir_measures import Qrel, R, ScoredDoc, calc_aggregate

    judged = [Qrel("question", str(position), 1) for position in set(question.gold)]
    ranked = [ScoredDoc("question", str(position), -rank) for rank, position in enumerate(selection.ranking)]
    measure = R @ best
    return calc_aggregate([measure], judged, ranked)[measure]


def broken_words(question: Question, context: str) -> int:
    """How many words and numbers of the context are none of the documents: pieces of one, or two that were joined.

    Scripts without spaces are left out: where a word ends there is a matter of opinion. What is cut at a hyphen, a
    colon, a slash or an apostrophe leaves whole words and does not count, such as 10 of 10:30: at least so many are
    broken.
    """
    whole = set(_WORD.findall(question.context))
    return sum(word not in whole and not _UNSPACED.search(word) for word in _WORD.findall(context))


def _is_whole(sentence: SupportSentence, question: Question, kept: dict[int, list[Span]]) -> bool:
    text = sentence.text.strip()
    start = question.documents[sentence.document].text.index(text)
    end = start + len(text)
    spans = kept.get(sentence.document, [])
    return sum(max(0, min(span.end, end) - max(span.start, start)) for span in spans) == len(text)
