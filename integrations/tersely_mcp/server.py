"""The MCP server: tools with the descriptions that an agent reads, over standard input or streamable HTTP."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable
from typing import Annotated, TypeVar

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tersely import Compressor, TerselyError, __version__, shared_compressor
from tersely_mcp.settings import McpSettings
from tersely_mcp.tools import Compressed, Ranked, Retrieved, Stats, Tools
from tersely_server.compression import Originals

Answer = TypeVar("Answer")

_INSTRUCTIONS = (
    "Makes long texts shorter before they fill your context: tool results, logs, JSON, documents. Say what you want to "
    "know, and what answers it is kept word for word. Nothing is lost: `retrieve` gives a whole text back."
)
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)


def mcp_server(settings: McpSettings | None = None, *, compressor: Compressor | None = None) -> MCPServer:
    """The server, with its four tools.

    Args:
        settings: model, and how long originals are kept; by default `McpSettings()`.
        compressor: does the work; without one, the model of the settings is loaded at the first call that needs it.
    """
    settings = settings or McpSettings()
    tools = Tools(
        lambda: compressor or shared_compressor(settings.model, settings.tokenizer),
        Originals(settings.originals_bytes, settings.originals_seconds),
    )
    server = MCPServer("tersely", title="Tersely", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING")

    @server.tool(title="Compress a text", annotations=_READS)
    def compress(
        context: Context,
        text: Annotated[str, Field(description="The text: prose, Markdown, a table, JSON, code, a log, a diff ...")],
        question: Annotated[
            str | None,
            Field(description="What you want to know from it. Without one, what is new and important is kept."),
        ] = None,
        rate: Annotated[
            float | None, Field(gt=0, le=1, description="Share of the tokens to keep; by default 0.5.")
        ] = None,
        target_tokens: Annotated[int | None, Field(gt=0, description="The most tokens, instead of a rate.")] = None,
    ) -> Compressed:
        """Shorten a long text to what answers a question. Whole sentences, rows and records are kept, word for word."""
        return _said(lambda: tools.compress(_caller(context), text, question, rate, target_tokens))

    @server.tool(title="Rank documents", annotations=_READS)
    def rank(
        documents: Annotated[list[str], Field(min_length=1, description="The texts to compare.")],
        question: Annotated[str, Field(min_length=1, description="What you want to know.")],
        top: Annotated[int | None, Field(ge=1, description="How many to name; by default all.")] = None,
    ) -> Ranked:
        """Say which of several documents answer a question best, so that you need to read only those."""
        return _said(lambda: tools.rank(documents, question, top))

    @server.tool(title="Retrieve an original", annotations=_READS)
    def retrieve(
        context: Context, id: Annotated[str, Field(description="The id that came with the compressed text.")]
    ) -> Retrieved:
        """Give the whole text back that was compressed. Use it when a [...] hides what you need."""
        return _said(lambda: tools.retrieve(_caller(context), id))

    @server.tool(title="What was saved", annotations=_READS)
    def stats() -> Stats:
        """Say how many texts were compressed and how many tokens that saved."""
        return tools.stats()

    return server


def run(settings: McpSettings, *, compressor: Compressor | None = None) -> None:
    """Serve until standard input ends, or with HTTP until a signal."""
    logging.basicConfig(level=logging.WARNING)  # to standard error: standard output is the protocol's
    server = mcp_server(settings, compressor=compressor)
    if settings.transport == "stdio":
        server.run("stdio")
        return
    app: ASGIApp = server.streamable_http_app(host=settings.host)
    if settings.token is not None:
        app = TokenCheck(app, settings.token.get_secret_value())
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning")


class TokenCheck:
    """ASGI middleware: only requests with the token go on.

    Args:
        app: what is served.
        token: what `Authorization: Bearer ...` must hold.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            presented = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(presented, self._expected):
                error = {"error": "a token is needed: send `Authorization: Bearer TOKEN`"}
                await JSONResponse(error, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _caller(context: Context) -> str:
    """A name for whoever sends this token, which does not give it away."""
    token = (context.headers or {}).get("authorization", "")
    return hashlib.sha256(token.encode()).hexdigest()


def _said(work: Callable[[], Answer]) -> Answer:
    """The outcome; an error as the agent should read it.

    Raises:
        ToolError: the library's message.
    """
    try:
        return work()
    except TerselyError as error:
        raise ToolError(str(error)) from None
