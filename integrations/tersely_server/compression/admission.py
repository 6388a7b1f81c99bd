"""Which requests run now, which wait and which are refused. Knows nothing of compression or HTTP."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

import anyio

from tersely.scoring.queue import Cancellation
from tersely_server.errors import ServiceError, shutting_down

Outcome = TypeVar("Outcome")

_LONGEST_RETRY = 60  # seconds


class Admission:
    """Admits a bounded number of requests, and runs their work in a smaller number of threads.

    Args:
        threads: how many requests run at once.
        queue: how many more are admitted and wait.
        seconds: the longest time that the work of a request may wait and run together.
    """

    def __init__(self, threads: int, queue: int, seconds: float) -> None:
        self._threads = threads
        self._places = threads + queue
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tersely")
        self._free_threads = anyio.CapacityLimiter(threads)
        self._running: dict[object, Cancellation] = {}
        self._admitted = 0
        self._started = 0
        self._average_seconds = 1.0
        self._closed = False

    @property
    def working(self) -> int:
        """How many requests run. A cancelled one counts until its thread has ended."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many requests are admitted and have not started to run."""
        return self._admitted - self._started

    @property
    def idle(self) -> bool:
        """Whether no request is admitted and none runs."""
        return not self._admitted and not self._running

    def close(self) -> None:
        """Admit no more requests. Those that are admitted go on."""
        self._closed = True

    def check_open(self) -> None:
        """Refuse if no requests are admitted any more.

        Raises:
            ServiceError: 503 after `close`.
        """
        if self._closed:
            raise shutting_down()

    def stop(self) -> None:
        """Admit no more requests, and cancel those that run."""
        self.close()
        for cancellation in self._running.values():
            cancellation.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for one request.

        Raises:
            ServiceError: 503 after `close`, 429 if all places are taken.
        """
        self.check_open()
        if self._admitted >= self._places:
            raise self._overloaded(f"all {self._places} places are taken")
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def run(self, work: Callable[[Cancellation], Outcome]) -> Outcome:
        """Run `work` in a thread and return its outcome.

        `work` gets a `Cancellation` and must give up when it is cancelled: if the caller is cancelled or the time is
        up. The caller goes on at once; the thread is free when the work has given up.

        Raises:
            ServiceError: 429 if the time was up before the work began, 408 if it was up before the work ended.
        """
        cancellation, job, started = Cancellation(), object(), False
        try:
            with anyio.move_on_after(self._seconds):
                await self._free_threads.acquire_on_behalf_of(job)
                started = True
                self._started += 1
                return await asyncio.wrap_future(self._submit(job, cancellation, work))
        finally:
            self._started -= started
            cancellation.cancel()
        if not started:
            raise self._overloaded(f"no thread was free within {self._seconds:g} seconds")
        raise ServiceError(
            408,
            "time_limit",
            f"the work was not done after {self._seconds:g} seconds and was stopped; send fewer or shorter documents",
            limit=self._seconds,
        )

    def _submit(
        self, job: object, cancellation: Cancellation, work: Callable[[Cancellation], Outcome]
    ) -> Future[Outcome]:
        """Start the work in a thread, which counts as free again when the work has ended."""
        loop, start = asyncio.get_running_loop(), time.monotonic()

        def free() -> None:
            self._running.pop(job, None)
            self._free_threads.release_on_behalf_of(job)

        def update_average() -> None:
            self._average_seconds += (time.monotonic() - start - self._average_seconds) / 8

        def done(future: Future[Outcome]) -> None:
            with suppress(RuntimeError):  # the loop ended before the thread
                loop.call_soon_threadsafe(free)
                # Work that fails mostly fails at once, so it says nothing about how long work takes.
                if not future.cancelled() and future.exception() is None:
                    loop.call_soon_threadsafe(update_average)

        self._running[job] = cancellation
        try:
            future = self._pool.submit(work, cancellation)
        except BaseException:
            free()
            raise
        future.add_done_callback(done)
        return future

    def _overloaded(self, reason: str) -> ServiceError:
        seconds = math.ceil(self._average_seconds * (self.waiting + 1) / self._threads)
        retry = min(max(seconds, 1), _LONGEST_RETRY)
        return ServiceError(
            429,
            "overloaded",
            f"the service has more work than it can do: {reason}; try again in {retry} seconds",
            headers={"Retry-After": str(retry)},
            retry_after=retry,
        )
