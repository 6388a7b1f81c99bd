"""Questions about Python's language reference, with the passages that BM25 finds for them. Nothing is measured here.

The reference comes with Python (`pydoc_data.topics`), so this needs no download and no network. In this package are
only questions, answers, and short quotes by which the evidence is found (`data/python-reference.jsonl`;
`data/README.md` says how they were written and with which Pythons they were tried). The wording differs from one Python
to the next: a question whose evidence or answer does not stand in the running one is left out, and named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tersely import Document, InvalidInputError
from tersely.budget import with_title
from tersely.text.lexical import LexicalIndex, content_words
from tersely.text.sentences import split_sentences
from tersely_eval.data.answers import answer_kept
from tersely_eval.data.datasets import Question, SupportSentence
from tersely_eval.data.reference_text import cut_passages, reference_sections

PYTHON_REFERENCE = "python-reference"
PUT_IN = "put_in"  # the metadata of a document that BM25 did not find


class Evidence(BaseModel):
    """Where a sentence that answers a question stands.

    Attributes:
        topic: the smallest topic of `pydoc_data.topics` that has the section.
        quote: a few words of the sentence. White space, quotation marks and other punctuation need not agree.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    quote: str = Field(pattern=r"\w")


class WrittenQuestion(BaseModel):
    """A line of the data file: a question before its documents are retrieved.

    Attributes:
        id, question, answers: as in `Question`.
        evidence: the sentences that one must read to answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    question: str
    answers: tuple[str, ...] = Field(min_length=1)
    evidence: tuple[Evidence, ...] = Field(min_length=1)


class ReferenceQuestions(NamedTuple):
    """What `python_reference_questions` gives.

    Attributes:
        questions: with their documents.
        left_out: a question's id -> why this Python's reference does not answer it.
        gold_retrieved: the share of the gold documents that BM25 found itself; the others were put in.
    """

    questions: list[Question]
    left_out: dict[str, str]
    gold_retrieved: float


class _Passage(NamedTuple):
    topic: str
    document: Document


class _NotInThisReferenceError(Exception):
    """This Python's reference does not answer a question; the message says why."""


def written_questions() -> list[WrittenQuestion]:
    """The lines of the data file."""
    text = (files("tersely_eval.data") / f"{PYTHON_REFERENCE}.jsonl").read_text(encoding="utf-8")
    return [WrittenQuestion.model_validate_json(line) for line in text.splitlines()]


def python_reference_questions(documents: int = 20) -> ReferenceQuestions:
    """The questions, each with the passages of the running Python's reference that BM25 ranks highest for it.

    A passage is made of whole paragraphs, up to a thousand characters unless one is longer (about 200 tokens on
    average), under its section's heading. The best passage comes first. The evidence is always there: a gold passage
    that BM25 did not rank high enough takes the place of the lowest of the others, stands last, and has
    `{"put_in": True}` as its metadata.

    Args:
        documents: passages for each question.

    Raises:
        InvalidInputError: there are fewer documents than a question has gold passages.
    """
    passages = _passages()
    index = LexicalIndex(
        [content_words(with_title(passage.document.title, passage.document.text)) for passage in passages]
    )
    questions: list[Question] = []
    left_out: dict[str, str] = {}
    for written in written_questions():
        try:
            support = _support(written, passages)
        except _NotInThisReferenceError as error:
            left_out[written.id] = str(error)
            continue
        scores = index.scores(content_words(written.question))
        ranked = np.argsort(-scores, kind="stable").tolist()
        questions.append(_with_documents(written, support, ranked[: max(documents, 0)], passages))
    gold = [question.documents[position] for question in questions for position in question.gold]
    retrieved = [document for document in gold if PUT_IN not in document.metadata]
    return ReferenceQuestions(questions, left_out, len(retrieved) / len(gold) if gold else 0.0)


def _passages() -> list[_Passage]:
    passages = []
    for section in reference_sections():
        topic = (section.id or "").partition(": ")[0]
        heading, _, body = section.text.partition("\n\n")
        for passage in cut_passages(Document(text=body, id=section.id)):
            passages.append(_Passage(topic, passage.model_copy(update={"title": heading})))
    return passages


def _support(written: WrittenQuestion, passages: Sequence[_Passage]) -> list[SupportSentence]:
    """The sentences that are a question's evidence, each with the position of its passage among all passages."""
    support = [_find(evidence, passages) for evidence in written.evidence]
    if not any(answer_kept(sentence.text, written.answers) for sentence in support):
        raise _NotInThisReferenceError(f"no answer stands in the evidence: {', '.join(map(repr, written.answers))}")
    return support


def _find(evidence: Evidence, passages: Sequence[_Passage]) -> SupportSentence:
    words = r"\W+".join(re.findall(r"\w+", evidence.quote))
    quote = re.compile(rf"\b{words}\b")
    for position, (topic, document) in enumerate(passages):
        match = quote.search(document.text) if topic == evidence.topic else None
        if match:
            overlapping = [
                span for span in split_sentences(document.text) if span.start < match.end() and match.start() < span.end
            ]
            text = document.text[overlapping[0].start : overlapping[-1].end].strip()
            return SupportSentence(document=position, text=text)
    raise _NotInThisReferenceError(f"the topic {evidence.topic!r} does not say {evidence.quote!r}")


def _with_documents(
    written: WrittenQuestion, support: Sequence[SupportSentence], retrieved: Sequence[int], passages: Sequence[_Passage]
) -> Question:
    """The question with its documents; gold passages that were not retrieved replace the lowest others."""
    gold = list(dict.fromkeys(sentence.document for sentence in support))
    if len(retrieved) < len(gold):
        raise InvalidInputError(
            f"documents: {written.id!r} has its evidence in {len(gold)} passages; ask for at least so many, "
            f"got {len(retrieved)}"
        )
    missing = [passage for passage in gold if passage not in retrieved]
    not_gold = [passage for passage in retrieved if passage not in gold]
    displaced = not_gold[len(not_gold) - len(missing) :]
    chosen = [passage for passage in retrieved if passage not in displaced] + missing
    documents = [passages[passage].document for passage in chosen]
    for number in range(len(chosen) - len(missing), len(chosen)):
        documents[number] = documents[number].model_copy(update={"metadata": {PUT_IN: True}})
    return Question(
        id=written.id,
        question=written.question,
        answers=written.answers,
        documents=tuple(documents),
        gold=tuple(map(chosen.index, gold)),
        support=tuple(
            SupportSentence(document=chosen.index(sentence.document), text=sentence.text) for sentence in support
        ),
    )
