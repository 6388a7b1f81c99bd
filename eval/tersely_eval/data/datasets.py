"""Questions with the documents that a retriever found for them, read from a file. Nothing is measured here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tersely import Document, InvalidInputError
from tersely.budget import DOCUMENT_SEPARATOR, with_title
from tersely.errors import complaint
from tersely.input import check_text
from tersely_eval.data.formats import check_fields, question_values
from tersely_eval.data.records import Record, read_records

_logger = logging.getLogger(__name__)
_REASONS = 3  # that an error names of one question


class SupportSentence(BaseModel):
    """A sentence that somebody marked as evidence.

    Attributes:
        document: the position of its document.
        text: the sentence as it stands there, but for white space at its ends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: int
    text: str = Field(pattern=r"\S")


class Question(BaseModel):
    """A question, its answers, and the documents to compress.

    Attributes:
        id: the question's name, stable from one release of the data to the next.
        question: as asked.
        answers: strings any of which counts as the answer; empty where nobody gave any.
        needs: strings that are all part of the answer, such as the places of a list or both numbers of a sum.
        signals: several things of which the more are kept the better, each as strings any of which will do. Where there
            are any, they are what is measured, in place of `answers` and `needs`.
        answerable: false where nothing in the documents answers; then nothing is measured of an answer.
        documents: in the order retrieved.
        gold: positions of the documents that hold the evidence.
        support: the sentences that are the evidence; empty where nobody marked them.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(coerce_numbers_to_str=True)
    question: str = Field(pattern=r"\S")
    answers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    signals: tuple[tuple[str, ...], ...] = ()
    answerable: bool = True
    documents: tuple[Document, ...] = Field(min_length=1)
    gold: tuple[int, ...] = ()
    support: tuple[SupportSentence, ...] = ()

    @model_validator(mode="after")
    def _texts_can_be_encoded(self) -> Question:
        check_text(self.question, "question")
        for number, document in enumerate(self.documents):
            check_text(document.title or "", f"documents.{number}.title")
            check_text(document.text, f"documents.{number}.text")
        return self

    @model_validator(mode="after")
    def _evidence_stands_in_the_documents(self) -> Question:
        if not any(document.text.strip() for document in self.documents):
            raise ValueError("documents: all of them are empty")
        positions = range(len(self.documents))
        for position in self.gold:
            if position not in positions:
                raise ValueError(f"gold: {position} is no position of one of {len(positions)} documents")
        for number, sentence in enumerate(self.support):
            if sentence.document not in positions:
                raise ValueError(
                    f"support.{number}.document: {sentence.document} is no position of one of "
                    f"{len(positions)} documents"
                )
            if sentence.text.strip() not in self.documents[sentence.document].text:
                raise ValueError(
                    f"support.{number}.text: {sentence.text!r} does not stand in document {sentence.document}"
                )
        return self

    @property
    def answer_strings(self) -> tuple[str, ...]:
        """All strings that are the answer or a part of it."""
        return (*self.answers, *self.needs, *chain.from_iterable(self.signals))

    @property
    def context(self) -> str:
        """The documents with their titles as they stand in a prompt from which nothing is dropped."""
        return DOCUMENT_SEPARATOR.join(
            with_title(document.title, document.text) for document in self.documents if document.text.strip()
        )


def read_questions(path: str | Path, fields: Mapping[str, str] | None = None) -> list[Question]:
    """The questions of a file, in its order.

    The file holds one JSON object a line, or an array of them, and may be packed with gzip. Its keys tell its
    format: those of `Question`, HotpotQA's own or those of Lost in the Middle. The number of its line becomes the id of
    a question that has none.

    Args:
        path: of the file.
        fields: names of ours (those of `Question`, and of a document `title` and `text`) -> the file's own.
            `retrieved.passages` is the field `passages` in the field `retrieved`.

    Raises:
        InvalidInputError: the file cannot be read, or a record is no question; the message names file, line and field.
    """
    fields = fields or {}
    records = list(read_records(Path(path)))
    if not records:
        raise InvalidInputError(f"{path}: holds no question")
    try:
        check_fields([record.values for record in records], fields)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from None
    questions: dict[str, Question] = {}
    for record in records:
        question = _question(record, fields)
        if question is None:
            continue
        if question.id in questions:
            raise InvalidInputError(f"{record.where}: id: {question.id!r} is there twice")
        questions[question.id] = question
    if not questions:
        raise InvalidInputError(f"{path}: no question in it has documents")
    if len(questions) < len(records):
        _logger.warning("%s: left out, for they have no documents: %d questions", path, len(records) - len(questions))
    return list(questions.values())


def _question(record: Record, fields: Mapping[str, str]) -> Question | None:
    try:
        values = question_values(record.values, fields)
        return None if values is None else Question.model_validate({"id": str(record.number), **values})
    except ValidationError as error:
        raise InvalidInputError(f"{record.where}: {complaint(error, most=_REASONS)}") from None
    except InvalidInputError as error:
        raise InvalidInputError(f"{record.where}: {error}") from None
