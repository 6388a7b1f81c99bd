"""How the rooms of `speed.py` measure: the plan of a run, seconds and memory of a call, processes to take them in.

The other files say what is measured and how it is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

import psutil
import torch

from tersely import CacheSettings, CompressionResult, Compressor, Document, MethodName
from tersely.budget import with_title
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely_eval.data import Question
from tersely_eval.peers import peak_bytes, reset_peak

TOKENIZER = "cl100k_base"  # counts all budgets
_REPETITIONS = 5
_ENOUGH_SECONDS = 5.0  # after which nothing is repeated

Result = TypeVar("Result")


class Setup(NamedTuple):
    """How Tersely is called.

    Attributes:
        rate: of the budget, in (0, 1].
        device: a torch device's name.
        dtype: as `Compressor` takes it; None: its own choice.
    """

    rate: float
    device: str
    dtype: str | None

    def compressor(self) -> Compressor:
        """The compressor of this process, loaded at the first call."""
        return _compressor(self.device, self.dtype)

    def compress(
        self, documents: Sequence[Document], question: str, method: MethodName = "evidence"
    ) -> CompressionResult:
        """One call."""
        return self.compressor().compress(documents, question, rate=self.rate, method=method)


def dtype_of(setup: Setup) -> str:
    """The dtype that the model is computed in."""
    return causal_scorer(setup.compressor()).dtype


@cache
def _compressor(device: str, dtype: str | None) -> Compressor:
    return Compressor(tokenizer=TOKENIZER, device=device, dtype=dtype, cache=CacheSettings(disk_bytes=0))


class Plan(NamedTuple):
    """What a run measures.

    Attributes:
        data: all questions of each data set, by its name; `growth` and its like take the documents of the last.
        number: how many questions of each are measured, from the first on.
        setup: how Tersely is called.
        quick: only the smallest sizes.
    """

    data: Mapping[str, Sequence[Question]]
    number: int
    setup: Setup
    quick: bool

    def questions(self, name: str) -> Sequence[Question]:
        """The questions to measure of a data set."""
        return self.data[name][: self.number]

    def warm_up(self, name: str) -> Question:
        """A question that is not measured."""
        return self.data[name][-1]

    @property
    def last(self) -> str:
        """The name of the data set whose documents are put together."""
        return list(self.data)[-1]

    def sizes(self, *sizes: int) -> Sequence[int]:
        """These, or the first two of them."""
        return sizes[:2] if self.quick else sizes


class Call(NamedTuple):
    """What a call took: wall-clock time, and the most memory that the process had meanwhile (on CUDA the device's)."""

    seconds: float
    peak_bytes: int


def causal_scorer(compressor: Compressor) -> CausalLanguageModelScorer:
    """The scorer on torch that a compressor has when it is given a model's name."""
    assert isinstance(compressor.scorer, CausalLanguageModelScorer)
    return compressor.scorer


def in_scorer_thread(compressor: Compressor, action: Callable[[], Result]) -> Result:
    """The result of a call in the thread that runs the model.

    A second team of OpenMP threads in this process would slow both down, and a profiler sees only its own thread.
    """
    return causal_scorer(compressor)._queue.call(action)


def forget(compressor: Compressor) -> None:
    """Empty a compressor's caches, so that the next documents are new to it."""
    causal_scorer(compressor).cache.forget()
    compressor._segments.forget()


def measured(action: Callable[[], object], device: str) -> Call:
    """One call of an action."""
    _begin_peak(device)
    synchronise(device)
    start = time.perf_counter()
    action()
    synchronise(device)
    return Call(time.perf_counter() - start, _peak(device))


def in_turns(
    actions: Sequence[Callable[[], object]], setup: Setup, ready: Callable[[Compressor], object] = forget
) -> list[list[Call]]:
    """The calls of each action, one after the other and again; once where that takes long.

    Args:
        actions: what to measure.
        setup: whose compressor they call.
        ready: brings it into the state that each call shall find; by default documents are new to it.
    """
    calls: list[list[Call]] = [[] for _ in actions]
    started = time.perf_counter()
    for _ in range(_REPETITIONS):
        for action, of_action in zip(actions, calls, strict=True):
            ready(setup.compressor())
            of_action.append(measured(action, setup.device))
        if time.perf_counter() - started > _ENOUGH_SECONDS * len(actions):
            break
    return calls


def synchronise(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def memory(device: str) -> int:
    """Bytes that this process has now; on CUDA those of the device that tensors have."""
    return torch.cuda.memory_allocated(device) if device.startswith("cuda") else psutil.Process().memory_info().rss


def _begin_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    else:
        reset_peak()


def _peak(device: str) -> int:
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else peak_bytes()


def process() -> ProcessPoolExecutor:
    """A fresh process that does one thing after the other, and keeps what it loaded."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))


def in_fresh_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """The result of a call in a process that did nothing before, so that its memory is its own."""
    with process() as pool:
        return pool.submit(function, *arguments).result()


def tokens_read(compressor: Compressor, documents: Sequence[Document], question: str) -> int:
    """Tokens of the embedded model in one pass over each document with the question after it.

    Of a document that is longer than a passage the question and the title are read several times; they count once.
    """
    encode = compressor.scorer.encode
    return sum(
        len(encode(f"\n{with_title(document.title, document.text)}\n\nQuestion: {question}").tokens)
        for document in documents
    )
