"""A request's body made ready for the upstream: marks read, marked texts compressed, and the account of it.

Knows no HTTP but header names. No text of a request is ever logged.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Mapping
from typing import Literal, NamedTuple

from tersely import CompressionSettings, InvalidInputError
from tersely_server.errors import ServiceError, as_service_error
from tersely_server.proxy.forwarded_body import with_texts, without_marks
from tersely_server.proxy.json_source import parsed
from tersely_server.proxy.marked_compression import Compress, Compressed, MarkedCompression
from tersely_server.proxy.marked_context import MarkedRequest, Options, options_over, read_marks
from tersely_server.proxy.protocols import Reader
from tersely_server.proxy.settings import ProxySettings
from tersely_server.proxy.upstream import OPTION_PREFIX

_LONGEST_REASON = 500  # characters of a header
_MIN_TOKENS = "min_tokens"
_OPTIONS = ("rate", "target_tokens", "method", _MIN_TOKENS)

_logger = logging.getLogger("tersely_server")


class Forwarded(NamedTuple):
    """What became of one request, for metrics.

    Attributes:
        status: `compressed`; `partial`, where some texts could not be compressed; `failed`, where none could;
            `unmarked`, where nothing was there to compress.
        original_tokens, compressed_tokens: of the compressed texts before and after.
        seconds: wall-clock seconds of compression.
        error: the code of the error where compression failed, of the first one where several did.
        upstream_status: the HTTP status of the upstream's answer; None where there was none.
        rewrite_tokens: about how many tokens of earlier turns went upstream as they did before, from the first
            compressed text on. To compress them anew, by a later question, would have cost that many tokens that are
            not in the upstream's prompt cache.
    """

    status: Literal["compressed", "partial", "unmarked", "failed"]
    original_tokens: int = 0
    compressed_tokens: int = 0
    seconds: float = 0.0
    error: str | None = None
    upstream_status: int | None = None
    rewrite_tokens: int = 0


class Prepared(NamedTuple):
    """A body to forward, how it came about, and why compression failed if it did."""

    content: bytes
    outcome: Forwarded
    failure: Exception | None = None

    def headers(self) -> dict[str, str]:
        """The account for the client."""
        outcome = self.outcome
        headers = {"x-tersely-status": str(outcome.status)}
        if outcome.status in ("compressed", "partial"):
            headers["x-tersely-original-tokens"] = str(outcome.original_tokens)
            headers["x-tersely-compressed-tokens"] = str(outcome.compressed_tokens)
            headers["x-tersely-rewrite-tokens"] = str(outcome.rewrite_tokens)
        if outcome.status != "unmarked":
            headers["x-tersely-seconds"] = f"{outcome.seconds:.3f}"
        if self.failure is not None:
            error = as_service_error(self.failure)
            reason = " ".join(f"{error.code}: {error.message}".split())
            headers["x-tersely-error"] = ascii(reason)[1:-1][:_LONGEST_REASON]
        return headers


class Preparation:
    """Prepares requests.

    Args:
        settings: what counts as context.
        compress: does the work.
    """

    def __init__(self, settings: ProxySettings, compress: Compress) -> None:
        self._settings = settings
        self._compress = MarkedCompression(compress, settings.memory_bytes, fail_open=settings.fail_open)

    async def __call__(self, content: bytes, headers: Mapping[str, str], reader: Reader) -> Prepared:
        """The body with its context compressed.

        Args:
            content: the client's body.
            headers: the client's; some are options.
            reader: of the request's protocol.

        Raises:
            ServiceError: a mark or a header cannot be used: the caller's mistake, to be seen at once.
        """
        read = self._read(content, headers, reader)
        if read is None:
            return Prepared(content, Forwarded("unmarked"))
        if not read.marked.texts:
            return Prepared(read.unmarked, Forwarded("unmarked"))
        start = time.perf_counter()
        try:
            compressed = await self._compress(read.marked)
            body = read.with_texts(compressed.texts)
        except RecursionError as error:  # nested so deep that it could just be read
            compressed, body = Compressed([], failures=[error]), read.unmarked
        seconds = time.perf_counter() - start
        failure = compressed.failures[0] if compressed.failures else None
        for fault in compressed.failures:
            _log_failure(fault, seconds)
        if not compressed.done and failure is None:
            return Prepared(body, Forwarded("unmarked"))
        outcome = Forwarded(
            "failed" if not compressed.done else "partial" if failure else "compressed",
            compressed.original_tokens,
            compressed.compressed_tokens,
            seconds,
            as_service_error(failure).code if failure else None,
            rewrite_tokens=_rewrite_tokens(read.marked, compressed),
        )
        return Prepared(body, outcome, failure)

    def unmarked(self, content: bytes, headers: Mapping[str, str], reader: Reader) -> bytes:
        """The body without marks, nothing compressed.

        Raises:
            ServiceError: as for a call.
        """
        read = self._read(content, headers, reader)
        return content if read is None else read.unmarked

    def _read(self, content: bytes, headers: Mapping[str, str], reader: Reader) -> _Read | None:
        """A request with its marks read; None for what is no JSON object: that is the upstream's to judge."""
        try:
            defaults, min_tokens = self._defaults(headers)
            encoding = json.detect_encoding(content)
            source = content.decode(encoding, "surrogatepass")
            body = parsed(source)
            if not isinstance(body, dict):
                return None
            role, tag = self._settings.role, self._settings.tag
            marked = read_marks(body, defaults, role=role, tag=tag, min_tokens=min_tokens, reader=reader)
            unmarked = without_marks(source, marked).encode(encoding, "surrogatepass") if marked.marks else content
            return _Read(marked, source, encoding, unmarked)
        except InvalidInputError as error:
            raise ServiceError(400, "invalid_mark", str(error)) from error
        except (ValueError, RecursionError):
            return None

    def _defaults(self, headers: Mapping[str, str]) -> tuple[CompressionSettings, int]:
        """The options of the configuration, and over them those of the request's headers."""
        given: dict[str, object] = {}
        for name in _OPTIONS:
            header = OPTION_PREFIX + name.replace("_", "-")
            if header in headers:
                given[name] = _number(headers[header])
        min_tokens = given.pop(_MIN_TOKENS, self._settings.min_tokens)
        if isinstance(min_tokens, bool) or not isinstance(min_tokens, int) or min_tokens < 0:
            raise InvalidInputError(
                f"header {OPTION_PREFIX}min-tokens: must be a whole number from 0 on, got {min_tokens!a:.60}"
            )
        defaults = Options(CompressionSettings(rate=self._settings.rate))
        return options_over(defaults, given, f"header {OPTION_PREFIX}*").settings, min_tokens


