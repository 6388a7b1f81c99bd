"""What is left of an answer and of its evidence, by string comparison alone. No model judges, no LLM is asked."""

from __future__ import annotations

from statistics import fmean

import regex

from tersely import Span
from tersely_eval.data import HAS_UNSPACED, Question, SupportSentence, answer_kept, in_words, normalise
from tersely_eval.peers import Selection

_WORD = regex.compile(r"\w+(?:[.,]\d+)*")  # 1,850,000 is one number


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


def support_kept(question: Question, selection: Selection) -> float | None:
    """The share of the sentences marked as evidence that are whole; None where none is marked.

    Where it is not known which characters were kept, a sentence is whole if it stands there, both normalised.
    """
    if not question.support:
        return None
    if selection.kept is None:
        words = in_words(selection.context)
        return fmean(in_words(sentence.text) in words for sentence in question.support)
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
    return sum(word not in whole and not HAS_UNSPACED.search(word) for word in _WORD.findall(context))


def _is_whole(sentence: SupportSentence, question: Question, kept: dict[int, list[Span]]) -> bool:
    text = sentence.text.strip()
    start = question.documents[sentence.document].text.index(text)
    end = start + len(text)
    spans = kept.get(sentence.document, [])
    return sum(max(0, min(span.end, end) - max(span.start, start)) for span in spans) == len(text)
