"""How sure a mean over questions is: bootstrap intervals. Nothing else is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tersely import InvalidInputError
from tersely_eval.extra import eval_extra

_SEED = 0  # the same values have the same interval, today and tomorrow
_RESAMPLES = 9_999
_VALUES_AT_ONCE = 10_000_000  # 80 MB


class Interval(NamedTuple):
    """A mean, and between which bounds it lies as far as the values can tell."""

    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of the values with its interval, by the percentile bootstrap; the same at every call.

    One value, or values that are all equal, have an interval of no width: resampling them finds nothing else. It is
    then no sign of certainty.

    Args:
        values: one for each question; booleans count as 0 and 1.
        confidence: the chance, in (0, 1), that such an interval holds the true mean.

    Raises:
        InvalidInputError: there are no values, one is no finite number, or the confidence is out of range.
    """
    import numpy as np

    with eval_extra():
        from scipy.stats import bootstrap

    if not 0 < confidence < 1:
        raise InvalidInputError(f"confidence must lie between 0 and 1, got {confidence:g}")
    numbers = np.asarray(values, dtype=float)
    if not numbers.size:
        raise InvalidInputError("values: there are none, so no mean")
    if not np.isfinite(numbers).all():
        raise InvalidInputError("values: all must be finite numbers")
    if numbers.min() == numbers.max():
        return Interval(*[float(numbers[0])] * 3)
    result = bootstrap(
        (numbers,),
        np.mean,
        confidence_level=confidence,
        method="percentile",
        n_resamples=_RESAMPLES,
        batch=max(1, _VALUES_AT_ONCE // numbers.size),
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    mean = float(numbers.mean())
    # Rounding may leave the mean outside by its last digit where the values hardly differ.
    return Interval(mean, min(mean, float(result.low)), max(mean, float(result.high)))


def difference_interval(paired_before: Sequence[float], paired_after: Sequence[float]) -> Interval:
    """The mean of after - before, with its 95% interval.

    Args:
        paired_before: one value for each question.
        paired_after: the values of the same questions, in the same order.

    Raises:
        InvalidInputError: the two are not equally long, or as `mean_interval`.
    """
    if len(paired_before) != len(paired_after):
        raise InvalidInputError(f"pairs are needed, got {len(paired_before)} before and {len(paired_after)} after")
    pairs = zip(paired_before, paired_after, strict=True)
    return mean_interval([float(after) - float(before) for before, after in pairs])
