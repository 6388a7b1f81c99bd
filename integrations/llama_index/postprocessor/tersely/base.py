"""`TerselyPostprocessor`: settings, budget and events as LlamaIndex knows them. All compression is Tersely's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any

from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr, ValidationError
from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.postprocessor.tersely.counted import compress_with_metadata
from llama_index.postprocessor.tersely.longllmlingua import GUIDE, NEW_NAMES
from llama_index.postprocessor.tersely.nodes import compressed_nodes, document_of, have_text
from pydantic.json_schema import SkipJsonSchema

from tersely import (
    DEFAULT_MODEL,
    CompressionResult,
    CompressionSettings,
    Compressor,
    InvalidInputError,
    shared_compressor,
)

dispatcher = get_dispatcher(__name__)
logger = logging.getLogger("tersely")


class TerselyPostprocessor(BaseNodePostprocessor):
    """Compresses retrieved nodes to a token budget.

    Nodes of which nothing is kept are left out. Nodes without text, and index nodes, pass unchanged. The budget covers
    the nodes' texts, joined by blank lines; with `count_metadata`, all that LlamaIndex makes the context of.

    Every field can be set later, too. A budget of one kind then replaces the other, and a new `model` or `tokenizer`
    the compressor that was given.

    Args:
        rate: compressed / original tokens, in (0, 1]. Give this or `target_tokens`.
        target_tokens: the budget in tokens.
        method, order, protect, gap_marker, fragments, granularity, dynamic_ratio, segment_tokens, strict: as in
            `tersely.CompressionSettings`.
        count_metadata: the metadata that LlamaIndex shows the LLM beside each text counts toward the budget, and so do
            nodes that pass unchanged.
        model: scores the text: the embedded default's name, a folder, a `.gguf` file or a Hub id. Loaded at first use.
        tokenizer: the name of the tokenizer that counts the budget.
        compressor: an existing compressor, instead of `model` and `tokenizer`; its settings hold where none are given.
            It is not stored or sent along: there, a model and a tokenizer of the same names are loaded.
        on_result: called with the full account of every compression, for logging or `CompressionResult.recover`.

    Raises:
        InvalidInputError: no budget or two, or a value out of range; the message names it.
    """

    model_config = ConfigDict(validate_assignment=True)

    rate: float | None = Field(default=None, description="Compressed / original tokens, in (0, 1].")
    target_tokens: int | None = Field(default=None, description="The budget in tokens, instead of a rate.")
    method: str | None = Field(default=None, description="How to choose what is kept.")
    order: str | None = Field(default=None, description="Order of the nodes that are returned.")
    protect: tuple[str, ...] = Field(default=(), description="Patterns whose matches survive byte for byte.")
    gap_marker: str | None = Field(default=None, description="Stands wherever something of a node was left out.")
    fragments: bool = Field(default=False, description="Whether a marked part of a sentence may be kept.")
    granularity: float = Field(default=2.0, description="How many budgets of whole nodes the coarse stage keeps.")
    dynamic_ratio: float = Field(default=0.25, description="How much more is kept of the best node than of others.")
    segment_tokens: int = Field(default=200, description="Tokens in a segment of iterative compression.")
    strict: bool = Field(default=False, description="Refuse all nodes for one that is no text.")
    count_metadata: bool = Field(default=False, description="Whether metadata shown to the LLM counts.")
    model: str = Field(default=DEFAULT_MODEL, description="The model that scores the text.")
    tokenizer: str | None = Field(default=None, description="The tokenizer that counts the budget.")
    on_result: SkipJsonSchema[Callable[[CompressionResult], Any] | None] = Field(default=None, exclude=True)

    _compressor: Compressor | None = PrivateAttr(default=None)

    def __init__(
        self,
        rate: float | None = None,
        target_tokens: int | None = None,
        method: str | None = None,
        order: str | None = None,
        protect: Sequence[str] | None = None,
        gap_marker: str | None = None,
        fragments: bool | None = None,
        granularity: float | None = None,
        dynamic_ratio: float | None = None,
        segment_tokens: int | None = None,
        strict: bool | None = None,
        count_metadata: bool = False,
        model: str | PathLike[str] | None = None,
        tokenizer: str | None = None,
        compressor: Compressor | None = None,
        on_result: Callable[[CompressionResult], Any] | None = None,
        **base: Any,
    ) -> None:
        _refuse_unknown(base, type(self))
        if compressor is not None and (model is not None or tokenizer is not None):
            raise InvalidInputError("compressor excludes model and tokenizer: it has its own")
        settings = (compressor.settings if compressor else CompressionSettings()).overridden(
            rate=rate,
            target_tokens=target_tokens,
            method=method,
            order=order,
            protect=protect,
            gap_marker=gap_marker,
            fragments=fragments,
            granularity=granularity,
            dynamic_ratio=dynamic_ratio,
            segment_tokens=segment_tokens,
            strict=strict,
        )
        settings.check_budget()
        model = str(model) if isinstance(model, PathLike) else model
        with _readable_errors():
            super().__init__(
                **settings.model_dump(),
                count_metadata=count_metadata,
                model=compressor.scorer.name if compressor else model or DEFAULT_MODEL,
                tokenizer=compressor.tokenizer.name if compressor else tokenizer,
                on_result=on_result,
                **base,
            )
        self._compressor = compressor

    @classmethod
    def class_name(cls) -> str:
        return "TerselyPostprocessor"

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field.

        Raises:
            InvalidInputError: the value cannot be used; the message names it, and the old one stays.
        """
        changed = {name: value}
        if name in CompressionSettings.model_fields:
            settings = self._settings(without=name).overridden(**changed)
            settings.check_budget()
            changed = {one: getattr(settings, one) for one in ("rate", "target_tokens", name)}
        with _readable_errors():
            for one, checked in changed.items():
                super().__setattr__(one, checked)
        if name in ("model", "tokenizer"):
            self._compressor = None

    def __getstate__(self) -> dict[Any, Any]:
        bare = self.model_copy()
        bare._compressor = None  # a loaded model is no part of the settings
        return BaseNodePostprocessor.__getstate__(bare)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if not have_text(nodes):
            return list(nodes)
        with self._events(nodes, query_bundle) as end:
            result, returned = self._compress(nodes, query_bundle)
            end(result, returned)
        return self._delivered(result, returned)

    @dispatcher.span
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if not have_text(nodes):
            return list(nodes)
        with self._events(nodes, query_bundle) as end:
            result, returned = await asyncio.to_thread(self._compress, nodes, query_bundle)
            end(result, returned)
        return self._delivered(result, returned)

    def _compress(
        self, nodes: Sequence[NodeWithScore], query_bundle: QueryBundle | None
    ) -> tuple[CompressionResult, list[NodeWithScore]]:
        compressor, settings = self._compressor or shared_compressor(self.model, self.tokenizer), self._settings()
        question = _question(query_bundle)
        _tell_what_is_not_asked(query_bundle, question)
        if self.count_metadata:
            return compress_with_metadata(compressor, nodes, question, settings)
        result = compressor.compress([document_of(node.node) for node in nodes], question, settings=settings)
        return result, compressed_nodes(nodes, result)

    def _delivered(self, result: CompressionResult, returned: list[NodeWithScore]) -> list[NodeWithScore]:
        if self.on_result is not None:
            self.on_result(result)
        return returned

    def _settings(self, without: str | None = None) -> CompressionSettings:
        """As the fields say now: they can be set after construction."""
        names = [name for name in CompressionSettings.model_fields if name != without]
        return CompressionSettings().overridden(**{name: getattr(self, name) for name in names})

    @contextmanager
    def _events(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None
    ) -> Iterator[Callable[[CompressionResult, list[NodeWithScore]], None]]:
        """What LlamaIndex's observers hear of a reranker: that it starts, with what, and the nodes that come of it.

        Yields:
            What is to be called with the account, whose notes are a tag of the last event, and those nodes.
        """
        payload = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: self.model,
            EventPayload.QUERY_STR: _question(query_bundle) or "",
            EventPayload.TOP_K: len(nodes),
        }
        dispatcher.event(ReRankStartEvent(query=query_bundle, nodes=nodes, top_n=len(nodes), model_name=self.model))
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:

            def end(result: CompressionResult, returned: list[NodeWithScore]) -> None:
                event.on_end(payload={EventPayload.NODES: returned})
                dispatcher.event(ReRankEndEvent(nodes=returned, tags={"notes": result.notes}))

            yield end


