"""Tersely for agents that speak the Model Context Protocol: `mcp_server` gives the server, `run` serves it."""

from tersely_mcp.server import mcp_server, run
from tersely_mcp.settings import McpSettings, mcp_settings

__all__ = ["McpSettings", "mcp_server", "mcp_settings", "run"]
