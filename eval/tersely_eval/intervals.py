"""How far a mean over the questions could be off by the luck of which questions were asked. Nothing else lives here.

The bootstrap is scipy's, which is loaded when the first interval is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tersely import InvalidInputError

_RESAMPLES = 2000
_SEED = 20240229  # the same values have the same interval in every run
_VALUES_AT_ONCE = 1_000_000  # keeps the memory of many resamples of many values small


class Interval(NamedTuple):
    """A mean, and the bounds between which it lies with the confidence that was asked for."""

    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of values and its bootstrap interval (percentiles, fixed seed).

    Where all values are equal, and where there is only one, the bounds are the mean itself.

    Raises:
        InvalidInputError: there are no values, or scipy is not installed.
    """
    if not len(values):
        raise InvalidInputError("values: there are none, so they have no mean")
    array = np.asarray(values, dtype=float)
    mean = float(array.mean())
    if (array == array[0]).all():
        return Interval(float(array[0]), float(array[0]), float(array[0]))
    try:
        from scipy.stats import bootstrap
    except ImportError:
        raise InvalidInputError("intervals need scipy, which is missing: pip install 'tersely[eval]'") from None
    found = bootstrap(
        (array,),
        np.mean,
        n_resamples=_RESAMPLES,
        batch=max(1, _VALUES_AT_ONCE // len(array)),
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high))


def difference_interval(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The mean of `after - before`, pair by pair, and its 95% interval.

    Raises:
        InvalidInputError: they are not pairs, there are none, or scipy is not installed.
    """
    if len(before) != len(after):
        raise InvalidInputError(f"before and after must be pairs, got {len(before)} and {len(after)} values")
    return mean_interval(np.subtract(after, before, dtype=float).tolist())
