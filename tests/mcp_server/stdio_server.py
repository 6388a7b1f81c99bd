"""The MCP server on standard input and output, with a scorer that needs no model."""

from doubles import FakeScorer
from tersely import Compressor
from tersely_mcp import McpSettings, run

if __name__ == "__main__":
    run(McpSettings(), compressor=Compressor(FakeScorer()))
