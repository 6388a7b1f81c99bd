"""How many documents, tokens and passages a request may have. Counts and refuses; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tersely_server.errors import ServiceError
from tersely_server.settings import ServerSettings

# White space and rows of dots have few tokens but take as long as other text, so they count by their characters.
_CHARACTERS_A_TOKEN = 8
# Finding `keep_passages` costs one step a match, and one for each so many characters of text.
_MAX_SEARCH_STEPS = 100_000
_CHARACTERS_A_STEP = 10_000


def check_limits(
    calls: Sequence[Mapping[str, Any]],
    settings: ServerSettings,
    count: Callable[[str], int],
    check_cancelled: Callable[[], None] = lambda: None,
) -> None:
    """Refuse a request that is too large, before anything slow begins.

    Args:
        calls: arguments of `Compressor.compress`, not validated yet: values of a wrong type are skipped here.
        settings: the limits.
        count: gives the number of tokens of a text.
        check_cancelled: called between texts; may raise.

    Raises:
        ServiceError: 413 if there are too many documents, tokens or passages.
    """
    documents = sum(max(len(_list(call.get("documents"))), 1) for call in calls)
    if documents > settings.max_documents:
        raise _too_many("documents", documents, settings.max_documents)
    steps = 0
    for call in calls:
        for text, passage in _passages(call):
            steps += 1 + text.count(passage) + len(text) // _CHARACTERS_A_STEP
            if steps > _MAX_SEARCH_STEPS:
                raise ServiceError(
                    413,
                    "too_many_passages",
                    "keep_passages: so many passages stand in so much text so often that to find them takes too long; "
                    "send fewer, or as [start, end]",
                    limit=_MAX_SEARCH_STEPS,
                )
            check_cancelled()
    tokens = 0
    for call in calls:
        for text in _texts(call):
            tokens += max(count(text), len(text) // _CHARACTERS_A_TOKEN)
            if tokens > settings.max_tokens:
                raise _too_many("tokens", None, settings.max_tokens)
            check_cancelled()


def _too_many(noun: str, number: int | None, limit: int) -> ServiceError:
    amount = f"{number} {noun}, and {limit}" if number is not None else f"more than the {limit} {noun} that"
    return ServiceError(
        413,
        f"too_many_{noun}",
        f"the request has {amount} are allowed; send fewer or shorter documents in a request",
        limit=limit,
    )


def _texts(call: Mapping[str, Any]) -> Iterator[str]:
    values = [call.get("question"), call.get("instruction")]
    for document in _list(call.get("documents")):
        values += [document.get("title"), document.get("text")] if isinstance(document, Mapping) else [document]
    return (value for value in values if isinstance(value, str))


def _passages(call: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for document in _list(call.get("documents")):
        if isinstance(document, Mapping) and isinstance(text := document.get("text"), str):
            passages = (passage for passage in _list(document.get("keep_passages")) if isinstance(passage, str))
            yield from ((text, passage) for passage in passages if passage)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()
