"""What an agent can ask for: to compress a text, rank documents, have an original back, and the sums. No protocol here.

Arguments and results are plain; their descriptions are what the agent reads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pydantic import BaseModel, Field

from tersely import Compressor, InvalidInputError
from tersely.settings import settings_from
from tersely.tool_results import shortened
from tersely_server.compression import Originals

_GAP = " [...] "
_RATE = 0.5
# A document is ranked where not everything fits: so nearly everything may.
_RATE_OF_RANKING = 0.99


class Compressed(BaseModel):
    """A text made shorter."""

    text: str = Field(
        description="What was kept, in its order and its own words. [...] stands where something is left out."
    )
    original_tokens: int
    compressed_tokens: int
    id: str | None = Field(description="Give it to `retrieve` to have the whole text back; null where it is not kept.")
    note: str | None = Field(description="Why the text is whole, where it is.")


class RankedDocument(BaseModel):
    """One of the documents."""

    index: int = Field(description="Position in the list that you gave, from 0.")
    relevance: float | None = Field(description="Higher is better; compares within this call only. Null: not ranked.")
    tokens: int


class Ranked(BaseModel):
    """The documents, best first."""

    documents: list[RankedDocument]


class Retrieved(BaseModel):
    """A text as it was before it was compressed."""

    id: str
    text: str


class Stats(BaseModel):
    """Sums since the server started."""

    compressed_texts: int
    original_tokens: int
    compressed_tokens: int
    saved_tokens: int
    kept_original_bytes: int
    model: str | None = Field(description="Null until the first text is compressed.")


class Tools:
    """The work behind the tools; safe to use from several threads.

    Args:
        load: gives the compressor; called when it is first needed, for loading a model takes seconds.
        originals: keeps what was compressed.
    """

    def __init__(self, load: Callable[[], Compressor], originals: Originals) -> None:
        self._load, self._originals = load, originals
        self._lock = threading.Lock()
        self._compressor: Compressor | None = None
        self._texts = self._original_tokens = self._compressed_tokens = 0

    def compress(
        self, caller: str, text: str, question: str | None, rate: float | None, target_tokens: int | None
    ) -> Compressed:
        """A text within a budget; JSON stays JSON, and what would not become shorter stays as it is.

        Raises:
            TerselyError: as `Compressor.compress`.
        """
        if rate is None and target_tokens is None:
            rate = _RATE
        given = {"rate": rate, "target_tokens": target_tokens, "gap_marker": _GAP}
        settings = settings_from({name: value for name, value in given.items() if value is not None})
        compressor = self._ready()
        outcome = shortened(text, question, settings, compressor.compress, compressor.tokenizer.count)
        with self._lock:
            self._texts += 1
            self._original_tokens += outcome.original_tokens
            self._compressed_tokens += outcome.compressed_tokens
        return Compressed(
            text=outcome.text,
            original_tokens=outcome.original_tokens,
            compressed_tokens=outcome.compressed_tokens,
            id=self._originals.keep(caller, text) if outcome.method else None,
            note=f"This is the whole text: {outcome.reason}." if outcome.reason else None,
        )

    def rank(self, documents: Sequence[str], question: str, top: int | None) -> Ranked:
        """Documents by how likely they hold what answers a question.

        Raises:
            TerselyError: as `Compressor.compress`.
        """
        if top is not None and top < 1:
            raise InvalidInputError(f"top must be at least 1, got {top}")
        result = self._ready().compress(documents, question, rate=_RATE_OF_RANKING, method="evidence")
        relevance = {document.index: document.relevance for document in result.documents}
        ranked = []
        for document in result.documents:
            of = document.index if document.copy_of is None else document.copy_of
            value = relevance.get(of) if document.relevance is None else document.relevance
            ranked.append(RankedDocument(index=document.index, relevance=value, tokens=document.original_tokens))
        ranked += [RankedDocument(index=skipped.index, relevance=None, tokens=0) for skipped in result.skipped]
        ranked.sort(key=lambda document: (document.relevance is None, -(document.relevance or 0), document.index))
        return Ranked(documents=ranked[:top])

    def retrieve(self, caller: str, id: str) -> Retrieved:
        """The original of a compressed text.

        Raises:
            InvalidInputError: there is none, or none any more.
        """
        text = self._originals.get(caller, id.strip().lower())
        if text is None:
            raise InvalidInputError(
                f"there is no text with id {id!a:.60}: it was compressed too long ago, or never; fetch it again from "
                f"where it came"
            )
        return Retrieved(id=id.strip().lower(), text=text)

    def stats(self) -> Stats:
        """The sums so far."""
        with self._lock:
            return Stats(
                compressed_texts=self._texts,
                original_tokens=self._original_tokens,
                compressed_tokens=self._compressed_tokens,
                saved_tokens=self._original_tokens - self._compressed_tokens,
                kept_original_bytes=self._originals.size,
                model=self._compressor.scorer.name if self._compressor else None,
            )

    def _ready(self) -> Compressor:
        with self._lock:
            if self._compressor is None:
                self._compressor = self._load()
            return self._compressor
