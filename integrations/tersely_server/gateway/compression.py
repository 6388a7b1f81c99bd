"""Makes long tool results in conversations shorter: each by itself, and the same way whenever it comes again."""

from __future__ import annotations

import copy
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from tersely import CompressionResult, CompressionSettings, InvalidInputError, TerselyError
from tersely.memory import Memory
from tersely.scoring.queue import Cancelled
from tersely.tool_results import Shortened, shortened
from tersely_server.compression.originals import Originals
from tersely_server.compression.service import CompressCalls, single_result
from tersely_server.errors import as_service_error
from tersely_server.gateway.answer import CompressedText, MessagesResult
from tersely_server.gateway.messages import Candidate, Path, candidates, texts
from tersely_server.gateway.settings import ID, GatewaySettings

_MEMORY_BYTES = 64 * 2**20  # of compressed texts
# After this share of a request's time no further text is begun: what is done is worth more than an error.
_SHARE_OF_TIME = 0.7
_REFERENCE = "\n[shortened; the whole text: hash={id}]"

_logger = logging.getLogger("tersely_server")


class Conversations:
    """Compresses conversations for gateways.

    Args:
        settings: what is compressed, and how, where a request does not say otherwise.
        originals: keeps what was compressed, so that it can be had back.
        seconds: the longest time that a request may take.
        clock: gives the seconds since some moment.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        originals: Originals,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._originals, self._seconds, self._clock = settings, originals, seconds, clock
        self._outcomes: Memory[Shortened] = Memory(_MEMORY_BYTES)

    def compress(
        self,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        caller: str,
        compress: CompressCalls,
        count: Callable[[str], int],
    ) -> MessagesResult:
        """The messages of a request, compressed. A text that cannot be compressed stays as it is, and a note says why.

        Args:
            body: with `messages`, and perhaps `config`.
            headers: of the request; some are options.
            caller: whose originals they are.
            compress: does the work.
            count: gives the tokens of a text.

        Raises:
            InvalidInputError: the messages are no list, or an option cannot be used.
        """
        messages, config = body["messages"], body.get("config")
        if not isinstance(messages, list):
            raise InvalidInputError(f"messages must be a list, got {type(messages).__name__}")
        settings = self._settings.with_config(config).with_headers(headers)
        if ID in settings.gap_marker and not self._originals.kept:
            raise InvalidInputError(f"gap_marker: {ID} needs kept originals; start the service with --originals-bytes")
        first = _untouched(config)
        until = self._clock() + _SHARE_OF_TIME * self._seconds
        answer = MessagesResult(
            messages=copy.deepcopy(messages),
            tokens_before=sum(map(count, texts(messages))),
            tokens_after=0,
            tokens_saved=0,
            compression_ratio=1.0,
            transforms_applied=[],
            ccr_hashes=[],
            texts=[],
            notes=[],
        )
        # From the end, so that the places of texts before it stay true where one string has several.
        for candidate in reversed(candidates(messages, settings)):
            if candidate.path[0] in range(first) or len(candidate.text.encode()) < settings.min_tokens:
                continue  # a token has at least one byte
            outcome = self._outcome(candidate, settings, caller, compress, count, until)
            id = self._originals.keep(caller, candidate.text) if outcome.method else None
            _take(answer, candidate, outcome, id)
        answer.texts.reverse()
        answer.notes.reverse()
        answer.tokens_saved = sum(text.original_tokens - text.compressed_tokens for text in answer.texts)
        answer.tokens_after = answer.tokens_before - answer.tokens_saved
        answer.compression_ratio = answer.tokens_after / answer.tokens_before if answer.tokens_before else 1.0
        answer.transforms_applied = [f"tersely:{text.method}:message-{text.message}" for text in answer.texts]
        answer.ccr_hashes = list(dict.fromkeys(text.id for text in answer.texts if text.id))
        return answer

    def _outcome(
        self,
        candidate: Candidate,
        settings: GatewaySettings,
        caller: str,
        compress: CompressCalls,
        count: Callable[[str], int],
        until: float,
    ) -> Shortened:
        """What becomes of a text: what became of it the last time, if that is still known."""
        text, marker, ending = candidate.text, settings.gap_marker, ""
        id = self._originals.id_of(caller, text)
        if id is not None and ID not in marker:
            ending = _REFERENCE.format(id=id)
        options = CompressionSettings(rate=settings.rate, gap_marker=marker.replace(ID, id or ""))
        options = options.overridden(method=settings.method)
        key = _key(text, candidate.question, settings.min_tokens, options, ending)
        known = self._outcomes.get(key) or self._outcomes.get(_key(text))
        if known is not None:
            return known
        if self._clock() > until:
            return _stays(text, "there was no time left for it")

        def work(documents: list[str], question: str | None, *, settings: CompressionSettings) -> CompressionResult:
            return single_result(compress([{"documents": documents, "question": question, "settings": settings}]))

        try:
            outcome = shortened(
                text, candidate.question, options, work, count, min_tokens=settings.min_tokens, ending=ending
            )
        except Cancelled:
            raise
        except TerselyError as error:
            outcome = _stays(text, str(error))
        except Exception as error:  # whatever it was: the conversation need not fail with it
            _logger.warning("a text was not compressed: %s", type(error).__name__)
            return _stays(text, as_service_error(error).message)
        self._outcomes.put(key, outcome, len(outcome.text))
        if outcome.method:  # where a client sends back what it was given, it is not compressed again
            self._outcomes.put(_key(outcome.text), _stays(outcome.text, None), len(outcome.text))
        return outcome


def _stays(text: str, reason: str | None) -> Shortened:
    return Shortened(text, 0, 0, reason=reason)


def _take(answer: MessagesResult, candidate: Candidate, outcome: Shortened, id: str | None) -> None:
    """Put what became of a text into the answer."""
    message = candidate.path[0]
    assert isinstance(message, int)
    if outcome.method is None:
        if outcome.reason:
            answer.notes.append(f"messages[{message}] has a text that stays as it is: {outcome.reason}")
        return
    _replace(answer.messages, candidate.path, candidate.start, candidate.end, outcome.text)
    answer.texts.append(
        CompressedText(
            message=message,
            original_tokens=outcome.original_tokens,
            compressed_tokens=outcome.compressed_tokens,
            method=outcome.method,
            id=id,
        )
    )


def _replace(messages: list[Any], path: Path, start: int, end: int, text: str) -> None:
    *way, last = path
    place: Any = messages
    for step in way:
        place = place[step]
    place[last] = place[last][:start] + text + place[last][end:]


def _untouched(config: Any) -> int:
    """How many messages at the beginning the caller wants untouched: it sends them as they went upstream before."""
    count = config.get("frozen_message_count") if isinstance(config, Mapping) else None
    return count if isinstance(count, int) and count > 0 else 0


def _key(*values: object) -> bytes:
    return hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass")).digest()
