"""Compresses the marked texts of a request. What fails of them stays as it is, and takes no other text along."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tersely import CompressionResult, CompressionSettings
from tersely.memory import Memory
from tersely.tool_results import is_json
from tersely_server.errors import ServiceError, as_service_error
from tersely_server.proxy.marked_context import MarkedRequest, Options

_logger = logging.getLogger("tersely_server")


class Compress(Protocol):
    """How the service compresses: in a thread, a queue or another process."""

    def __call__(self, documents: list[str], question: str | None, **overrides: Any) -> Awaitable[CompressionResult]:
        """Compress documents within one budget; overrides are arguments of `tersely.Compressor.compress`."""


class Shortened(NamedTuple):
    """What is left of texts that share a budget.

    Attributes:
        texts: in their order; as they were where they were not compressed.
        original_tokens, compressed_tokens: before and after, of those that were.
        done: whether any was.
        failures: why texts were not.
    """

    texts: tuple[str, ...]
    original_tokens: int = 0
    compressed_tokens: int = 0
    done: bool = True
    failures: tuple[Exception, ...] = ()


@dataclass
class Compressed:
    """What became of the marked texts.

    Attributes:
        texts: in their order; as they were where they were not compressed.
        done: positions of those that were compressed.
        original_tokens, compressed_tokens: of those before and after.
        failures: why texts were not compressed.
    """

    texts: list[str]
    done: list[int] = field(default_factory=list)
    original_tokens: int = 0
    compressed_tokens: int = 0
    failures: list[Exception] = field(default_factory=list)

    def take(self, positions: Sequence[int], shortened: Shortened) -> None:
        """Put in what is left of the texts at these positions."""
        self.failures += shortened.failures
        if not shortened.done:
            return
        for position, text in zip(positions, shortened.texts, strict=True):
            self.texts[position] = text
        self.done += positions
        self.original_tokens += shortened.original_tokens
        self.compressed_tokens += shortened.compressed_tokens


class MarkedCompression:
    """Compresses the marked texts of requests, each group of texts within its budget.

    A conversation comes again with every turn, so what became of texts is held in memory. Without that they would come
    out the same way, only later. What could not be compressed and went upstream as it was goes there again like that:
    the upstream has it in its prompt cache.

    Args:
        compress: does the work.
        memory_bytes: of compressed texts; what was not asked for longest goes first.
        fail_open: what cannot be compressed goes upstream as it is.
    """

    def __init__(self, compress: Compress, memory_bytes: int, *, fail_open: bool = True) -> None:
        self._compress, self._fail_open = compress, fail_open
        self._memory: Memory[Shortened] = Memory(memory_bytes)

    async def __call__(self, marked: MarkedRequest) -> Compressed:
        """What becomes of the marked texts of a request."""
        compressed = Compressed([text.text for text in marked.texts])
        for options, positions in marked.groups():
            texts = [compressed.texts[position] for position in positions]
            key = hashlib.blake2b(repr((texts, options)).encode("utf-8", "surrogatepass")).digest()
            shortened = self._memory.get(key)
            if shortened is None:
                shortened = await self._group(texts, options)
                if self._fail_open or not shortened.failures:
                    held = shortened._replace(failures=tuple(map(_told, shortened.failures)))
                    self._memory.put(key, held, sum(map(len, shortened.texts)) + len(key))
            compressed.take(positions, shortened)
        return compressed

    async def _group(self, texts: list[str], options: Options) -> Shortened:
        """Compress texts together; where that fails, those that can be compressed alone."""
        try:
            return await self._shortened(texts, options)
        except ServiceError as error:  # too much, too long or too many: no fault of a single text
            return Shortened(tuple(texts), done=False, failures=(error,))
        except Exception as error:  # whatever it was: the request need not fail with it
            sound, faults = [], []
            for position, text in enumerate(texts if len(texts) > 1 else ()):
                try:
                    await self._shortened([text], options)
                    sound.append(position)
                except Exception as fault:
                    faults.append(fault)
            if len(sound) in (0, len(texts)):
                return Shortened(tuple(texts), done=False, failures=(*faults, error))
        shortened = await self._group([texts[position] for position in sound], options)
        together = list(texts)
        for position, text in zip(sound, shortened.texts, strict=True):
            together[position] = text
        return shortened._replace(texts=tuple(together), failures=(*faults, *shortened.failures))

    async def _shortened(self, texts: list[str], options: Options) -> Shortened:
        """Texts within their budget; JSON that would not be JSON any more stays as it is.

        Texts that nobody marked also stay if they are too short, or if nothing of one would be left.
        """
        unchanged = Shortened(tuple(texts), done=False)
        automatic = options.min_tokens is not None
        if automatic and sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) < (options.min_tokens or 0):
            return unchanged  # a token has at least one byte
        settings = options.settings
        marker = {"settings": CompressionSettings(gap_marker=settings.gap_marker)} if settings.gap_marker else {}
        result = await self._compress(
            texts,
            options.question,
            order="original",  # every text stays where it stands
            rate=settings.rate,
            target_tokens=settings.target_tokens,
            method=settings.method,
            **marker,
        )
        for note in result.notes:
            _logger.debug("%s", note)
        shortened, tokens = list(texts), result.original_tokens
        if automatic and (tokens < (options.min_tokens or 0) or result.compressed_tokens >= tokens):
            return unchanged
        left = result.compressed_tokens
        for document in result.documents:
            text = texts[document.index]
            no_json = bool(document.text) and is_json(text) and not is_json(document.text)
            if no_json or (automatic and not document.text):
                left += document.original_tokens - document.compressed_tokens
            else:
                shortened[document.index] = document.text
        return Shortened(tuple(shortened), tokens, left, done=not automatic or shortened != texts)


def _told(failure: Exception) -> ServiceError:
    """What a client is told of it, without the values that its traceback holds on to."""
    error = as_service_error(failure)
    return ServiceError(error.status_code, error.code, error.message, headers=error.headers, **error.details)
