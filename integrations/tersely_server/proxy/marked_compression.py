"""Compresses the marked texts of a chat request. What fails of them stays as it is, and takes no other text along."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tersely import CompressionResult
from tersely_server.errors import ServiceError
from tersely_server.proxy.marked_context import MarkedRequest, Options

_logger = logging.getLogger("tersely_server")


class Compress(Protocol):
    """How the service compresses: in a thread, a queue or another process."""

    def __call__(self, documents: list[str], question: str | None, **overrides: Any) -> Awaitable[CompressionResult]:
        """Compress documents within one budget; overrides are arguments of `tersely.Compressor.compress`."""


@dataclass
class Compressed:
    """What became of the marked texts.

    Attributes:
        texts: in their order; as they were where compression failed.
        done: how many were compressed.
        original_tokens, compressed_tokens: of those before and after.
        failures: why texts were not compressed.
    """

    texts: list[str]
    done: int = 0
    original_tokens: int = 0
    compressed_tokens: int = 0
    failures: list[Exception] = field(default_factory=list)

    def take(self, positions: Sequence[int], result: CompressionResult) -> None:
        """Put in what is left of the texts at these positions."""
        for document in result.documents:
            self.texts[positions[document.index]] = document.text
        self.done += len(positions)
        self.original_tokens += result.original_tokens
        self.compressed_tokens += result.compressed_tokens
        for note in result.notes:
            _logger.debug("%s", note)


async def compress_marked(marked: MarkedRequest, compress: Compress) -> Compressed:
    """Compress the marked texts, each group within its budget."""
    compressed = Compressed([text.text for text in marked.texts])
    for options, positions in marked.groups():
        await _compress_group(compressed, positions, options, compress)
    return compressed


async def _compress_group(compressed: Compressed, positions: list[int], options: Options, compress: Compress) -> None:
    """Compress the texts at these positions together; where that fails, those that can be compressed alone."""

    async def attempt(tried: Sequence[int]) -> CompressionResult:
        return await compress(
            [compressed.texts[position] for position in tried],
            options.question,
            order="original",  # every text stays where it stands
            rate=options.settings.rate,
            target_tokens=options.settings.target_tokens,
            method=options.settings.method,
        )

    try:
        compressed.take(positions, await attempt(positions))
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
            await _compress_group(compressed, sound, options, compress)
