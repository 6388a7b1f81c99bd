"""Callers that share passes: order, limits, errors, giving up. The passes are functions that tests hold up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tersely.scoring import queue
from tersely.scoring.queue import Cancellation, Cancelled, PassQueue, arriving, cancellable

SOON = 20.0  # seconds: far more than anything here takes; a wait this long has failed


class Passes:
    """Doubles numbers, and remembers what stood in each pass. Closed, it waits in the pass until it is opened."""

    def __init__(self, limit: int = 10) -> None:
        self.ran: list[list[int]] = []
        self.open, self.entered = threading.Event(), threading.Event()
        self.open.set()
        self.queue: PassQueue[int, int] = PassQueue(self._run, size=lambda number: number, limit=limit)

    def _run(self, numbers: Sequence[int]) -> list[int]:
        self.ran.append(list(numbers))
        self.entered.set()
        assert self.open.wait(SOON)
        if 13 in numbers:
            raise ValueError("13 is unlucky")
        return [2 * number for number in numbers]


class Caller(threading.Thread):
    """A caller in a thread of its own, with what came of it."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.action, self.found, self.error = action, None, None
        self.start()

    def run(self) -> None:
        try:
            self.found = self.action()
        except BaseException as error:
            self.error = error

    def wait(self) -> Caller:
        self.join(SOON)
        assert not self.is_alive(), "a caller waits for ever"
        return self


def held_up(passes: Passes) -> Caller:
    """A caller whose pass runs until the passes are opened."""
    passes.open.clear()
    caller = Caller(lambda: passes.queue.run([1]))
    assert passes.entered.wait(SOON)
    return caller


def enqueue(passes: Passes, *works: list[int]) -> list[Caller]:
    """Callers that wait, in this order."""
    callers = []
    for number, work in enumerate(works, start=1):
        callers.append(Caller(lambda work=work: passes.queue.run(work)))
        wait_for_jobs(passes, number)
    return callers


def wait_for_jobs(passes: Passes, number: int) -> None:
    """Return when so many callers stand in the queue."""
    for _ in range(int(SOON * 1000)):
        if len(passes.queue._jobs) >= number:
            return
        time.sleep(0.001)
    raise AssertionError("nobody stands in the queue")


@given(st.lists(st.integers(1, 12), max_size=30), st.integers(1, 30))
def test_all_work_is_done_in_order_and_no_pass_is_too_large(work, limit) -> None:
    passes = Passes(limit)
    assert passes.queue.run(work) == [2 * number for number in work]
    assert [number for one in passes.ran for number in one] == work
    assert all(sum(one) <= limit or len(one) == 1 for one in passes.ran)


def test_callers_share_a_pass_and_each_gets_its_own() -> None:
    passes = Passes()
    first = held_up(passes)
    others = enqueue(passes, [2, 3], [4], [5, 6])
    passes.open.set()
    assert [caller.wait().found for caller in (first, *others)] == [[2], [4, 6], [8], [10, 12]]
    assert passes.ran == [[1], [2, 3, 4], [5], [6]], "as many as fit 10, whosesoever they are"


def test_nobody_waits_for_all_of_a_callers_work() -> None:
    passes = Passes(limit=4)
    first = held_up(passes)
    others = enqueue(passes, [4, 4, 4, 4], [1], [4, 3])
    passes.open.set()
    assert [caller.wait().found for caller in (first, *others)] == [[2], [8, 8, 8, 8], [2], [8, 6]]
    assert passes.ran == [[1], [4], [1], [4], [4], [3], [4], [4]]


def test_an_error_reaches_only_the_caller_whose_work_it_is() -> None:
    passes = Passes(limit=100)
    first = held_up(passes)
    others = enqueue(passes, [2], [13, 4], [5])
    passes.open.set()
    assert [caller.wait().found for caller in (first, *others)] == [[2], [4], None, [10]]
    assert isinstance(others[1].error, ValueError)
    assert passes.queue.run([3]) == [6], "and the queue goes on"


def test_who_gives_up_frees_its_place() -> None:
    passes = Passes(limit=4)
    first = held_up(passes)
    cancellation = Cancellation()

    def give_up() -> list[int]:
        with cancellable(cancellation):
            return passes.queue.run([2, 2, 2])

    quitter = Caller(give_up)
    wait_for_jobs(passes, 1)
    other = Caller(lambda: passes.queue.run([3]))
    wait_for_jobs(passes, 2)
    cancellation.cancel()
    assert isinstance(quitter.wait().error, Cancelled)
    passes.open.set()
    assert (first.wait().found, other.wait().found) == ([2], [6])
    assert passes.ran == [[1], [3]], "what was given up was never run"