class _Read(NamedTuple):
    """A request, its marks read, and the JSON that it came as."""

    marked: MarkedRequest
    source: str
    encoding: str
    unmarked: bytes

    def with_texts(self, texts: list[str]) -> bytes:
        return with_texts(self.source, self.marked, texts).encode(self.encoding, "surrogatepass")


def _number(value: str) -> object:
    """The number that a header says, or its text."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _rewrite_tokens(marked: MarkedRequest, compressed: Compressed) -> int:
    """Tokens of the messages from the first compressed text up to the model's last, as many as their characters have.

    The ratio of tokens and characters is that of the compressed texts.
    """
    messages = marked.conversation.messages
    first = min((marked.texts[position].message for position in compressed.done), default=len(messages))
    last = max((number for number, message in enumerate(messages) if message.role == "assistant"), default=0)
    original = sum(len(marked.texts[position].text) for position in compressed.done)
    left = sum(
        len(compressed.texts[number]) - len(text.text)
        for number, text in enumerate(marked.texts)
        if first <= text.message < last
    )
    characters = left + sum(len(text.text) for message in messages[first:last] for text in message.texts)
    return round(characters * compressed.original_tokens / original) if original else 0


def _log_failure(error: Exception, seconds: float) -> None:
    """Say why, but no text: the message of an error may quote the request."""
    code = as_service_error(error).code
    _logger.warning("compression failed after %.3f s: %s (%s)", seconds, code, type(error).__name__)
    if code == "internal_error":
        _logger.error("where it did:\n%s", "".join(traceback.format_tb(error.__traceback__)).rstrip())
