"""Questions -> examples for calibration: which characters of which documents are evidence. Nothing is fitted here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tersely import Span
from tersely.input import read_documents
from tersely.methods.evidence import Example, ExampleSet
from tersely.text.segmentation import own_span, own_text, segment_documents
from tersely_eval.data.answers import answer_kept
from tersely_eval.data.datasets import Question, read_questions


def read_examples(path: Path) -> ExampleSet:
    """The questions of a file (see `read_questions`) with their evidence.

    Raises:
        InvalidInputError: as `read_questions`.
    """
    questions = read_questions(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    examples = [Example(question.question, question.documents, evidence_of(question)) for question in questions]
    return ExampleSet(path.name, sha256, examples)


def evidence_of(question: Question) -> dict[int, list[Span]]:
    """Position of a document -> the characters of its text that are evidence.

    That is what somebody marked. Where nothing is marked, it is the sentences of the gold documents that have an answer
    or a part of it.
    """
    evidence: dict[int, list[Span]] = {}
    for sentence in question.support:
        start = question.documents[sentence.document].text.index(sentence.text.strip())
        evidence.setdefault(sentence.document, []).append(Span(start, start + len(sentence.text.strip())))
    if evidence:
        return evidence
    usable = read_documents(question.documents).usable
    for segmented in segment_documents(usable):
        if segmented.index not in question.gold:
            continue
        for unit in segmented.units:
            if answer_kept(own_text(segmented, unit), question.answer_strings):
                evidence.setdefault(segmented.index, []).append(own_span(segmented, unit))
    return evidence
