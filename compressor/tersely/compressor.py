"""The face of the core: a compressor holds a loaded model and serves calls. `pipeline.py` does the work of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from os import PathLike
from typing import Any, cast

from tersely.budget.counting import TokenCounter, token_counter
from tersely.documents import Document
from tersely.errors import TerselyError
from tersely.forks import lock_for_forks
from tersely.input import read_documents
from tersely.memory import Memory
from tersely.methods import METHODS, check_scorer, choose_method
from tersely.pipeline import Call, check_call, run
from tersely.result import CompressionResult
from tersely.scoring import DEFAULT_MODEL, Loader, Scorer, load_scorer
from tersely.scoring.queue import Cancellation, arriving, cancellable
from tersely.scoring.scorers import current_loader
from tersely.settings import CacheSettings, CompressionSettings, MethodName, Order
from tersely.text.segmentation import Segments, segment_documents

# Of the memory for documents, one part in so many is for their words: the embedded model caches some hundred times as
# many bytes for the same text.
_SHARE_OF_WORDS = 64


class Compressor:
    """Compresses retrieved documents to a token budget. Holds one loaded model; safe to call from several threads.

    Args:
        model: the embedded default's name, a folder, a `.gguf` file, a Hub id, or a `Scorer`.
        tokenizer: counts the budget as the target LLM does: a tiktoken encoding's or an OpenAI model's name, a Hugging
            Face tokenizer or its folder or Hub id, or a callable from text to a number of tokens. By default
            `o200k_base`.
        settings: defaults for every call.
        device: a torch device; by default CUDA, else MPS, else the processor.
        dtype: a torch dtype's name, or `"int8"`. By default int8 for a Llama (as the embedded model is) on a processor
            with products of 8 bits; else bfloat16 where the device computes it natively; else float32.
        cache: how much is kept of documents between calls, so that the next question over them costs little. A `Scorer`
            that is given has a cache of its own: then this is for words only.

    Raises:
        ModelError: the model cannot be found or loaded.
        TokenizerError: the tokenizer cannot be found.
    """

    def __init__(
        self,
        model: str | PathLike[str] | Scorer = DEFAULT_MODEL,
        *,
        tokenizer: Any = None,
        settings: CompressionSettings | None = None,
        device: str | None = None,
        dtype: str | None = None,
        cache: CacheSettings | None = None,
    ) -> None:
        self.settings = settings or CompressionSettings()
        name = str(model) if isinstance(model, (str, PathLike)) else None
        self.scorer: Scorer = (
            load_scorer(name, device=device, dtype=dtype, cache=cache) if name is not None else cast(Scorer, model)
        )
        self.tokenizer: TokenCounter = token_counter(tokenizer, fallback=self._scorer_counter)
        memory_bytes = (cache or CacheSettings()).memory_bytes
        self._segments: Memory[Segments] = Memory(memory_bytes // _SHARE_OF_WORDS)

    @arriving()
    def compress(
        self,
        documents: Sequence[str | Document | Mapping[str, Any]],
        question: str | None = None,
        *,
        rate: float | None = None,
        target_tokens: int | None = None,
        method: MethodName | None = None,
        order: Order | None = None,
        protect: Sequence[str] | None = None,
        instruction: str | None = None,
        settings: CompressionSettings | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> CompressionResult:
        """Compress documents to a budget.

        Args:
            documents: strings, `Document`s, or mappings with `text` and optionally `title`, `id` and `metadata`.
            question: what the LLM will be asked; never compressed, not part of the budget.
            rate: compressed / original tokens of the documents' part of the prompt, in (0, 1].
            target_tokens: the budget in tokens, instead of a rate.
            method, order, protect: see `CompressionSettings`, whose other fields can be set through `settings`.
            instruction: stands before the context; never compressed, not part of the budget.
            settings: instead of the compressor's own.
            progress: called now and then with a stage's name and the share of it that is done, from 0 to 1.

        Returns:
            The compressed prompt and the account of it. Its context never has more tokens than the budget.

        Raises:
            InvalidInputError: a document, the question or a setting cannot be used, or the model cannot do what the
                method needs; the message names it.
            ProtectedTextError: what must be kept exceeds the budget; the message says by how much.
        """
        settings = (settings or self.settings).overridden(
            rate=rate, target_tokens=target_tokens, method=method, order=order, protect=protect
        )
        check_call(settings, question, instruction)
        chosen = choose_method(settings.method, bool(question), self.scorer)
        check_scorer(chosen, self.scorer)
        call = Call(documents, question, instruction, settings, chosen)
        return run(call, self.scorer, self.tokenizer, self._segments, progress)

    def index(
        self,
        documents: Sequence[str | Document | Mapping[str, Any]],
        *,
        method: MethodName | None = None,
        protect: Sequence[str] | None = None,
        settings: CompressionSettings | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> None:
        """Read documents ahead of the questions, and keep what was read in memory and on disk (see `CacheSettings`).

        A later `compress` over any of them, in this process or another, costs only the question's tokens and gives the
        same result as without.

        Args:
            documents: as in `compress`.
            method: which will be asked for, by default the model's for a question; each keeps what it needs.
            protect: as it will be in `compress`.
            settings, progress: as in `compress`.

        Raises:
            InvalidInputError: a document or a setting cannot be used; the message names it.
        """
        chosen = method or choose_method(None, True, self.scorer)
        settings = (settings or self.settings).overridden(method=chosen, protect=protect)
        check_scorer(chosen, self.scorer)
        usable = read_documents(documents, settings.strict).usable
        segmented = segment_documents(usable, settings.protect, self._segments)
        requests = METHODS[chosen].prefetch(self.scorer, segmented)
        self.scorer.prepare(requests, lambda share: progress("read", share) if progress else None)

    def compress_batch(
        self, requests: Iterable[Mapping[str, Any]], *, return_errors: bool = False, **common: Any
    ) -> list[CompressionResult | TerselyError]:
        """Compress several prompts one after the other, each as `compress` would alone.

        Args:
            requests: for each the arguments of `compress`, such as `{"documents": [...], "question": "..."}`.
            return_errors: put a request's error in its place in the list instead of raising the first.
            common: arguments of `compress` for those requests that do not give their own.

        Raises:
            TerselyError: as `compress`, for the first request that fails, unless `return_errors`.
        """
        results: list[CompressionResult | TerselyError] = []
        for request in requests:
            try:
                results.append(self.compress(**{**common, **request}))
            except TerselyError as error:
                if not return_errors:
                    raise
                results.append(error)
        return results

    async def acompress(
        self, documents: Sequence[str | Document | Mapping[str, Any]], *args: Any, **arguments: Any
    ) -> CompressionResult:
        """`compress` in a thread: the event loop goes on meanwhile. Cancelled, it gives up what still waits."""
        import asyncio  # takes a fifth of the time of our import, and who calls this has it

        cancellation = Cancellation()

        def run() -> CompressionResult:
            with cancellable(cancellation):
                return self.compress(documents, *args, **arguments)

        try:
            return await asyncio.to_thread(run)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise

    def _scorer_counter(self) -> TokenCounter:
        return TokenCounter(self.scorer.name, lambda text: len(self.scorer.encode(text).tokens))


_loading = lock_for_forks()


def shared_compressor(
    model: str | PathLike[str] = DEFAULT_MODEL,
    tokenizer: Any = None,
    *,
    device: str | None = None,
    dtype: str | None = None,
) -> Compressor:
    """A compressor that is kept: a process that asks again gets the same loaded model, whatever the tokenizer.

    Args:
        model, tokenizer, device, dtype: as in `Compressor`.

    Raises:
        ModelError: the model cannot be found or loaded.
        TokenizerError: the tokenizer cannot be found.
    """
    with _loading:  # two first calls at once must not load the model twice
        if tokenizer is None or isinstance(tokenizer, str):
            return _cached_compressor(current_loader(), str(model), tokenizer, device, dtype)
        # An object need not be hashable, and may be made anew for each call.
        return Compressor(_cached_scorer(current_loader(), str(model), device, dtype), tokenizer=tokenizer)


@lru_cache(maxsize=16)
def _cached_compressor(
    loader: Loader, model: str, tokenizer: str | None, device: str | None, dtype: str | None
) -> Compressor:
    return Compressor(_cached_scorer(loader, model, device, dtype), tokenizer=tokenizer)


@lru_cache(maxsize=4)
def _cached_scorer(loader: Loader, model: str, device: str | None, dtype: str | None) -> Scorer:
    return loader(model, device=device, dtype=dtype)
