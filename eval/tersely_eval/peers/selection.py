"""What a method, a baseline or a peer delivers. Nothing is chosen or measured here."""

from __future__ import annotations

from typing import NamedTuple

from tersely import CompressionResult, Span


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
        kept = {document.index: document.kept for document in result.documents if document.kept}
        ranked = [
            (document.relevance, -document.index) for document in result.documents if document.relevance is not None
        ]
        return cls(result.context, kept, [-position for _, position in sorted(ranked, reverse=True)] or None)
