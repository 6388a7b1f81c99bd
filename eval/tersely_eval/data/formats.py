"""The formats in which people keep questions with their documents, each brought into the keys of `Question`.

A record's keys tell its format. Nothing is read from disk here, and of a record only what the format needs is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel, Field

from tersely import InvalidInputError

Values = Mapping[str, Any]

# Fields that may have other names in a file of the user's.
_OF_A_QUESTION = ("id", "question", "answers", "documents", "gold", "support", "needs", "signals", "answerable")
_OF_A_DOCUMENT = ("title", "text")
_LISTED = 20  # names of fields that an error shows


def parse_fields(given: Sequence[str]) -> dict[str, str]:
    """Names of fields as a command line gives them, `OURS=THEIRS` each.

    Raises:
        InvalidInputError: one has another form, or names a field twice, or one that is not ours.
    """
    fields: dict[str, str] = {}
    for pair in given:
        ours, _, theirs = (part.strip() for part in pair.partition("="))
        if not ours or not theirs:
            raise InvalidInputError(f"--field {pair!r} must be our name and yours, such as question=query")
        if ours in fields:
            raise InvalidInputError(f"--field {ours} is given twice: {fields[ours]!r} and {theirs!r}")
        fields[ours] = theirs
    _check_ours(fields)
    return fields


def check_fields(records: Sequence[Values], fields: Mapping[str, str]) -> None:
    """Refuse names that no record has, and names that are not ours.

    Raises:
        InvalidInputError: there is one; the message names the fields that there are.
    """
    _check_ours(fields)
    for ours, theirs in fields.items():
        kind, holders = "question", records
        if ours in _OF_A_DOCUMENT:
            kind, holders = "document", [document for record in records for document in _documents(record, fields)]
        if not any(_find(values, theirs)[0] for values in holders):
            there = f"the first has {_listed(holders[0])}" if holders else "there are none with fields"
            raise InvalidInputError(f"{ours}: no {kind} has a field {theirs!r}; {there}")


def question_values(record: Values, fields: Mapping[str, str]) -> dict[str, Any] | None:
    """A record of any format in the keys of `Question`; None where it has no documents by its format's own rules.

    Args:
        record: as it stands in the file.
        fields: our names -> theirs, which makes the record one with fields of its own.

    Raises:
        InvalidInputError: a field is missing; the message names those that are there.
        ValidationError: a field holds something else than its format says.
    """
    if fields or "documents" in record:
        return from_fields(record, fields)
    if "ctxs" in record:
        return from_lost_in_the_middle(record)
    if "context" in record and "_id" in record:
        return from_hotpotqa(record)
    return from_fields(record, fields)


def from_fields(record: Values, fields: Mapping[str, str]) -> dict[str, Any]:
    """Question, documents (strings, or objects with a text), and whatever else of a `Question` there is.

    Answers are a list, or one string. Other fields of the record and of its documents are ignored.
    """
    values = {ours: _find(record, fields.get(ours, ours))[1] for ours in _OF_A_QUESTION}
    question, documents = (_required(record, ours, fields) for ours in ("question", "documents"))
    if isinstance(documents, list):
        documents = [_document(document, f"documents.{number}.", fields) for number, document in enumerate(documents)]
    answers = [values["answers"]] if isinstance(values["answers"], str) else values["answers"]
    return {
        **{ours: value for ours, value in values.items() if value is not None},
        "question": question,
        "documents": documents,
        "answers": answers or (),
    }


class _HotpotQA(BaseModel):
    """A question as HotpotQA's own files have it; those of its test set have neither answer nor facts."""

    id: str = Field(alias="_id")
    question: str
    answer: str | None = None
    supporting_facts: list[tuple[str, int]] = []
    context: list[tuple[str, list[str]]]


def from_hotpotqa(record: Values) -> dict[str, Any] | None:
    """HotpotQA, distractor or full wiki: the sentences of a paragraph, each with the white space before it, joined.

    Facts that are not among the paragraphs retrieved, or point behind a paragraph's end, are no support here. A few
    questions of the full wiki have no paragraphs at all: None.
    """
    parsed = _HotpotQA.model_validate(record)
    facts = set(parsed.supporting_facts)
    titles = {title for title, _ in facts}
    values = {
        "id": parsed.id,
        "question": parsed.question,
        "answers": () if parsed.answer is None else (parsed.answer,),
        "documents": [{"title": title, "text": "".join(sentences)} for title, sentences in parsed.context],
        "gold": [position for position, (title, _) in enumerate(parsed.context) if title in titles],
        "support": [
            {"document": position, "text": sentence}
            for position, (title, sentences) in enumerate(parsed.context)
            for index, sentence in enumerate(sentences)
            if (title, index) in facts and sentence.strip()
        ],
    }
    return values if parsed.context else None


class _Passage(BaseModel):
    """A passage as the retrievers of DPR and Contriever write it, and Lost in the Middle after them."""

    title: str | None = None
    text: str
    isgold: bool | None = None
    hasanswer: bool | None = None


class _LostInTheMiddle(BaseModel):
    """A question of `nq-open-*.jsonl.gz`."""

    question: str
    answers: list[str] = []
    ctxs: list[_Passage]


def from_lost_in_the_middle(record: Values) -> dict[str, Any]:
    """Lost in the Middle: the passage marked as gold, or where none is, those in which the answer stands."""
    parsed = _LostInTheMiddle.model_validate(record)
    gold = [position for position, passage in enumerate(parsed.ctxs) if passage.isgold]
    return {
        "question": parsed.question,
        "answers": parsed.answers,
        "documents": [{"title": passage.title or None, "text": passage.text} for passage in parsed.ctxs],
        "gold": gold or [position for position, passage in enumerate(parsed.ctxs) if passage.hasanswer],
    }


def _document(value: Any, where: str, fields: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, Mapping):
        return value  # refused with its place by `Question`
    _, title = _find(value, fields.get("title", "title"))
    return {"title": title or None, "text": _required(value, "text", fields, where)}


def _required(values: Values, ours: str, fields: Mapping[str, str], where: str = "") -> Any:
    theirs = fields.get(ours, ours)
    there, value = _find(values, theirs)
    if not there:
        raise InvalidInputError(f"{where}{ours}: there is no field {theirs!r}; there are {_listed(values)}")
    return value


def _documents(record: Values, fields: Mapping[str, str]) -> list[Values]:
    _, documents = _find(record, fields.get("documents", "documents"))
    return [document for document in documents if isinstance(document, Mapping)] if isinstance(documents, list) else []


def _find(values: Values, name: str) -> tuple[bool, Any]:
    """Whether there is a field of that name, and its value. A dot leads into nested values, but in a key itself."""
    if name in values:
        return True, values[name]
    first, dot, rest = name.partition(".")
    inner = values.get(first)
    return _find(inner, rest) if dot and isinstance(inner, Mapping) else (False, None)


def _listed(values: Values) -> str:
    names = list(islice(_names(values), _LISTED + 1))
    return ", ".join(names if len(names) <= _LISTED else [*names[:_LISTED], "..."]) or "none"


def _names(values: Values, path: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield f"{path}{name}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{path}{name}.")


def _check_ours(fields: Mapping[str, str]) -> None:
    known = (*_OF_A_QUESTION, *_OF_A_DOCUMENT)
    for ours in fields:
        if ours not in known:
            raise InvalidInputError(f"fields: there is no {ours!r}; there are {', '.join(known)}")
