"""Compresses the marked texts of a request. What fails of them stays as it is, and takes no other text along."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tersely import CompressionResult, CompressionSettings
from tersely.memory import Memory
from tersely_server.errors import ServiceError
from tersely_server.proxy.json_source import is_json
from tersely_server.proxy.marked_context import MarkedRequest, Options

_logger = logging.getLogger("tersely_server")


class Compress(Protocol):
    """How the service compresses: in a thread, a queue or another process."""

    def __call__(self, documents: list[str], question: str | None, **overrides: Any) -> Awaitable[CompressionResult]:
        """Compress documents within one budget; overrides are arguments of `tersely.Compressor.compress`."""


class Shortened(NamedTuple):
    """What is left of texts that share a budget.

    Attributes:
        texts: in their order; all as they were where they have too few tokens.
        original_tokens, compressed_tokens: before and after.
        done: whether any is compressed.
    """

    texts: tuple[str, ...]
    original_tokens: int
    compressed_tokens: int
    done: bool = True


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
    out the same way, only later.

    Args:
        compress: does the work.
        memory_bytes: of compressed texts; what was not asked for longest goes first.
    """

    def __init__(self, compress: Compress, memory_bytes: int) -> None:
        self._compress = compress
        self._memory: Memory[Shortened] = Memory(memory_bytes)

    async def __call__(self, marked: MarkedRequest) -> Compressed:
        """What becomes of the marked texts of a request."""
        compressed = Compressed([text.text for text in marked.texts])
        for options, positions in marked.groups():
            texts = [compressed.texts[position] for position in positions]
            key = hashlib.blake2b(repr((texts, options)).encode("utf-8", "surrogatepass")).digest()
            known = self._memory.get(key)
            if known is not None:
                compressed.take(positions, known)
                continue
            failures = len(compressed.failures)
            shortened = await self._group(compressed, positions, options)
            if shortened is not None and len(compressed.failures) == failures:
                self._memory.put(key, shortened, sum(map(len, shortened.texts)) + len(key))
        return compressed

    async def _group(self, compressed: Compressed, positions: list[int], options: Options) -> Shortened | None:
        """Compress the texts at these positions together; where that fails, those that can be compressed alone."""

        async def attempt(tried: Sequence[int]) -> Shortened:
            return await self._shortened([compressed.texts[position] for position in tried], options)

        try:
            shortened = await attempt(positions)
            compressed.take(positions, shortened)
            return shortened
        except ServiceError as error:  # too much, too long or too many: no fault of a single text
            compressed.failures.append(error)
        except Exception as error:  # whatever it was: the request need not fail with it
            sound = []
            for position in positions if len(positions) > 1 else ():
                try:
                    await attempt([position])
                    sound.append(position)
                except Exception as fault:
                    compressed.failures.append(fault)
            if len(sound) in (0, len(positions)):
                compressed.failures.append(error)
            else:
                return await self._group(compressed, sound, options)
        return None

    async def _shortened(self, texts: list[str], options: Options) -> Shortened:
        """Texts within their budget; JSON that would not be JSON any more stays as it is.

        Texts that nobody marked also stay if they are too short, or if nothing of one would be left.
        """
        unchanged = Shortened(tuple(texts), 0, 0, done=False)
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
