"""Tersely for LangChain: a document compressor, and a Runnable, that compresses what was retrieved."""

try:
    import langchain_core  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "langchain_core":
        raise
    raise ImportError(
        "TerselyCompressor needs langchain-core, which is not installed: pip install 'tersely[langchain]'"
    ) from error

from langchain_tersely.compressor import CompressorInput, TerselyCompressor

__all__ = ["CompressorInput", "TerselyCompressor"]
