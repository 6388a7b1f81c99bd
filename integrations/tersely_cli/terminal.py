"""What a person at a terminal sees while something goes on. All of it goes to standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def error_console() -> Console:
    """Where all of this is shown."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def progress(console: Console, message: str) -> Iterator[None]:
    """Show that something goes on, where somebody watches."""
    if not console.is_terminal:
        yield
        return
    with console.status(message):
        yield


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[str, float], None]]:
    """A bar for each stage, where somebody watches; gone when the work is done."""
    from rich.progress import Progress

    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        stages: dict[str, Any] = {}

        def advance(stage: str, share: float) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=1.0)
            bars.update(stages[stage], completed=share)

        yield advance
