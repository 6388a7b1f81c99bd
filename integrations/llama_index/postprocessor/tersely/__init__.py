"""Tersely for LlamaIndex: a node postprocessor that compresses what was retrieved."""

try:
    import llama_index.core  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in ("llama_index", "llama_index.core"):
        raise
    raise ImportError(
        "TerselyPostprocessor needs llama-index-core, which is not installed: pip install 'tersely[llama-index]'"
    ) from error

from llama_index.postprocessor.tersely.base import TerselyPostprocessor

__all__ = ["TerselyPostprocessor"]
