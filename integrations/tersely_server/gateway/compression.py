"""Makes long tool results in conversations shorter: each by itself, and the same way whenever it comes again."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tersely import CompressionResult, InvalidInputError, TerselyError
from tersely.memory import Memory
from tersely.scoring.queue import Cancelled
from tersely_server.compression.originals import Originals
from tersely_server.compression.service import CompressCalls, single_result
from tersely_server.errors import as_service_error
from tersely_server.gateway.answer import CompressedText, MessagesResult
from tersely_server.gateway.messages import Candidate, Path, candidates, texts
from tersely_server.gateway.settings import ID, GatewaySettings

_MEMORY_BYTES = 64 * 2**20  # of compressed texts
_NEED_A_QUESTION = ("evidence", "longllmlingua")
# After this share of a request's time no further text is begun: what is done is worth more than an error.
_SHARE_OF_TIME = 0.7
_REFERENCE = "\n[shortened; the whole text: hash={id}]"

_logger = logging.getLogger("tersely_server")


class _Outcome(NamedTuple):
    """What became of a text: None in place of the text where it stays as it was."""

    text: str | None
    original_tokens: int = 0
    compressed_tokens: int = 0
    method: str = ""
    reason: str = ""


class Conversations:
    """Compresses conversations for gateways.

    Args:
        settings: what is compressed, and how, where a request does not say otherwise.
        originals: keeps what was compressed, so that it can be had back.
        seconds: the longest time that a request may take.
    """

    def __init__(self, settings: GatewaySettings, originals: Originals, seconds: float) -> None:
        self._settings, self._originals, self._seconds = settings, originals, seconds
        self._outcomes: Memory[_Outcome] = Memory(_MEMORY_BYTES)

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
        until = time.monotonic() + _SHARE_OF_TIME * self._seconds
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
            _take(answer, candidate, outcome, self._originals.keep(caller, candidate.text) if outcome.text else None)
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
    ) -> _Outcome:
        """What becomes of a text: what became of it the last time, if that is still known."""
        method = settings.method
        if candidate.question is None and method in _NEED_A_QUESTION:
            method = None
        marker, reference = settings.gap_marker, ""
        id = self._originals.id_of(caller, candidate.text)
        if id is not None and ID not in marker:
            reference = _REFERENCE.format(id=id)
        marker = marker.replace(ID, id or "")
        if is_json(candidate.text):
            marker, reference = "", ""  # either would make it no JSON
        key = _key(candidate.text, candidate.question, settings.rate, settings.min_tokens, method, marker, reference)
        known = self._outcomes.get(key) or self._outcomes.get(_key(candidate.text))
        if known is not None:
            return known
        if time.monotonic() > until:
            return _Outcome(None, reason="there was no time left for it")
        tokens = count(candidate.text)
        if tokens < settings.min_tokens:
            outcome = _Outcome(None)
        else:
            call = {
                "documents": [candidate.text],
                "question": candidate.question,
                "target_tokens": max(int(settings.rate * tokens) - count(reference), 1),
                "method": method,
                "settings": {"gap_marker": marker} if marker else {},
            }
            try:
                outcome = _shortened(single_result(compress([call])), candidate.text, reference, count)
            except Cancelled:
                raise
            except TerselyError as error:
                outcome = _Outcome(None, reason=str(error))
            except Exception as error:  # whatever it was: the conversation need not fail with it
                _logger.warning("a text was not compressed: %s", type(error).__name__)
                return _Outcome(None, reason=as_service_error(error).message)
        self._outcomes.put(key, outcome, len(candidate.text) + len(outcome.text or ""))
        if outcome.text is not None:  # where a client sends back what it was given, it is not compressed again
            self._outcomes.put(_key(outcome.text), _Outcome(None), len(outcome.text))
        return outcome


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or array."""
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


def _shortened(result: CompressionResult, text: str, reference: str, count: Callable[[str], int]) -> _Outcome:
    """What is left of a text, unless that is nothing, no shorter, or not JSON any more."""
    if not result.documents or not result.documents[0].text:
        return _Outcome(None, reason="nothing of it fits the budget")
    shortened = result.documents[0].text
    if shortened == text:
        return _Outcome(None, reason="it is kept whole")
    if is_json(text) and not is_json(shortened):
        return _Outcome(None, reason="what would be left of it is no JSON")
    before, after = count(text), count(shortened + reference)
    if after >= before:
        return _Outcome(None, reason="it would be no shorter")
    return _Outcome(shortened + reference, before, after, result.method)


def _take(answer: MessagesResult, candidate: Candidate, outcome: _Outcome, id: str | None) -> None:
    """Put what became of a text into the answer."""
    message = candidate.path[0]
    assert isinstance(message, int)
    if outcome.text is None:
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
