"""Scoring: tokens in, log-probabilities and attention out, by a causal language model behind the protocol `Scorer`.

The names are imported when they are first asked for, so that a program starts fast that only might compress.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tersely.scoring.models import DEFAULT_MODEL

if TYPE_CHECKING:
    from tersely.scoring.scorer import Attention, Chain, Encoding, Head, Progress, Scorer, ScoringRequest
    from tersely.scoring.scorers import Loader, load_scorer, set_loader

__all__ = [
    "DEFAULT_MODEL",
    "Attention",
    "Chain",
    "Encoding",
    "Head",
    "Loader",
    "Progress",
    "Scorer",
    "ScoringRequest",
    "load_scorer",
    "set_loader",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "scorers" if name in ("Loader", "load_scorer", "set_loader") else "scorer"
    return getattr(import_module(f"tersely.scoring.{room}"), name)
