"""Tersely for Haystack: a ranker that also compresses what was retrieved."""

try:
    import haystack  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "haystack":
        raise
    raise ImportError(
        "TerselyRanker needs haystack-ai, which is not installed: pip install 'tersely[haystack]'"
    ) from error

from haystack_integrations.components.rankers.tersely.ranker import TerselyRanker

__all__ = ["TerselyRanker"]
