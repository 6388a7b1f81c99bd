"""All that can be measured, called alike: Tersely's methods, baselines without a model, and peers."""

from __future__ import annotations

from tersely_eval.peers.approaches import Approach, approaches, method_names, parse_methods
from tersely_eval.peers.baselines import truncation
from tersely_eval.peers.peer import PeerError
from tersely_eval.peers.peer_process import peak_bytes, reset_peak
from tersely_eval.peers.peers import peer_approaches
from tersely_eval.peers.selection import Selection

__all__ = [
    "Approach",
    "PeerError",
    "Selection",
    "approaches",
    "method_names",
    "parse_methods",
    "peak_bytes",
    "peer_approaches",
    "reset_peak",
    "truncation",
]
