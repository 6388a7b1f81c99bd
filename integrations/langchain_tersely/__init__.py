"""Tersely for LangChain: a document compressor, which is a Runnable, and a middleware for agents."""

from typing import TYPE_CHECKING, Any

try:
    import langchain_core  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "langchain_core":
        raise
    raise ImportError(
        "TerselyCompressor needs langchain-core, which is not installed: pip install 'tersely[langchain]'"
    ) from error

from langchain_tersely.compressor import CompressorInput, TerselyCompressor

if TYPE_CHECKING:
    from langchain_tersely.middleware import TerselyMiddleware

__all__ = ["CompressorInput", "TerselyCompressor", "TerselyMiddleware"]


def __getattr__(name: str) -> Any:
    """The middleware when it is first asked for: it needs `langchain`, the compressor only its core."""
    if name != "TerselyMiddleware":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from langchain_tersely.middleware import TerselyMiddleware
    except ModuleNotFoundError as error:
        if error.name not in ("langchain", "langchain.agents", "langgraph"):
            raise
        raise ImportError(
            "TerselyMiddleware needs langchain 1.0 or later, which is not installed: pip install 'langchain>=1.0'"
        ) from error
    return TerselyMiddleware
