"""Scoring: tokens in, log-probabilities and attention out, by a causal language model behind the protocol `Scorer`."""

from tersely.scoring.models import DEFAULT_MODEL
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
