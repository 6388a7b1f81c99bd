"""Haystack documents -> Tersely's documents, and back, one by one. All compression is Tersely's own.

The caller's documents are never changed. Each compressed document is a copy with the same id, meta, score, blob and
embeddings; only its content is shorter, and one key of its meta says what was kept.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from math import inf, isnan
from os import PathLike
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict

from tersely import (
    DEFAULT_MODEL,
    CompressedDocument,
    CompressionResult,
    CompressionSettings,
    Compressor,
    InvalidInputError,
    shared_compressor,
)
from tersely.input import shortened
from tersely.settings import takes_settings

META_KEY = "tersely"
# As it has always been; a setting that is newer is given by name.
_BY_POSITION = "rate target_tokens method order protect gap_marker fragments strict model tokenizer".split()


@component
class TerselyRanker:
    """
    Puts the documents that matter for a query first, and compresses them to a token budget.

    It stands where a ranker stands, between a retriever and a prompt builder. Documents of which nothing is kept are
    left out; documents without text pass unchanged, in their places. The budget covers the documents' contents, joined
    by blank lines; what a prompt template adds to them is outside it.

    ### Usage example

    ```python
    from haystack import Document
    from haystack_integrations.components.rankers.tersely import TerselyRanker

    ranker = TerselyRanker(rate=0.5)
    documents = [Document(content="Paris is in France. It rains."), Document(content="Berlin is in Germany.")]
    print(ranker.run(query="Where is Paris?", documents=documents)["documents"][0].content)
    ```
    """

    @takes_settings(*_BY_POSITION)
    def __init__(
        self, *, model: str | PathLike[str] = DEFAULT_MODEL, tokenizer: str | None = None, **settings: Any
    ) -> None:
        """
        Creates a TerselyRanker. Nothing is loaded before `warm_up`.

        :param settings: Those of `tersely.CompressionSettings`: `rate` or `target_tokens`, and the rest. Each is an
            attribute, too, which can be set later.
        :param model: Scores the text: the embedded default's name, a folder, a `.gguf` file or a Hub id.
        :param tokenizer: The name of the tokenizer that counts the budget.
        :raises InvalidInputError: If there is no budget or two, or a value is out of range.
        """
        checked = CompressionSettings().overridden(**settings)
        checked.check_budget()
        for name, value in checked.model_dump(mode="json").items():  # lists, not tuples, which YAML has not
            setattr(self, name, value)
        self.model = str(model)
        self.tokenizer = tokenizer
        self._compressor: Compressor | None = None

    def warm_up(self) -> None:
        """
        Loads the model, once a process however many components ask for it.

        :raises TerselyError: If the model or the tokenizer cannot be found or loaded.
        """
        if self._compressor is None:
            self._compressor = shared_compressor(self.model, self.tokenizer)

    async def warm_up_async(self) -> None:
        """Loads the model in a thread: the event loop goes on meanwhile."""
        await asyncio.to_thread(self.warm_up)

    def to_dict(self) -> dict[str, Any]:
        """
        Serializes the component to a dictionary.

        :returns: Dictionary with serialized data.
        """
        return default_to_dict(self, **self._values(), model=self.model, tokenizer=self.tokenizer)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "TerselyRanker":
        """
        Deserializes the component from a dictionary.

        :param data: Dictionary to deserialize from.
        :returns: Deserialized component.
        """
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document], account=dict[str, Any])
    def run(
        self,
        query: str,
        documents: list[Document],
        rate: float | None = None,
        target_tokens: int | None = None,
    ) -> dict[str, Any]:
        """
        Compresses documents to what matters for a query.

        Before that, documents with the same id are reduced to the one with the highest score, and of several with that
        score to the one with most text.

        :param query: The question; if it is empty, what is kept is chosen without one.
        :param documents: The documents that were retrieved.
        :param rate: If set, overrides the budget set at initialization, of either kind.
        :param target_tokens: If set, overrides the budget set at initialization, of either kind.
        :returns: A dictionary with the following keys:
            - `documents`: The compressed documents; `meta["tersely"]` of each says what was kept.
            - `account`: The full account as plain values, for logging; `tersely.CompressionResult.model_validate` makes
              a `CompressionResult` of it, whose `recover` traces an answer. Empty if there was no text.
        :raises TerselyError: As `tersely.Compressor.compress`; the documents are untouched.
        """
        settings = CompressionSettings().overridden(**self._values()).overridden(rate=rate, target_tokens=target_tokens)
        documents = _unique(documents)
        if not any(_text(document) for document in documents):
            return {"documents": documents, "account": {}}
        self.warm_up()
        assert self._compressor is not None
        texts = [{"text": _text(document), "id": document.id} for document in documents]
        result = self._compressor.compress(texts, query if str(query or "").strip() else None, settings=settings)
        return {"documents": _returned(documents, result), "account": result.model_dump(mode="json")}

    @component.output_types(documents=list[Document], account=dict[str, Any])
    async def run_async(
        self,
        query: str,
        documents: list[Document],
        rate: float | None = None,
        target_tokens: int | None = None,
    ) -> dict[str, Any]:
        """
        `run` in a thread: the event loop goes on meanwhile.

        :param query: As in `run`.
        :param documents: As in `run`.
        :param rate: As in `run`.
        :param target_tokens: As in `run`.
        :returns: As `run`.
        """
        return await asyncio.to_thread(self.run, query, documents, rate, target_tokens)

    def _values(self) -> dict[str, Any]:
        """Each setting as its attribute says now."""
        return {name: getattr(self, name) for name in CompressionSettings.model_fields}


def _unique(documents: Sequence[Document]) -> list[Document]:
    """Of the documents with the same id the one with the highest score, as every Haystack ranker has it.

    Where scores are equal it is the one with most text, since a retriever may return a piece beside the whole.
    """
    best: dict[str, Document] = {}
    for index, document in enumerate(documents):
        if not isinstance(document, Document):
            raise InvalidInputError(
                f"documents[{index}] must be a haystack Document, got {shortened(document)}; make it "
                f"Document(content=...)"
            )
        if document.id not in best or _preference(document) > _preference(best[document.id]):
            best[document.id] = document
    return list(best.values())


def _preference(document: Document) -> tuple[float, int]:
    score = -inf if document.score is None or isnan(document.score) else document.score
    return score, len(_text(document).strip())


def _text(document: Document) -> str:
    content = document.content or ""
    return content if content.strip() else ""


def _returned(documents: Sequence[Document], result: CompressionResult) -> list[Document]:
    """The compressed documents in the order of the context, and what passes unchanged between them.

    A document with a blob, such as an image, stays even if none of its text does.
    """
    left = result.left(stays=lambda document: documents[document.index].blob is not None)
    return [
        _compressed(documents[entry.index], result.account_of(entry), entry.text)
        if isinstance(entry, CompressedDocument)
        else documents[entry.index]
        for entry in left
    ]


def _compressed(original: Document, account: dict[str, Any], text: str) -> Document:
    """A copy of the document with the compressed text and the account of it; its id stays that of the original."""
    return replace(original, content=text, meta={**original.meta, META_KEY: account})
