"""Who may work now, who waits and who is turned away. Knows nothing of compression or of HTTP requests."""

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
    """Lets a bounded number of requests in, and runs their work in a smaller number of threads.

    Args:
        threads: how many work at once.
        queue: how many more are let in.
        seconds: the longest time that a piece of work may wait and take together.
    """

    def __init__(self, threads: int, queue: int, seconds: float) -> None:
        self._threads = threads
        self._most = threads + queue
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tersely")
        self._places = anyio.CapacityLimiter(threads)
        self._working: dict[object, Cancellation] = {}
        self._taken = 0
        self._begun = 0
        self._usual_seconds = 1.0
        self._closed = False

    @property
    def working(self) -> int:
        """Requests that are worked on, those included whose client has gone but whose thread has not noticed."""
        return len(self._working)

    @property
    def waiting(self) -> int:
        """Requests that were let in and whose work has not begun."""
        return self._taken - self._begun

    @property
    def idle(self) -> bool:
        """Nobody is in."""
        return not self._taken and not self._working

    def close(self) -> None:
        """Let nobody in any more; those who are in go on."""
        self._closed = True

    def check_open(self) -> None:
        """Whether anybody is let in at all.

        Raises:
            ServiceError: 503 after `close`.
        """
        if self._closed:
            raise shutting_down()

    def stop(self) -> None:
        """Let nobody in any more, and end the work of those who are in."""
        self.close()
        for cancellation in self._working.values():
            cancellation.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Be let in, and leave at the end.

        Raises:
            ServiceError: 503 after `close`, 429 where all places are taken.
        """
        self.check_open()
        if self._taken >= self._most:
            raise self._overloaded(f"all {self._most} places are taken")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def run(self, work: Callable[[Cancellation], Outcome]) -> Outcome:
        """The outcome of `work`, which runs in a thread and gives up where what it gets is cancelled.

        Where the caller is cancelled, or the time is up, its place in the line is free at once, and its thread as soon
        as the work notices.

        Raises:
            ServiceError: 429 where the time was up before the work began, 408 where it was up before it ended.
        """
        cancellation, job, begun = Cancellation(), object(), False
        try:
            with anyio.move_on_after(self._seconds):
                await self._places.acquire_on_behalf_of(job)
                begun = True
                self._begun += 1
                return await asyncio.wrap_future(self._submit(job, cancellation, work))
        finally:
            self._begun -= begun
            cancellation.cancel()
        if not begun:
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
        """Start the work; its place is free again when its thread is."""
        loop, started = asyncio.get_running_loop(), time.monotonic()

        def free() -> None:
            self._working.pop(job, None)
            self._places.release_on_behalf_of(job)

        def learn() -> None:
            self._usual_seconds += (time.monotonic() - started - self._usual_seconds) / 8

        def done(future: Future[Outcome]) -> None:
            with suppress(RuntimeError):  # the loop has ended before the thread
                loop.call_soon_threadsafe(free)
                if not future.cancelled() and future.exception() is None:  # what is refused is refused soon
                    loop.call_soon_threadsafe(learn)

        self._working[job] = cancellation
        try:
            future = self._pool.submit(work, cancellation)
        except BaseException:
            free()
            raise
        future.add_done_callback(done)
        return future

    def _overloaded(self, why: str) -> ServiceError:
        seconds = math.ceil(self._usual_seconds * (self.waiting + 1) / self._threads)
        retry = min(max(seconds, 1), _LONGEST_RETRY)
        return ServiceError(
            429,
            "overloaded",
            f"the service has more work than it can do: {why}; try again in {retry} seconds",
            headers={"Retry-After": str(retry)},
            retry_after=retry,
        )
