"""`TerselyPostprocessor`: settings, budget and events as LlamaIndex knows them. All compression is Tersely's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

from llama_index.core.bridge.pydantic import ConfigDict, Field, ValidationError
from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]  # not in its __all__
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
from tersely.errors import complaint
from tersely.settings import SettingFields, takes_settings

dispatcher = get_dispatcher(__name__)
logger = logging.getLogger("tersely")


# As it has always been; a setting that is newer is given by name.
_BY_POSITION = (
    "rate target_tokens method order protect gap_marker fragments granularity dynamic_ratio segment_tokens strict "
    "count_metadata model tokenizer compressor on_result"
).split()


class TerselyPostprocessor(SettingFields, BaseNodePostprocessor):
    """Compresses retrieved nodes to a token budget.

    Nodes of which nothing is kept are left out. Nodes without text, and index nodes, pass unchanged. The budget covers
    the nodes' texts, joined by blank lines; with `count_metadata`, all that LlamaIndex makes the context of.

    Every field can be set later, too. A budget of one kind then replaces the other, and a new `model` or `tokenizer`
    the compressor that was given.

    Its settings are those of `tersely.CompressionSettings`, and fields of it: `rate` or `target_tokens`, and the rest.

    Args:
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

    count_metadata: bool = Field(default=False, description="Whether metadata shown to the LLM counts.")
    model: str = Field(default=DEFAULT_MODEL, description="The model that scores the text.")
    tokenizer: str | None = Field(default=None, description="The tokenizer that counts the budget.")
    compressor: SkipJsonSchema[Compressor | None] = Field(default=None, exclude=True, repr=False)
    on_result: SkipJsonSchema[Callable[[CompressionResult], Any] | None] = Field(default=None, exclude=True)

    if not TYPE_CHECKING:  # a type checker takes the constructor from the fields, settings included

        @takes_settings(*_BY_POSITION)
        def __init__(
            self,
            *,
            count_metadata: bool = False,
            model: str | PathLike[str] | None = None,
            tokenizer: str | None = None,
            compressor: Compressor | None = None,
            on_result: Callable[[CompressionResult], Any] | None = None,
            **others: Any,
        ) -> None:
            _refuse_unknown(others, type(self))
            fields = {**others, **_checked_settings(others, compressor), **_source(model, tokenizer, compressor)}
            with _readable_errors(type(self)):
                super().__init__(count_metadata=count_metadata, compressor=compressor, on_result=on_result, **fields)

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
            changed = {field: getattr(settings, field) for field in ("rate", "target_tokens", name)}
        elif name in ("model", "tokenizer"):
            changed["compressor"] = None
        elif name == "compressor" and isinstance(value, Compressor):
            changed |= _source(None, None, value)
        with _readable_errors(type(self)):
            for field, checked in changed.items():
                super().__setattr__(field, checked)

    def __getstate__(self) -> dict[Any, Any]:
        # A loaded model is no part of what is stored.
        return BaseNodePostprocessor.__getstate__(self.model_copy(update={"compressor": None}))

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
        compressor, settings = self.compressor or shared_compressor(self.model, self.tokenizer), self._settings()
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
        payload: dict[str, Any] = {
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
    known = {*BaseNodePostprocessor.model_fields, *CompressionSettings.model_fields, "class_name"}
    unknown = sorted(set(arguments) - known)
    if not unknown:
        return
    moved = [name for name in unknown if name in NEW_NAMES]
    if moved:
        advice = "; ".join(f"{name}: no such setting; {NEW_NAMES[name]}" for name in moved)
        raise InvalidInputError(f"{advice} ({GUIDE})")
    raise InvalidInputError(f"{', '.join(unknown)}: no such setting; there are {', '.join(component.model_fields)}")


def _checked_settings(given: Mapping[str, Any], compressor: Compressor | None) -> dict[str, Any]:
    """Every setting: as given, else the compressor's own, else the default."""
    settings = (compressor.settings if compressor else CompressionSettings()).overridden(
        **{name: given.get(name) for name in CompressionSettings.model_fields}
    )
    settings.check_budget()
    return settings.model_dump()


def _source(
    model: str | PathLike[str] | None, tokenizer: str | None, compressor: Compressor | None
) -> dict[str, str | None]:
    """The names of model and tokenizer: as given, else the compressor's, else the default."""
    if compressor is None:
        return {"model": str(model) if isinstance(model, PathLike) else model or DEFAULT_MODEL, "tokenizer": tokenizer}
    if model is not None or tokenizer is not None:
        raise InvalidInputError("compressor excludes model and tokenizer: it has its own")
    return {"model": compressor.scorer.name, "tokenizer": compressor.tokenizer.name}


@contextmanager
def _readable_errors(component: type[BaseNodePostprocessor]) -> Iterator[None]:
    """Pydantic's errors as Tersely's own."""
    try:
        yield
    except ValidationError as error:
        raise InvalidInputError(complaint(error, component)) from None
