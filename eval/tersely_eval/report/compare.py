"""Two runs -> what got better and what got worse between them, and what of it is more than was allowed.

Compared are pairs: the same question, method and rate of the same data set. Nothing is measured or shown here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, computed_field

from tersely import InvalidInputError
from tersely_eval.measure import Measurement, Run, RunDescription
from tersely_eval.report.changes import MEASURES, Change, Group, Pair, change_of

_TOLERANCE = 1e-9  # of a mean of floats: a drop of exactly what is allowed is allowed
# What the figures depend on besides Tersely itself.
_CONDITIONS = ("model", "tokenizer", "machine", "reader")


class Breach(BaseModel):
    """A change that is worse than allowed.

    Attributes:
        change: what got worse.
        allowed: by how much it may.
    """

    model_config = ConfigDict(frozen=True)

    change: Change
    allowed: float

    @computed_field  # type: ignore[prop-decorator]
    @property
    def text(self) -> str:
        """One line for people."""
        change, measure = self.change, MEASURES[self.change.measure]
        digits = measure.digits
        line = (
            f"{change.data_set}, {change.method} at {change.rate:g}: {measure.label} went from "
            f"{change.before:.{digits}f} to {change.after:.{digits}f}"
        )
        if measure.summary == "total":
            return f"{line}; none more than before is allowed"
        if measure.summary == "median":
            return f"{line}, {change.difference:.2f} times as much; {1 + self.allowed:g} times is allowed"
        return f"{line}, worse by {change.worse_by:.{digits}f}; {self.allowed:g} is allowed"


class Unpaired(BaseModel):
    """Measurements that only one of the runs has: of these questions, by this method at this rate."""

    data_set: str
    method: str
    rate: float
    questions: list[str]


class Comparison(BaseModel):
    """How a run's figures changed in another run.

    Attributes:
        before, after: how the runs were made.
        remarks: what besides Tersely differs between them, in words.
        changes: by data set, method and rate in the first run's order.
        breaches: the changes that are worse than allowed.
        only_before, only_after: what was measured in one run alone, and is not compared.
    """

    before: RunDescription
    after: RunDescription
    remarks: list[str]
    changes: list[Change]
    breaches: list[Breach]
    only_before: list[Unpaired]
    only_after: list[Unpaired]


def compare_runs(before: Run, after: Run, max_drops: Mapping[str, float] | None = None) -> Comparison:
    """Compare two runs. Where a run has a measurement twice, the later one counts.

    Args:
        before, after: the runs.
        max_drops: name of a measure -> by how much it may get worse on average over the questions, from 0 on; of
            seconds as a share of before. More tokens above the budget, broken words or failures than before are always
            too many. What counts is the figure itself, not whether its interval excludes chance.

    Raises:
        InvalidInputError: no measurement is in both runs, or a threshold is set for what is no measure, cannot have
            one, or was not measured in both runs.
    """
    max_drops = max_drops or {}
    _check_max_drops(max_drops)
    earlier, later = _by_key(before.measurements), _by_key(after.measurements)
    groups: dict[Group, list[Pair]] = defaultdict(list)
    for key, measurement in earlier.items():
        if key in later:
            groups[key.group].append(Pair(measurement, later[key]))
    if not groups:
        raise InvalidInputError(
            f"the runs have nothing in common: before is of {_outline(earlier)}, after of {_outline(later)}"
        )
    changes = [
        change
        for group, pairs in groups.items()
        for measure in MEASURES.values()
        if (change := change_of(group, measure, pairs)) is not None
    ]
    measured = {change.measure for change in changes}
    for name in max_drops:
        if name not in measured:
            raise InvalidInputError(f"max_drops: {name} was not measured in both runs; there are {_named(measured)}")
    allowed = {**max_drops, **{name: 0.0 for name, measure in MEASURES.items() if measure.summary == "total"}}
    return Comparison(
        before=before.description,
        after=after.description,
        remarks=_remarks(before.description, after.description, [pair for pairs in groups.values() for pair in pairs]),
        changes=changes,
        breaches=[
            Breach(change=change, allowed=allowed[change.measure])
            for change in changes
            if change.measure in allowed and change.worse_by > allowed[change.measure] + _TOLERANCE
        ],
        only_before=_unpaired(earlier, later),
        only_after=_unpaired(later, earlier),
    )


def parse_max_drops(given: Sequence[str]) -> dict[str, float]:
    """Thresholds as a command line gives them, `MEASURE=NUMBER` each.

    Raises:
        InvalidInputError: one has another form, is given twice, or cannot be set.
    """
    max_drops: dict[str, float] = {}
    for limit in given:
        name, _, number = (part.strip() for part in limit.partition("="))
        try:
            drop = float(number)
        except ValueError:
            raise InvalidInputError(
                f"--max-drop {limit!r} must be a measure and a number, such as answer_kept=0.02"
            ) from None
        if name in max_drops:
            raise InvalidInputError(f"--max-drop {name} is given twice: {max_drops[name]:g} and {drop:g}")
        max_drops[name] = drop
    _check_max_drops(max_drops)
    return max_drops


class _Key(NamedTuple):
    """What identifies a measurement within its run."""

    group: Group
    question: str


def _by_key(measurements: Iterable[Measurement]) -> dict[_Key, Measurement]:
    return {
        _Key(Group(measurement.data_set, measurement.method, measurement.rate), measurement.question): measurement
        for measurement in measurements
    }


def _remarks(before: RunDescription, after: RunDescription, pairs: Sequence[Pair]) -> list[str]:
    remarks = [
        f"another {name}: {getattr(before, name)} before, {getattr(after, name)} after"
        for name in _CONDITIONS
        if getattr(before, name) != getattr(after, name)
    ]
    differing = sum(pair.before.original_tokens != pair.after.original_tokens for pair in pairs)
    if differing:
        remarks.append(f"other documents or another count of their tokens in {differing} of {len(pairs)} pairs")
    return remarks


def _unpaired(measurements: Mapping[_Key, Measurement], other_run: Mapping[_Key, Measurement]) -> list[Unpaired]:
    groups: dict[Group, list[str]] = defaultdict(list)
    for key in measurements:
        if key not in other_run:
            groups[key.group].append(key.question)
    return [Unpaired(**group._asdict(), questions=questions) for group, questions in groups.items()]


def _check_max_drops(max_drops: Mapping[str, float]) -> None:
    settable = [name for name, measure in MEASURES.items() if measure.settable]
    for name, drop in max_drops.items():
        if name not in settable:
            counted = [measure.label for measure in MEASURES.values() if measure.summary == "total"]
            raise InvalidInputError(
                f"max_drops: {name!r} is not among {', '.join(settable)} (more {', '.join(counted)} than before are "
                f"always too many)"
            )
        if not 0 <= drop < math.inf:
            raise InvalidInputError(f"max_drops: {name} may drop by a number from 0 on, got {drop:g}")


def _outline(measurements: Iterable[_Key]) -> str:
    groups = list(dict.fromkeys(f"{key.group.data_set}/{key.group.method}/{key.group.rate:g}" for key in measurements))
    return ", ".join(groups[:5]) + (" and others" if len(groups) > 5 else "") or "nothing"


def _named(measured: Iterable[str]) -> str:
    return ", ".join(name for name in MEASURES if name in set(measured) and MEASURES[name].settable) or "none"
