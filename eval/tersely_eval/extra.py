"""Imports of the extra `eval`, with an error that says how to install it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tersely import InvalidInputError


@contextmanager
def eval_extra() -> Iterator[None]:
    """Import inside this `with` what comes with the extra `eval`.

    Raises:
        InvalidInputError: it is not installed; the message says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InvalidInputError(f"{error.name} is not installed: pip install 'tersely[eval]'") from None
