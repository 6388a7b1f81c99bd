"""LangChain documents -> Tersely's documents, and back, one by one. All compression is Tersely's own.

The caller's documents are never changed. Each compressed document is a copy with the same type, id and metadata; only
its text is shorter, and one metadata key says what was kept. What LangChain's own filters wrap comes back unwrapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig, RunnableSerializable, run_in_executor
from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

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
from tersely.settings import SettingFields, takes_settings

METADATA_KEY = "tersely"
# As it has always been; a setting that is newer is given by name.
_BY_POSITION = (
    "rate target_tokens method order protect gap_marker fragments strict model tokenizer compressor on_result name"
).split()


class CompressorInput(TypedDict):
    """What `TerselyCompressor.invoke` takes: the arguments of `compress_documents`, by the same names."""

    documents: Sequence[Document | str]
    query: str | None


class TerselyCompressor(SettingFields, BaseDocumentCompressor, RunnableSerializable[CompressorInput, list[Document]]):
    """Compresses retrieved documents to a token budget.

    It stands in a `ContextualCompressionRetriever` as any document compressor does. It is a Runnable too, from
    `{"documents": [...], "query": "..."}` to a list of documents: `{"documents": retriever, "query":
    RunnablePassthrough()} | TerselyCompressor(rate=0.25)` goes from a question to what is left of its documents. Either
    way a call is a run of its own in traces and callbacks.

    Documents of which nothing is kept are left out; documents without text pass unchanged, in their places. The budget
    covers the documents' texts, joined by blank lines; what a prompt adds to them is outside it.

    Its settings are those of `tersely.CompressionSettings`, and fields of it: `rate` or `target_tokens`, and the rest.

    Args:
        model: scores the text: the embedded default's name, a folder, a `.gguf` file or a Hub id. Loaded at first use,
            once a process.
        tokenizer: the name of the tokenizer that counts the budget.
        compressor: an existing compressor, instead of `model` and `tokenizer`; its settings hold where none are given.
        on_result: called with the full account of every compression, for logging or `CompressionResult.recover`.
        name: of the run, in traces.

    Raises:
        InvalidInputError: no budget or two, or a value out of range; the message names it.
    """

    # A list, as LangChain stores it, in place of the settings' tuple.
    protect: list[str] = Field(  # type: ignore[assignment]
        default_factory=list, description=CompressionSettings.model_fields["protect"].description
    )
    model: str = Field(default=DEFAULT_MODEL, description="The model that scores the text.")
    tokenizer: str | None = Field(default=None, description="The tokenizer that counts the budget.")
    compressor: Compressor | None = Field(default=None, exclude=True, description="An existing compressor.")
    on_result: Callable[[CompressionResult], Any] | None = Field(
        default=None, exclude=True, description="Called with the full account of every compression."
    )

    model_config = ConfigDict(arbitrary_types_allowed=True)

    if not TYPE_CHECKING:  # a type checker takes the constructor from the fields, settings included

        @takes_settings(*_BY_POSITION)
        def __init__(
            self,
            *,
            model: str | PathLike[str] | None = None,
            tokenizer: str | None = None,
            compressor: Compressor | None = None,
            on_result: Callable[[CompressionResult], Any] | None = None,
            name: str | None = None,
            **settings: Any,
        ) -> None:
            checked = _settings(settings, compressor)
            checked.check_budget()
            fields = {**checked.model_dump(), **_source(model, tokenizer, compressor)}
            super().__init__(compressor=compressor, on_result=on_result, name=name, **fields)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Its settings can be stored; `compressor` and `on_result` are left out, as they are objects."""
        return True

    def compress_documents(
        self, documents: Sequence[Document | str], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The documents, compressed to what matters for the query.

        Args:
            documents: as they were retrieved; a string stands for a document with that text.
            query: the question; if it is empty, what is kept is chosen without one.
            callbacks: told when the compression starts, ends or fails, as of any run.

        Raises:
            TerselyError: as `tersely.Compressor.compress`.
        """
        return self.invoke({"documents": documents, "query": query}, {"callbacks": callbacks})

    async def acompress_documents(
        self, documents: Sequence[Document | str], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """`compress_documents`, the work of it in a thread: the event loop goes on meanwhile."""
        return await self.ainvoke({"documents": documents, "query": query}, {"callbacks": callbacks})

    def invoke(self, input: CompressorInput, config: RunnableConfig | None = None, **kwargs: Any) -> list[Document]:
        """`compress_documents`, as a step of a chain.

        Args:
            input: a dictionary with `documents` and `query`.
            config: of the run.
        """
        return self._call_with_config(self._compress, input, config, **kwargs)

    async def ainvoke(
        self, input: CompressorInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """`acompress_documents`, as a step of a chain; the arguments are those of `invoke`."""
        return await self._acall_with_config(self._acompress, input, config, **kwargs)

    def _compress(self, input: CompressorInput) -> list[Document]:
        documents, question = _read(input)
        if not any(document.page_content.strip() for document in documents):
            return documents
        return self._returned(documents, self._result(documents, question))

    async def _acompress(self, input: CompressorInput) -> list[Document]:
        documents, question = _read(input)
        if not any(document.page_content.strip() for document in documents):
            return documents
        return self._returned(documents, await run_in_executor(None, self._result, documents, question))

    def _result(self, documents: Sequence[Document], question: str | None) -> CompressionResult:
        settings = _settings(self.__dict__, self.compressor)  # as the fields say now: they can be set later
        texts = [{"text": document.page_content, "id": document.id} for document in documents]
        compressor = self.compressor or shared_compressor(self.model, self.tokenizer)
        return compressor.compress(texts, question, settings=settings)

    def _returned(self, documents: Sequence[Document], result: CompressionResult) -> list[Document]:
        """The compressed documents in the order of the context, and what passes unchanged between them."""
        if self.on_result is not None:
            self.on_result(result)
        return [
            _compressed(documents[entry.index], result.account_of(entry), entry.text)
            if isinstance(entry, CompressedDocument)
            else documents[entry.index]
            for entry in result.left()
        ]


def _settings(given: Mapping[str, Any], compressor: Compressor | None) -> CompressionSettings:
    """Each as given, else the compressor's own, else the default."""
    return (compressor.settings if compressor else CompressionSettings()).overridden(
        **{name: given.get(name) for name in CompressionSettings.model_fields}
    )


def _source(
    model: str | PathLike[str] | None, tokenizer: str | None, compressor: Compressor | None
) -> dict[str, str | None]:
    """The names of model and tokenizer: as given, else the compressor's, else the default."""
    model = str(model) if isinstance(model, PathLike) else model
    if compressor is None:
        return {"model": model or DEFAULT_MODEL, "tokenizer": tokenizer}
    own: dict[str, str | None] = {"model": compressor.scorer.name, "tokenizer": compressor.tokenizer.name}
    if model not in (None, own["model"]) or tokenizer not in (None, own["tokenizer"]):  # a copy is given its own
        raise InvalidInputError("compressor excludes model and tokenizer: it has its own")
    return own


def _read(input: CompressorInput) -> tuple[list[Document], str | None]:
    """The documents, and the question if there is one."""
    if not isinstance(input, Mapping) or not {"documents", "query"} <= input.keys():
        got = f"the keys {', '.join(map(str, input))}" if isinstance(input, Mapping) else type(input).__name__
        raise InvalidInputError(
            f'TerselyCompressor takes {{"documents": [...], "query": "..."}}, got {got}; in a chain: '
            f'{{"documents": retriever, "query": RunnablePassthrough()}} | TerselyCompressor(...)'
        )
    documents, query = input["documents"], input["query"]
    if isinstance(documents, (str, Document, Mapping)) or not isinstance(documents, Iterable):
        raise InvalidInputError(f"documents must be a list of documents, got {shortened(documents)}; put it in a list")
    read = [_read_document(index, entry) for index, entry in enumerate(documents)]
    return read, query if str(query or "").strip() else None


def _read_document(index: int, entry: Any) -> Document:
    if isinstance(entry, str):
        return Document(page_content=entry)
    if not isinstance(entry, Document):
        raise InvalidInputError(
            f"documents[{index}] must be a Document or a string, got {shortened(entry)}; make it "
            f"Document(page_content=..., metadata=...)"
        )
    if hasattr(entry, "to_document"):
        # What a filter keeps beside a document, such as an embedding, is of the whole text and cannot be stored.
        return Document(page_content=entry.page_content, metadata=entry.metadata, id=entry.id)
    return entry


def _compressed(original: Document, account: dict[str, Any], text: str) -> Document:
    """A copy of the document with the compressed text and the account of it."""
    return original.model_copy(update={"page_content": text, "metadata": {**original.metadata, METADATA_KEY: account}})
