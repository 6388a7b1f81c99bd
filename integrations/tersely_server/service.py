"""The service without HTTP: one loaded model, its bounded threads, its limits and its counters."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from tersely import (
    CompressionResult,
    CompressionSettings,
    Compressor,
    InvalidInputError,
    TerselyError,
    shared_compressor,
)
from tersely.scoring.queue import Cancellation, Cancelled, cancellable
from tersely.settings import settings_from
from tersely_server.admission import Admission
from tersely_server.calls import Arguments
from tersely_server.errors import ServiceError
from tersely_server.limits import check_limits
from tersely_server.metrics import Metrics
from tersely_server.settings import ServerSettings

Outcome = TypeVar("Outcome")
Results = Iterator[CompressionResult | TerselyError]
Compress = Callable[[Sequence[Arguments]], Results]

_logger = logging.getLogger("tersely_server")


class Service:
    """Compresses for many callers.

    Args:
        settings: how.
        compressor: does the work; without one, `load` loads that of the settings.

    Attributes:
        admission: who may work.
        metrics: what is counted.
        failure: why the model could not be loaded.
    """

    def __init__(self, settings: ServerSettings, compressor: Compressor | None = None) -> None:
        self.settings = settings
        self.admission = Admission(settings.threads, settings.queue, settings.request_seconds)
        self.metrics = Metrics(self.admission)
        self.failure: Exception | None = None
        self._compressor = compressor

    async def load(self) -> None:
        """Load the model, if there is none yet; where that fails, `failure` says why."""
        if self._compressor is not None:
            return
        try:
            self._compressor = await asyncio.to_thread(shared_compressor, self.settings.model, self.settings.tokenizer)
        except Exception as error:  # whatever it is: the service lives on, to say that it cannot serve
            self.failure = error
            _logger.error("the model could not be loaded: %s", error)
            return
        _logger.info("model %s is loaded", self._compressor.scorer.name)

    def check_ready(self) -> Compressor:
        """What compresses.

        Raises:
            ServiceError: 503 where the model is not loaded, or the service is shutting down.
        """
        self.admission.check_open()
        if self.failure is not None:
            raise ServiceError(503, "model_failed", f"the model could not be loaded: {self.failure}")
        if self._compressor is None:
            raise ServiceError(503, "loading", "the model is being loaded; try again", headers={"Retry-After": "5"})
        return self._compressor

    def place(self) -> AbstractContextManager[None]:
        """A place for one request, to be held from before its body is read until it is answered.

        Raises:
            ServiceError: 503 as in `check_ready`, 429 where all places are taken.
        """
        self.check_ready()
        return self.admission.place()

    async def compress(
        self, documents: Sequence[Any], question: str | None = None, **overrides: Any
    ) -> CompressionResult:
        """`Compressor.compress` in the service's threads, within its limits.

        Args:
            documents, question: as there.
            overrides: its other arguments; `settings` also as a mapping.

        Raises:
            TerselyError: as there.
            ServiceError: the request is too large, takes too long, or is one too many.
        """
        call = {"documents": documents, "question": question, **overrides}
        with self.place():
            return await self.run(lambda compress: only(compress([call])))

    async def run(self, work: Callable[[Compress], Outcome]) -> Outcome:
        """The outcome of `work`, run in one of the service's threads; to be called with a `place`.

        Args:
            work: gets a function from the arguments of several calls of `Compressor.compress` to the result or the
                error of each, one after the other.

        Raises:
            ServiceError: the calls are too large together, or take too long.
        """
        compressor = self._compressor or self.check_ready()

        def in_thread(cancellation: Cancellation) -> Outcome:
            def go_on(*_: object) -> None:
                if cancellation.cancelled:
                    raise Cancelled

            def compress(calls: Sequence[Arguments]) -> Results:
                check_limits(calls, self.settings, compressor.tokenizer.count, go_on)
                for call in calls:
                    go_on()
                    yield self._compress(compressor, call, go_on)

            with cancellable(cancellation):
                return work(compress)

        return await self.admission.run(in_thread)

    def _compress(
        self, compressor: Compressor, call: Arguments, go_on: Callable[..., None]
    ) -> CompressionResult | TerselyError:
        if self.settings.log_text:
            _logger.info("compress %s", json.dumps(call, default=str))
        try:
            if isinstance(settings := call.get("settings"), Mapping):
                call = {**call, "settings": settings_from(dict(settings))}
            elif settings is not None and not isinstance(settings, CompressionSettings):
                raise InvalidInputError(f"settings must be an object, got {type(settings).__name__}")
            result = compressor.compress(**call, progress=go_on)
        except TerselyError as error:
            return error
        self.metrics.compressed(result)
        return result


def only(results: Results) -> CompressionResult:
    """The result of a single call.

    Raises:
        TerselyError: its error.
    """
    (result,) = results
    if isinstance(result, TerselyError):
        raise result
    return result
