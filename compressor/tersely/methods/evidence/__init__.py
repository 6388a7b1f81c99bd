"""The method `evidence`: how likely each unit is evidence for the question, and the profile that weighs the signals."""

from __future__ import annotations

from tersely.methods.evidence.calibration import Example, ExampleSet, calibrate
from tersely.methods.evidence.evidence import EVIDENCE
from tersely.methods.evidence.profile import profile_for

__all__ = ["EVIDENCE", "Example", "ExampleSet", "calibrate", "profile_for"]