def _question(query_bundle: QueryBundle | None) -> str | None:
    """What is asked. Texts to embed instead of it, such as a made-up answer, are for retrievers and are not asked."""
    question = query_bundle.query_str if query_bundle else ""
    return question if question.strip() else None


def _tell_what_is_not_asked(query_bundle: QueryBundle | None, question: str | None) -> None:
    """Texts to embed that are not the question: harmless beside one, a likely mistake without."""
    if query_bundle is None or not set(query_bundle.custom_embedding_strs or ()) - {question}:
        return
    if question is not None:
        logger.debug("custom_embedding_strs are for retrievers: what is kept is chosen by query_str %r", question)
    else:
        logger.warning(
            "custom_embedding_strs are for retrievers, and query_str is empty: what is kept is chosen without a "
            "question; give a query_str"
        )


def _refuse_unknown(arguments: dict[str, Any], component: type[BaseNodePostprocessor]) -> None:
    """Arguments that are none of ours, with the name that LongLLMLinguaPostprocessor's have here."""
    unknown = sorted(set(arguments) - set(BaseNodePostprocessor.model_fields) - {"class_name"})
    if not unknown:
        return
    moved = [name for name in unknown if name in NEW_NAMES]
    if moved:
        advice = "; ".join(f"{name}: no such setting; {NEW_NAMES[name]}" for name in moved)
        raise InvalidInputError(f"{advice} ({GUIDE})")
    raise InvalidInputError(f"{', '.join(unknown)}: no such setting; there are {', '.join(component.model_fields)}")


@contextmanager
def _readable_errors() -> Iterator[None]:
    """A value of the wrong type as Tersely's own error, by name."""
    try:
        yield
    except ValidationError as error:
        reasons = (
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg'].lower()}, got {detail['input']!r}"
            for detail in error.errors()
        )
        raise InvalidInputError("; ".join(reasons)) from None
