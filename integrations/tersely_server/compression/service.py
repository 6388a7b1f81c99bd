"""The service without HTTP: one loaded model, a bounded number of threads, limits and counters."""

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
from tersely_server.compression.admission import Admission
from tersely_server.compression.calls import CallArguments
from tersely_server.compression.limits import check_limits
from tersely_server.compression.originals import Originals
from tersely_server.errors import ServiceError
from tersely_server.metrics import Metrics
from tersely_server.settings import ServerSettings

Outcome = TypeVar("Outcome")
Results = Iterator[CompressionResult | TerselyError]
# Compresses the calls of one request one after the other: arguments of `Compressor.compress` -> results or errors.
CompressCalls = Callable[[Sequence[CallArguments]], Results]

_logger = logging.getLogger("tersely_server")


class Service:
    """Compresses for many callers.

    Args:
        settings: limits, threads and model.
        compressor: does the work; without one, `load` loads the model of the settings.

    Attributes:
        admission: decides which requests run, wait or are refused.
        metrics: the counters.
        originals: keeps what was compressed for a while, where the settings ask for it.
        failure: why the model could not be loaded; None if it could, or is not loaded yet.
    """

    def __init__(self, settings: ServerSettings, compressor: Compressor | None = None) -> None:
        self.settings = settings
        self.admission = Admission(settings.threads, settings.queue, settings.request_seconds)
        self.metrics = Metrics(working=lambda: self.admission.working, waiting=lambda: self.admission.waiting)
        self.originals = Originals(settings.originals_bytes, settings.originals_seconds)
        self.failure: Exception | None = None
        self._compressor = compressor

    async def load(self) -> None:
        """Load the model, unless there is one. If that fails, `failure` says why."""
        if self._compressor is not None:
            return
        try:
            self._compressor = await asyncio.to_thread(shared_compressor, self.settings.model, self.settings.tokenizer)
        except Exception as error:  # the service goes on, so that `/readyz` can say why it is not ready
            self.failure = error
            _logger.error("the model could not be loaded: %s", error)
            return
        _logger.info("model %s is loaded", self._compressor.scorer.name)

    def check_ready(self) -> Compressor:
        """The compressor, once its model is loaded.

        Raises:
            ServiceError: 503 if the model is not loaded, or the service is shutting down.
        """
        self.admission.check_open()
        if self.failure is not None:
            raise ServiceError(503, "model_failed", f"the model could not be loaded: {self.failure}")
        if self._compressor is None:
            raise ServiceError(503, "loading", "the model is being loaded; try again", headers={"Retry-After": "5"})
        return self._compressor

    def place(self) -> AbstractContextManager[None]:
        """A place for one request, to be held from before its body is received until it is answered.

        Raises:
            ServiceError: 503 as in `check_ready`, 429 if all places are taken.
        """
        self.check_ready()
        return self.admission.place()

    async def compress(
        self, documents: Sequence[Any], question: str | None = None, **overrides: Any
    ) -> CompressionResult:
        """`Compressor.compress` in the service's threads, within its limits.

        Args:
            documents, question: as in `Compressor.compress`.
            overrides: its other arguments; `settings` may also be a mapping.

        Raises:
            TerselyError: as `Compressor.compress` does.
            ServiceError: the request is too large or takes too long, or all places are taken.
        """
        call = {"documents": documents, "question": question, **overrides}
        with self.place():
            return await self.run(lambda compress: single_result(compress([call])))

    async def run(self, work: Callable[[CompressCalls], Outcome]) -> Outcome:
        """Run `work` in one of the service's threads and return its outcome. Call it while you hold a `place`.

        Args:
            work: gets a function that compresses the calls of a request, within the limits of the service.

        Raises:
            ServiceError: the calls are too large together, or take too long.
        """
        compressor = self._compressor or self.check_ready()

        def in_thread(cancellation: Cancellation) -> Outcome:
            def check_cancelled(*_: object) -> None:
                if cancellation.cancelled:
                    raise Cancelled

            def compress(calls: Sequence[CallArguments]) -> Results:
                check_limits(calls, self.settings, compressor.tokenizer.count, check_cancelled)
                for call in calls:
                    check_cancelled()
                    yield self._compress(compressor, call, check_cancelled)

            with cancellable(cancellation):
                return work(compress)

        return await self.admission.run(in_thread)

    def _compress(
        self, compressor: Compressor, call: CallArguments, check_cancelled: Callable[..., None]
    ) -> CompressionResult | TerselyError:
        if self.settings.log_text:
            _logger.info("compress %s", json.dumps(call, default=str))
        try:
            if isinstance(settings := call.get("settings"), Mapping):
                call = {**call, "settings": settings_from(dict(settings))}
            elif settings is not None and not isinstance(settings, CompressionSettings):
                raise InvalidInputError(f"settings must be an object, got {type(settings).__name__}")
            result = compressor.compress(**call, progress=check_cancelled)
        except TerselyError as error:
            return error
        self.metrics.compressed(result)
        return result


def single_result(results: Results) -> CompressionResult:
    """The result of the only call.

    Raises:
        TerselyError: the error of that call.
    """
    (result,) = results
    if isinstance(result, TerselyError):
        raise result
    return result
