"""How much one request may ask for, beyond the size of its body. Counts and refuses; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tersely_server.errors import ServiceError
from tersely_server.settings import ServerSettings

# At most: what has few tokens for its length (white space, rows of dots) takes as long as other text.
_CHARACTERS_OF_A_TOKEN = 8
# Of passages to keep: how often they stand in their texts, and how much text is searched for them.
_SEARCHES = 100_000
_CHARACTERS_SEARCHED_AT_ONCE = 10_000


def check_limits(
    calls: Sequence[Mapping[str, Any]],
    settings: ServerSettings,
    count: Callable[[str], int],
    go_on: Callable[[], None] = lambda: None,
) -> None:
    """Refuse what is too much, before anything slow begins.

    Args:
        calls: arguments of `Compressor.compress`, unchecked; what is no text is left to it.
        settings: the limits.
        count: text -> tokens.
        go_on: called between texts; may raise.

    Raises:
        ServiceError: there are too many documents, tokens or passages.
    """
    documents = sum(max(len(_list(call.get("documents"))), 1) for call in calls)
    if documents > settings.max_documents:
        raise _too_many("documents", documents, settings.max_documents)
    searching = 0
    for call in calls:
        for text, passage in _passages(call):
            searching += 1 + text.count(passage) + len(text) // _CHARACTERS_SEARCHED_AT_ONCE
            if searching > _SEARCHES:
                raise ServiceError(
                    413,
                    "too_many_passages",
                    "keep_passages: so many passages stand in so much text so often that to find them takes too long; "
                    "send fewer, or as [start, end]",
                    limit=_SEARCHES,
                )
            go_on()
    tokens = 0
    for call in calls:
        for text in _texts(call):
            tokens += max(count(text), len(text) // _CHARACTERS_OF_A_TOKEN)
            if tokens > settings.max_tokens:
                raise _too_many("tokens", None, settings.max_tokens)
            go_on()


def _too_many(what: str, found: int | None, limit: int) -> ServiceError:
    amount = f"{found} {what}, and {limit}" if found is not None else f"more than the {limit} {what} that"
    return ServiceError(
        413,
        f"too_many_{what}",
        f"the request has {amount} are allowed; send fewer or shorter documents in a request",
        limit=limit,
    )


def _texts(call: Mapping[str, Any]) -> Iterator[str]:
    given = [call.get("question"), call.get("instruction")]
    for document in _list(call.get("documents")):
        given += [document.get("title"), document.get("text")] if isinstance(document, Mapping) else [document]
    return (text for text in given if isinstance(text, str))


def _passages(call: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for document in _list(call.get("documents")):
        if isinstance(document, Mapping) and isinstance(text := document.get("text"), str):
            passages = (passage for passage in _list(document.get("keep_passages")) if isinstance(passage, str))
            yield from ((text, passage) for passage in passages if passage)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()
