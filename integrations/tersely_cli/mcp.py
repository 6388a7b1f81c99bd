"""`tersely mcp`: the MCP server. Options in, a running server; what it does is in `tersely_mcp`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tersely import DEFAULT_MODEL, InvalidInputError
from tersely_cli.options import Model, Tokenizer
from tersely_cli.serve import TOKEN_VARIABLE, read_secret


def mcp(
    transport: Annotated[str, typer.Option(help="stdio, or http for streamable HTTP.")] = "stdio",
    host: Annotated[str, typer.Option(help="HTTP: the address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="HTTP: the port; its path is /mcp.")] = 8001,
    token_file: Annotated[
        Path | None, typer.Option(help=f"HTTP: holds the token that agents must send; or set {TOKEN_VARIABLE}.")
    ] = None,
    model: Model = DEFAULT_MODEL,
    tokenizer: Tokenizer = None,
    originals_bytes: Annotated[
        int, typer.Option(help="Keep so many bytes of compressed texts for the tool retrieve; 0 keeps none.")
    ] = 64_000_000,
    originals_seconds: Annotated[
        float, typer.Option(help="How long, after they were last compressed or asked for.")
    ] = 14_400.0,
) -> None:
    """Give agents tools to compress, rank and retrieve, over the Model Context Protocol."""
    try:
        from tersely_mcp import mcp_settings, run
    except ModuleNotFoundError as error:
        raise InvalidInputError(f"{error.name} is not installed: pip install 'tersely[mcp]'") from None
    settings = mcp_settings(
        transport=transport,
        host=host,
        port=port,
        token=read_secret("--token-file", token_file, TOKEN_VARIABLE) if transport == "http" else None,
        model=model,
        tokenizer=tokenizer,
        originals_bytes=originals_bytes,
        originals_seconds=originals_seconds,
    )
    run(settings)