def test_who_has_given_up_gets_nothing_more() -> None:
    passes, cancellation = Passes(), Cancellation()
    cancellation.cancel()
    with cancellable(cancellation), pytest.raises(Cancelled):
        passes.queue.run([1])
    assert passes.queue.run([1]) == [2], "others do"


def test_progress_is_told_in_the_callers_thread_and_may_end_the_wait() -> None:
    passes = Passes(limit=2)
    told: list[tuple[str, list[int]]] = []
    passes.queue.run([2, 2, 2], lambda done: told.append((threading.current_thread().name, list(done))))
    assert {name for name, _ in told} == {threading.current_thread().name}
    assert sum(len(done) for _, done in told) == 3

    def enough(done: Sequence[int]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        passes.queue.run([2] * 50, enough)
    ran = len(passes.ran)
    assert passes.queue.run([1]) == [2]
    assert len(passes.ran) <= ran + 2, "the rest of the interrupted work is gone"


class Arriving(Caller):
    """A caller that is on its way until it is let go, and then asks for work, if any."""

    def __init__(self, passes: Passes, work: list[int]) -> None:
        self.passes, self.work = passes, work
        self.on_its_way, self.go = threading.Event(), threading.Event()
        super().__init__(self._come)
        assert self.on_its_way.wait(SOON)

    def _come(self) -> list[int]:
        with arriving():
            self.on_its_way.set()
            assert self.go.wait(SOON)
            return self.passes.queue.run(self.work) if self.work else []


def test_a_pass_waits_for_callers_that_are_on_their_way(monkeypatch) -> None:
    monkeypatch.setattr(queue, "PATIENCE", SOON)
    passes = Passes()
    late, later = Arriving(passes, [2]), Arriving(passes, [3])
    (first,) = enqueue(passes, [1])
    late.go.set()
    wait_for_jobs(passes, 2)
    assert passes.ran == [] and first.is_alive()
    later.go.set()
    assert [caller.wait().found for caller in (first, late, later)] == [[2], [4], [6]]
    assert [sorted(one) for one in passes.ran] == [[1, 2, 3]]


def test_a_full_pass_waits_for_nobody(monkeypatch) -> None:
    monkeypatch.setattr(queue, "PATIENCE", 10 * SOON)
    passes = Passes(limit=10)
    late = Arriving(passes, [2])
    assert Caller(lambda: passes.queue.run([4, 6])).wait().found == [8, 12]
    late.go.set()
    assert late.wait().found == [4]


def test_nobody_is_waited_for_long(monkeypatch) -> None:
    monkeypatch.setattr(queue, "PATIENCE", 0.05)
    passes = Passes()
    late = Arriving(passes, [2])
    assert [Caller(lambda: passes.queue.run([1])).wait().found for _ in range(3)] == [[2]] * 3
    late.go.set()
    assert late.wait().found == [4] and passes.ran == [[1], [1], [1], [2]]


def test_who_went_away_is_not_waited_for(monkeypatch) -> None:
    monkeypatch.setattr(queue, "PATIENCE", 10 * SOON)
    passes = Passes()
    quitter = Arriving(passes, [])
    quitter.go.set()
    quitter.wait()
    assert Caller(lambda: passes.queue.run([1])).wait().found == [2]
    alone = Arriving(passes, [3])
    alone.go.set()
    assert alone.wait().found == [6], "nor anybody for itself"


def test_no_work_needs_no_pass() -> None:
    passes = Passes()
    assert passes.queue.run([]) == [] and passes.ran == []


def test_many_callers_at_once_all_come_home() -> None:
    passes = Passes(limit=7)
    callers = [Caller(lambda n=n: [passes.queue.run([n % 5 + 1] * (n % 4)) for _ in range(20)]) for n in range(24)]
    for n, caller in enumerate(callers):
        assert caller.wait().found == [[2 * (n % 5 + 1)] * (n % 4)] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_a_queue_that_works() -> None:
    passes = Passes()
    passes.queue.run([1])
    child = os.fork()
    if child == 0:
        os._exit(0 if passes.queue.run([3]) == [6] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_waits_for_the_pass_that_runs_and_its_child_can_call_and_run() -> None:
    passes = Passes()
    caller = held_up(passes)
    threading.Timer(0.1, passes.open.set).start()
    child = os.fork()
    waited = passes.open.is_set()
    if child == 0:
        os._exit(0 if waited and passes.queue.call(lambda: 5) == 5 and passes.queue.run([3]) == [6] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert waited
    assert caller.wait().found == [2]
