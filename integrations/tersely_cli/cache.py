"""The command line's part that is about what is kept of documents between calls: fill it, show it, wipe it."""

from __future__ import annotations

import sys
from typing import Annotated, cast, get_args

import typer

from tersely import DEFAULT_MODEL, CacheSettings, InvalidInputError, MethodName
from tersely.settings import settings_from
from tersely_cli.terminal import error_console, progress, progress_bar

cache = typer.Typer(help="What is kept of documents, so that the next question over them costs little.")


@cache.command()
def index(
    files: Annotated[list[str], typer.Argument(help="As `tersely compress` takes them.")],
    method: Annotated[
        str, typer.Option("--method", "-m", help=f"One of {', '.join(get_args(MethodName))}.")
    ] = "evidence",
    protect: Annotated[list[str] | None, typer.Option(help="As it will be given to `tersely compress`.")] = None,
    model: Annotated[str, typer.Option(help="As it will be given to `tersely compress`.")] = DEFAULT_MODEL,
) -> None:
    """Read documents ahead of the questions, and keep what was read."""
    settings = settings_from({"method": method, "protect": protect or ()})
    from tersely_batch.input_files import read_sources

    documents = read_sources(files, sys.stdin.buffer, note=lambda line: typer.echo(f"tersely: {line}", err=True))

    if not any(document.text.strip() for document in documents):
        raise InvalidInputError("nothing to keep: none of the documents has any text")

    from tersely import Compressor

    console = error_console()
    with progress(console, "loading the model ..."):
        # Memory ends with this process: what cannot go to disk is not kept.
        compressor = Compressor(model, settings=settings, cache=CacheSettings(memory_bytes=0))
    with progress_bar(console) as advance:
        compressor.index(documents, method=cast(MethodName, method), progress=advance)
    info()


@cache.command()
def info() -> None:
    """Print the folder, and how much lies there."""
    from tersely.scoring.cache import cache_size

    size = cache_size()
    typer.echo(f"{size.folder}: {size.entries} entries, {size.size / 1e6:.1f} MB")


@cache.command()
def clear() -> None:
    """Delete all that was kept, by every model; it is read again when it is needed."""
    from tersely.scoring.cache import clear_cache

    size = clear_cache()
    typer.echo(f"{size.folder}: removed {size.entries} entries, {size.size / 1e6:.1f} MB", err=True)
