"""Counts tokens as the LLM that will be paid counts them. Nothing here scores: the scorer has tokens of its own."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

from tersely.errors import TokenizerError

DEFAULT_ENCODING = "o200k_base"

# tiktoken fetches an encoding that it does not have from OpenAI's store, with no time limit of its own.
FETCH_SECONDS = 15.0
# Characters that tiktoken counts at once where a text is too much for it.
_PART = 100_000

_logger = logging.getLogger(__name__)


class TokenCounter(NamedTuple):
    """Counts the tokens of a text.

    Attributes:
        name: what the result reports, such as `"o200k_base"`.
        count: text -> number of tokens, special tokens not added.
    """

    name: str
    count: Callable[[str], int]


def token_counter(tokenizer: Any, fallback: Callable[[], TokenCounter]) -> TokenCounter:
    """The counter for a `tokenizer` setting.

    Args:
        tokenizer: None (`o200k_base`, found offline where llama-index-core or tiktoken's own cache carries it), a
            tiktoken encoding's name, an OpenAI model's name, a folder or Hub id with a Hugging Face tokenizer, a
            tokenizer object with `encode`, or a callable from text to tokens or to their number.
        fallback: gives the scorer's own counter, used with a warning where `tokenizer` is None and no encoding can be
            had.

    Raises:
        TokenizerError: the name is unknown, the encoding cannot be had, or the object does not count.
    """
    if tokenizer is None:
        try:
            return _tiktoken_counter(DEFAULT_ENCODING)
        except TokenizerError as error:
            counter = fallback()
            _logger.warning(
                "%s. Counting with the tokenizer of %s instead: budgets are approximate", error, counter.name
            )
            return counter
    if isinstance(tokenizer, str):
        return _named_counter(tokenizer)
    return _object_counter(tokenizer)


def _object_counter(tokenizer: Any) -> TokenCounter:
    if callable(getattr(tokenizer, "encode_ordinary", None)):  # tiktoken
        return TokenCounter(getattr(tokenizer, "name", "tiktoken"), lambda text: _count_with_tiktoken(tokenizer, text))
    fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if callable(getattr(fast, "no_truncation", None)):  # tokenizers, and the fast ones of transformers
        fast = type(fast).from_str(fast.to_str())  # a copy: the caller's may cut or pad what it encodes
        fast.no_truncation()
        fast.no_padding()
        name = getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__
        return TokenCounter(name, lambda text: len(fast.encode(text, add_special_tokens=False)))
    if callable(getattr(tokenizer, "encode", None)):
        return TokenCounter(type(tokenizer).__name__, lambda text: len(tokenizer.encode(text)))
    if callable(tokenizer):
        return TokenCounter(getattr(tokenizer, "__name__", "callable"), _checked(tokenizer))
    raise TokenizerError(
        f"tokenizer must be a name, a tokenizer or a callable from text to a number of tokens, not {tokenizer!r}"
    )


def _named_counter(name: str) -> TokenCounter:
    import tiktoken

    if name in tiktoken.list_encoding_names():
        return _tiktoken_counter(name)
    try:
        return _tiktoken_counter(tiktoken.encoding_name_for_model(name))
    except KeyError:
        pass
    if not Path(name).exists() and name.count("/") != 1:
        raise TokenizerError(
            f"unknown tokenizer {name!r}: not a tiktoken encoding ({', '.join(tiktoken.list_encoding_names())}), not "
            f"an OpenAI model that tiktoken knows, not a folder, not a Hub id of the form 'organisation/name'"
        )
    from tersely.scoring.loading import load_tokenizer

    return _object_counter(load_tokenizer(name))


def _tiktoken_counter(encoding_name: str) -> TokenCounter:
    encoding = tiktoken_encoding(encoding_name)
    if isinstance(encoding, Exception):
        reason = str(encoding) if isinstance(encoding, TimeoutError) else type(encoding).__name__
        raise TokenizerError(
            f"the tiktoken encoding {encoding_name!r} is not on this machine and could not be fetched ({reason}); "
            f"set TIKTOKEN_CACHE_DIR to a folder that has it, or `pip install llama-index-core`, which carries it"
        )
    return TokenCounter(encoding_name, lambda text: _count_with_tiktoken(encoding, text))


def _count_with_tiktoken(encoding: Any, text: str) -> int:
    try:
        return len(encoding.encode_ordinary(text))
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # a panic of its pattern engine; it is no `Exception`
            raise
        # A run of one kind of character was too long for it: in parts, where at most a token more is counted for each.
        parts = range(0, len(text), _PART)
        return sum(len(encoding.encode_ordinary(text[start : start + _PART])) for start in parts)


@cache
def tiktoken_encoding(encoding_name: str) -> Any:
    """The encoding, or the exception that says why it could not be had; asked once a process, in bounded time."""
    import tiktoken

    outcome: list[Any] = [TimeoutError(f"no answer in {FETCH_SECONDS:.0f} s")]

    def fetch() -> None:
        try:
            with _carried_encoding(encoding_name):
                outcome[0] = tiktoken.get_encoding(encoding_name)
        except Exception as error:  # whatever the network stack raises
            outcome[0] = error

    thread = threading.Thread(target=fetch, daemon=True)
    thread.start()
    thread.join(FETCH_SECONDS)
    return outcome[0]


@contextmanager
def _carried_encoding(encoding_name: str) -> Iterator[None]:
    """Point tiktoken at the folder of encodings that llama-index-core carries, if it has this one."""
    # tiktoken's own scheme: a file is named by the hash of where it is published.
    published = f"https://openaipublic.blob.core.windows.net/encodings/{encoding_name}.tiktoken"
    file_name = hashlib.sha1(published.encode(), usedforsecurity=False).hexdigest()
    package = importlib.util.find_spec("llama_index")
    for location in (package.submodule_search_locations or []) if package else []:
        folder = Path(location) / "core" / "_static" / "tiktoken_cache"
        if "TIKTOKEN_CACHE_DIR" not in os.environ and (folder / file_name).is_file():
            os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
            try:
                yield
            finally:
                del os.environ["TIKTOKEN_CACHE_DIR"]
            return
    yield


def _checked(count: Callable[[str], Any]) -> Callable[[str], int]:
    def checked(text: str) -> int:
        tokens = count(text)
        if isinstance(tokens, list):  # of tokens, as LlamaIndex has it
            return len(tokens)
        if isinstance(tokens, bool) or not isinstance(tokens, Integral) or tokens < 0:
            raise TokenizerError(f"the tokenizer callable must return a number of tokens, got {tokens!r}")
        return int(tokens)

    return checked
