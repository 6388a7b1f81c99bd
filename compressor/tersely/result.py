"""What comes out: the compressed prompt and the account of how it came about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, computed_field

from tersely.outcomes import CompressedDocument, LeftOut, RepairedDocument, SkippedDocument
from tersely.recovery import RecoveredAnswer, recover


class CompressionResult(BaseModel):
    """A compressed prompt and the account of how it came about. `model_dump_json` and `model_validate_json` round-trip.

    Attributes:
        prompt: instruction, context and question, ready for an LLM.
        context: the documents' part of it, the only part that is compressed and counted.
        documents: every usable document in the order of the context; those of which nothing was kept come last.
        skipped: documents that could not be used.
        repaired: documents that could be used once what is no text was replaced.
        question, instruction: as given.
        method, model, tokenizer: names of what did the work. The model is None where it had nothing to score.
        target_tokens: the budget.
        original_tokens: tokens of the context had nothing been dropped.
        compressed_tokens: tokens of `context`; never above `target_tokens`.
        left_out: the best units that did not fit, best first.
        smallest_useful_budget: tokens that would hold the best unit, where the budget does not.
        notes: what a reader of the context should know, in words and with the numbers: why a part of the budget is
            unused, what was too large, shortened, repaired or a copy.
        seconds: stage -> wall-clock seconds.
    """

    prompt: str
    context: str
    documents: list[CompressedDocument]
    skipped: list[SkippedDocument] = []
    repaired: list[RepairedDocument] = []
    question: str | None = None
    instruction: str | None = None
    method: str
    model: str | None = None
    tokenizer: str
    target_tokens: int
    original_tokens: int
    compressed_tokens: int
    left_out: list[LeftOut] = []
    smallest_useful_budget: int | None = None
    notes: list[str] = []
    seconds: dict[str, float]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def unused_tokens(self) -> int:
        """The part of the budget that is not used."""
        return self.target_tokens - self.compressed_tokens

    @computed_field  # type: ignore[prop-decorator]
    @property
    def rate(self) -> float:
        """Compressed / original tokens."""
        return self.compressed_tokens / self.original_tokens if self.original_tokens else 1.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ratio(self) -> float | None:
        """Original / compressed tokens; None where nothing is left."""
        return self.original_tokens / self.compressed_tokens if self.compressed_tokens else None

    def left(
        self, stays: Callable[[CompressedDocument], bool] = lambda document: False
    ) -> list[CompressedDocument | SkippedDocument]:
        """What a pipeline goes on with: documents in the order of the context, without those of which nothing is kept.

        A document without text, which has nothing to compress, stands after as many as are left of those before it.
        One that is skipped for another reason is not left.

        Args:
            stays: whether a document is left though nothing of its text is, since it has more than text.
        """
        left: list[CompressedDocument | SkippedDocument] = [
            document for document in self.documents if document.kept or stays(document)
        ]
        positions = [document.index for document in left]
        for number, skipped in enumerate(skipped for skipped in self.skipped if skipped.has_no_text):
            left.insert(number + sum(index < skipped.index for index in positions), skipped)
        return left

    def account_of(self, document: CompressedDocument) -> dict[str, Any]:
        """The account of one of `documents` for a framework's metadata, with what was repaired in it."""
        reasons = [repaired.reason for repaired in self.repaired if repaired.index == document.index]
        return {**document.account, **({"repaired": reasons[0]} if reasons else {})}

    def recover(self, answer: str) -> RecoveredAnswer:
        """Trace an answer's phrases to the original documents (LongLLMLingua, section 4.4)."""
        return recover([document.kept_text for document in self.documents], answer)

    def _repr_html_(self) -> str:
        from tersely.report import html_fragment  # what it draws with takes time to import

        return html_fragment(self)
