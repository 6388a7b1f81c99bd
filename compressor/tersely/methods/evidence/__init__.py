"""The method `evidence`: how likely each unit is evidence for the question, and the profile that weighs the signals."""

from __future__ import annotations

from tersely.methods.evidence.evidence import EVIDENCE

__all__ = ["EVIDENCE"]
