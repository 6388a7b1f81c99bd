"""What an input of these tests is: documents, a question, rates, and the check of what is sent of the documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meaning.checks import both, subsequence
from meaning.notation import Check, Doc, Document, units


@dataclass(frozen=True)
class Entry:
    name: str
    kind: str
    documents: Sequence[Document]
    question: str
    rates: Sequence[float]
    check: Check
    wanted: str  # words of the documents that answer the question
    docs: Sequence[Doc] = ()  # the documents with their rules, where they are written in the notation

    def hard_faults(self, context: str) -> list[str]:
        """Those but for which a context would not be right."""
        return [fault for fault in self.check(context, self.documents) if not fault.startswith("soft: ")]


def parsed(
    name: str,
    kind: str,
    documents: Sequence[Document],
    question: str,
    rates: Sequence[float],
    check: Check,
    wanted: str,
) -> Entry:
    """An input of a form that a parser reads."""
    return Entry(name, kind, documents, question, rates, both(subsequence, check), wanted)


def written(
    name: str,
    kind: str,
    question: str,
    rates: Sequence[float],
    wanted: str,
    *docs: str | Doc,
    also: Sequence[Check] = (),
) -> Entry:
    """An input in the notation."""
    read = [doc if isinstance(doc, Doc) else Doc(doc) for doc in docs]
    check = both(subsequence, units(*read), *also)
    return Entry(name, kind, [doc.document for doc in read], question, rates, check, wanted, read)
