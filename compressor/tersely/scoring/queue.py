"""The queue in front of the model: callers of many threads share passes, and a caller that gives up frees its place.

One thread runs all passes, so matrix libraries keep one team of threads however many callers there are. A pass takes
the work that has waited longest, of any caller. A caller with more than one pass of work goes to the end of the queue
after each, so that nobody waits for all of it. A pass with room left waits a moment for callers that are about to ask.
This room knows nothing of models.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from tersely.forks import lock_for_forks

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")
Result = TypeVar("Result")

# Seconds that a pass waits at most for callers that are on their way, counted from when each set out.
PATIENCE = 0.03


class Cancelled(Exception):  # noqa: N818 - not an error of the program
    """The caller has given up: its work was not done."""


class Cancellation:
    """How another thread tells a caller to give up. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake: list[Callable[[], None]] = []
        self.cancelled = False

    def cancel(self) -> None:
        """Give up: a wait in `PassQueue.run` ends with `Cancelled`, and so does every later one."""
        with self._lock:
            self.cancelled = True
            wake = list(self._wake)
        for wake_caller in wake:
            wake_caller()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` when the caller is to give up."""
        with self._lock:
            self._wake.append(wake)
        try:
            yield
        finally:
            with self._lock:
                self._wake.remove(wake)


_CANCELLATION: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


@contextmanager
def cancellable(cancellation: Cancellation) -> Iterator[None]:
    """Let `cancellation` end every `PassQueue.run` that this thread calls meanwhile."""
    token = _CANCELLATION.set(cancellation)
    try:
        yield
    finally:
        _CANCELLATION.reset(token)


_arriving: dict[object, float] = {}  # callers on their way, and since when
_ARRIVAL: ContextVar[object] = ContextVar("arrival", default=None)


@contextmanager
def arriving() -> Iterator[None]:
    """Let passes wait a moment for this thread: from here on until its first `PassQueue.run`."""
    arrival = object()
    _arriving[arrival] = time.monotonic()
    token = _ARRIVAL.set(arrival)
    try:
        yield
    finally:
        _ARRIVAL.reset(token)
        _arriving.pop(arrival, None)


def _caller_arrives() -> bool:
    lately = time.monotonic() - PATIENCE
    return any(since > lately for since in list(_arriving.values()))


class _Job(Generic[Work, Outcome]):
    """What one caller waits for."""

    def __init__(self, work: Sequence[Work]) -> None:
        self.work = work
        self.outcomes: dict[int, Outcome] = {}
        self.error: BaseException | None = None
        self.taken = 0  # of its work, how much is running or done

    @property
    def finished(self) -> bool:
        return self.error is not None or len(self.outcomes) == len(self.work)


class PassQueue(Generic[Work, Outcome]):
    """Runs work in passes of bounded size, callers in turns, each caller's work in its order.

    Args:
        run: runs one pass: pieces of work in, as many outcomes out.
        size: of one piece of work.
        limit: the sizes in a pass add up to at most this, unless a single one is larger.
    """

    def __init__(
        self, run: Callable[[Sequence[Work]], Sequence[Outcome]], size: Callable[[Work], int], limit: int
    ) -> None:
        self._run_pass, self._size, self._limit = run, size, limit
        self._passing = lock_for_forks()
        self._begin()

    def run(self, work: Sequence[Work], progress: Callable[[Sequence[Work]], None] | None = None) -> list[Outcome]:
        """Run work, and wait for its outcomes.

        Args:
            work: what to do; it may share passes with that of other callers.
            progress: called in this thread, now and then, with the work that is done.

        Returns:
            The outcomes, in the order of the work.

        Raises:
            Cancelled: another thread told this caller to give up.
            Exception: as the pass raised it in which the caller's work stood.
        """
        self._begin_after_fork()
        cancellation = _CANCELLATION.get() or Cancellation()
        job: _Job[Work, Outcome] = _Job(work)
        with cancellation.waking(self._wake), self._changed:
            self._jobs.append(job)
            _arriving.pop(_ARRIVAL.get(), None)
            self._changed.notify_all()
            self._worker.submit(self._work)
            try:
                told = 0
                while not (job.finished or cancellation.cancelled):
                    self._changed.wait()
                    done = list(job.outcomes)
                    if progress and len(done) > told:
                        with _released(self._changed):
                            progress([work[number] for number in done[told:]])
                        told = len(done)
            finally:  # also where the wait itself is interrupted
                if job in self._jobs:
                    self._jobs.remove(job)
        if job.error is not None:
            raise job.error
        if not job.finished:
            raise Cancelled
        return [job.outcomes[number] for number in range(len(work))]

    def call(self, action: Callable[[], Result]) -> Result:
        """Run something else in the thread of the passes, and wait for it."""
        self._begin_after_fork()
        return self._worker.submit(action).result()

    def _begin_after_fork(self) -> None:
        """A forked process has no thread that works."""
        if self._process == os.getpid():
            return
        with self._passing:  # its first callers may come together
            if self._process != os.getpid():
                self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._jobs: deque[_Job[Work, Outcome]] = deque()  # those with work that waits
        self._changed = threading.Condition()
        self._worker = ThreadPoolExecutor(1, "tersely-scorer")

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        """Run passes until nothing waits."""
        while batch := self._next_batch():
            self._run_batch(batch)

    def _next_batch(self) -> list[tuple[_Job[Work, Outcome], int]]:
        """Jobs and the numbers of their work, as much as fits a pass."""
        batch: list[tuple[_Job[Work, Outcome], int]] = []
        total = 0
        with self._changed:
            if self._jobs and _caller_arrives() and self._waiting() < self._limit:
                self._changed.wait_for(lambda: not _caller_arrives(), PATIENCE)
            while self._jobs:
                job = self._jobs[0]
                while job.taken < len(job.work):
                    total += self._size(job.work[job.taken])
                    if batch and total > self._limit:
                        if batch[-1][0] is job:
                            self._jobs.rotate(-1)
                        return batch
                    batch.append((job, job.taken))
                    job.taken += 1
                self._jobs.popleft()
        return batch

    def _waiting(self) -> int:
        """The size of all work that waits."""
        return sum(self._size(work) for job in self._jobs for work in job.work[job.taken :])

    def _run_batch(self, batch: list[tuple[_Job[Work, Outcome], int]]) -> None:
        try:
            with self._passing:
                outcomes = self._run_pass([job.work[number] for job, number in batch])
        except Exception as error:
            jobs = list(dict.fromkeys(job for job, _ in batch))
            if len(jobs) > 1:  # an error of one caller's work must not reach the others
                for caller in jobs:
                    self._run_batch([(job, number) for job, number in batch if job is caller])
                return
            with self._changed:
                jobs[0].error = error
                if jobs[0] in self._jobs:
                    self._jobs.remove(jobs[0])
                self._changed.notify_all()
            return
        with self._changed:
            for (job, number), outcome in zip(batch, outcomes, strict=True):
                job.outcomes[number] = outcome
            self._changed.notify_all()


@contextmanager
def _released(condition: threading.Condition) -> Iterator[None]:
    """Release a held lock for a moment."""
    condition.release()
    try:
        yield
    finally:
        condition.acquire()
