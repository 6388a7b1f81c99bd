"""Questions with the documents a retriever found for them, read from JSON lines. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tersely import Document, InvalidInputError
from tersely.rendering import DOCUMENT_SEPARATOR, with_title


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
    """A question, what counts as its answer, and the documents to compress.

    Attributes:
        id: the question's name, stable from one release of the data to the next.
        question: as asked.
        answers: strings any of which counts as the answer.
        documents: in the order retrieved.
        gold: positions of the documents that hold the evidence.
        support: the sentences that are the evidence; empty where nobody marked them.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    question: str = Field(pattern=r"\S")
    answers: tuple[str, ...] = Field(min_length=1)
    documents: tuple[Document, ...] = Field(min_length=1)
    gold: tuple[int, ...] = ()
    support: tuple[SupportSentence, ...] = ()

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
    def context(self) -> str:
        """The documents with their titles as they stand in a prompt from which nothing is dropped."""
        return DOCUMENT_SEPARATOR.join(
            with_title(document.title, document.text) for document in self.documents if document.text.strip()
        )


def read_questions(path: str | Path) -> list[Question]:
    """The questions of a file with one JSON object a line; blank lines do not count.

    Raises:
        InvalidInputError: the file cannot be read, or a line is no question; the message names file, line and field.
    """
    questions: dict[str, Question] = {}
    try:
        for number, line in _lines(Path(path)):
            question = _read_question(line, f"{path}, line {number}")
            if question.id in questions:
                raise InvalidInputError(f"{path}, line {number}: id: {question.id!r} is there twice")
            questions[question.id] = question
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: is no UTF-8 text ({error})") from None
    if not questions:
        raise InvalidInputError(f"{path}: holds no question")
    return list(questions.values())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8") as file:  # not `splitlines`: a JSON string may hold a Unicode line separator
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def _read_question(line: str, where: str) -> Question:
    try:
        return Question.model_validate_json(line)
    except ValidationError as error:
        reasons = [
            ": ".join(filter(None, [".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, ")]))
            for detail in error.errors()
        ]
        raise InvalidInputError(f"{where}: {'; '.join(reasons)}") from None
