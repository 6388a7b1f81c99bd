"""Calibration: from questions with marked evidence to a model's profile. The weights are those of two logistic
regressions, one a hop, with a ridge that keeps them small: a few hundred questions carry no more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from tersely.documents import Document, Span
from tersely.errors import InvalidInputError
from tersely.input import read_documents
from tersely.methods.evidence.profile import FirstHopWeights, HeadWeight, Profile, Provenance, SecondHopWeights
from tersely.methods.evidence.signals import FIRST_HOP, SECOND_HOP, Signals, measure, second_hop
from tersely.scoring.scorer import Head, Progress, Scorer
from tersely.text.segmentation import own_span, segment_documents

_HEADS = 10
# Weights of heads are many and alike, so their ridge is stronger.
_FIRST_RIDGE = 100.0
_SECOND_RIDGE = 1.0
_FOLDS = 5
# Documents are read by this share of the layers where it tells evidence as well as all of them: the held-out area under
# the curve is, in each source, at most so much smaller.
_DOCUMENT_LAYERS = 2 / 3
_AS_WELL = 0.005


class Example(NamedTuple):
    """A question with its documents and what in them is evidence.

    Attributes:
        question: as asked.
        documents: as retrieved.
        evidence: position of a document -> the characters of its text that are evidence.
    """

    question: str
    documents: Sequence[Document]
    evidence: dict[int, list[Span]]


class ExampleSet(NamedTuple):
    """Examples of one source; each source counts alike, however many examples it has.

    Attributes:
        name: what the profile's provenance calls it.
        sha256: of the file.
        examples: at least `_FOLDS` of them.
    """

    name: str
    sha256: str
    examples: Sequence[Example]


class _Measured(NamedTuple):
    """One example as numbers: its signals, and for each unit whether it is evidence."""

    source: str
    fold: int
    signals: Signals
    is_evidence: np.ndarray

    def first_hop(self, heads: Sequence[int]) -> np.ndarray:
        return np.column_stack([self.signals.model_scores[:, heads], self.signals.first_hop])


class _Weights(NamedTuple):
    """Fitted weights: of the model's scores and the other signals of the first hop, and of those of the second."""

    first_hop: np.ndarray
    second_hop: np.ndarray


class Calibration(NamedTuple):
    """What calibration finds out about a model: its profile, and by how many layers the scorer computes documents.

    Attributes:
        profile: for the method.
        document_layers: for the scorer (see `scoring/depth.py`); None for all.
    """

    profile: Profile
    document_layers: int | None

    def to_json(self) -> str:
        """The file that both are found in."""
        fields = {**self.profile.model_dump(mode="json"), "document_layers": self.document_layers}
        return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


class _Fitted(NamedTuple):
    """What comes of examples that were measured in one way: heads (as positions), weights, held-out areas."""

    document_layers: int | None
    questions: int
    heads: list[int]
    weights: _Weights
    held_out: dict[str, tuple[float, float]]

    def tells_as_well_as(self, other: _Fitted) -> bool:
        areas = zip(self.held_out.values(), other.held_out.values(), strict=True)
        return all(ours[-1] >= theirs[-1] - _AS_WELL for ours, theirs in areas)


def calibrate(
    scorer: Scorer,
    sources: Sequence[ExampleSet],
    *,
    heads: int | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Make a model's profile. Where the scorer supports it, the examples are scored twice: documents by all layers, and
    by two thirds of them.

    Args:
        scorer: the model.
        sources: where the examples come from.
        heads: how many attention heads to choose, by default 10, or all where there are fewer; 0 measures contrastive
            perplexity instead and makes a profile for all models that have none of their own.
        progress: receives the share of the examples that is measured, from 0 to 1.

    Raises:
        InvalidInputError: there are too few examples with marked evidence, or the model has fewer heads.
    """
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise InvalidInputError(f"two files have the same name ({', '.join(names)}); each source needs its own")
    heads = min(_HEADS, len(scorer.heads)) if heads is None else heads
    if heads > len(scorer.heads):
        raise InvalidInputError(f"heads: {scorer.name!r} has {len(scorer.heads)} attention heads, not {heads}")
    depths: list[int | None] = [None]
    if heads and scorer.supports_shallow:
        all_layers = max(head.layer for head in scorer.heads) + 1
        some = round(_DOCUMENT_LAYERS * all_layers)
        if 0 < some < all_layers:
            depths.append(some)
    whole, *fewer = (
        _fitted(scorer, sources, heads, layers, _share_of(progress, number, len(depths)))
        for number, layers in enumerate(depths)
    )
    best = next((fitted for fitted in fewer if fitted.tells_as_well_as(whole)), whole)
    chosen, weights = best.heads, best.weights
    model_weights, first_hop = (
        weights.first_hop[: len(chosen)].round(4).tolist(),
        weights.first_hop[len(chosen) :].round(4).tolist(),
    )
    profile = Profile(
        model=scorer.name if heads else "any",
        fingerprint=scorer.fingerprint if heads else None,
        heads=tuple(
            HeadWeight(layer=scorer.heads[number].layer, head=scorer.heads[number].head, weight=weight)
            for number, weight in zip(chosen, model_weights, strict=True)
        )
        if heads
        else (),
        contrast=0.0 if heads else model_weights[0],
        first_hop=FirstHopWeights(**dict(zip(FIRST_HOP, first_hop, strict=True))),
        second_hop=SecondHopWeights(**dict(zip(SECOND_HOP, weights.second_hop.round(4).tolist(), strict=True))),
        provenance=Provenance(
            data={source.name: source.sha256 for source in sources},
            questions=best.questions,
            held_out=best.held_out,
            made=date.today().isoformat(),
        ),
    )
    return Calibration(profile, best.document_layers)


def _share_of(progress: Progress | None, number: int, total: int) -> Progress:
    """Progress of one part of several."""
    return lambda share: progress((number + share) / total) if progress else None


def _fitted(
    scorer: Scorer, sources: Sequence[ExampleSet], heads: int, document_layers: int | None, progress: Progress
) -> _Fitted:
    if scorer.supports_shallow:
        scorer = scorer.with_depth(document_layers)
    measured = _measure_all(scorer, sources, scorer.heads if heads else [], progress)
    chosen = _best_heads(measured, heads) if heads else [0]
    return _Fitted(document_layers, len(measured), chosen, _fit(measured, chosen), _held_out(measured, heads))


def area_under_curve(values: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive has a higher value than another (area under the ROC curve); ties count half."""
    training = np.sort(values[~positive])
    below = np.searchsorted(training, values[positive], side="left")
    not_above = np.searchsorted(training, values[positive], side="right")
    return float((below + not_above).mean() / 2 / len(training))


def _measure_all(
    scorer: Scorer,
    sources: Sequence[ExampleSet],
    heads: Sequence[Head],
    progress: Progress,
) -> list[_Measured]:
    total = sum(len(source.examples) for source in sources)
    done = 0
    measured = []
    for source in sources:
        usable = 0
        for example in source.examples:
            documents = read_documents(example.documents).usable
            segmented = segment_documents(documents)
            signals = measure(scorer, segmented, example.question, heads, lambda share: None)
            is_evidence = np.array(
                [
                    _overlaps(own_span(segmented[position], unit), example.evidence.get(segmented[position].index, []))
                    for position, unit in signals.units
                ]
            )
            if is_evidence.any() and not is_evidence.all():
                slim = signals._replace(token_scores=[])  # these hold a value for each token and head
                measured.append(_Measured(source.name, usable % _FOLDS, slim, is_evidence))
                usable += 1
            done += 1
            progress(done / total)
        if usable < _FOLDS:
            raise InvalidInputError(
                f"{source.name}: {usable} of {len(source.examples)} questions have both evidence that is marked and "
                f"text that is not; at least {_FOLDS} are needed"
            )
    return measured


def _overlaps(unit: Span, evidence: Sequence[Span]) -> bool:
    """Whether more than half of the shorter of the two is common to a unit and a span of evidence."""
    return any(
        min(unit.end, span.end) - max(unit.start, span.start) > min(unit.end - unit.start, span.end - span.start) / 2
        for span in evidence
    )


def _best_heads(measured: Sequence[_Measured], number: int) -> list[int]:
    """The heads that tell evidence best, each by itself; the mean over sources of the mean over questions."""
    by_source: dict[str, list[np.ndarray]] = {}
    for example in measured:
        areas = [area_under_curve(column, example.is_evidence) for column in example.signals.model_scores.T]
        by_source.setdefault(example.source, []).append(np.array(areas))
    mean = np.mean([np.mean(areas, axis=0) for areas in by_source.values()], axis=0)
    return sorted(np.argsort(-mean, kind="stable")[:number].tolist())


def _fit(measured: Sequence[_Measured], heads: Sequence[int]) -> _Weights:
    units: dict[str, int] = {}
    for example in measured:
        units[example.source] = units.get(example.source, 0) + len(example.is_evidence)
    mean = np.mean(list(units.values()))
    sample_weights = np.concatenate(
        [np.full(len(example.is_evidence), mean / units[example.source]) for example in measured]
    )
    is_evidence = np.concatenate([example.is_evidence for example in measured])
    rows = [example.first_hop(heads) for example in measured]
    first = logistic_regression(np.concatenate(rows), is_evidence, sample_weights, _FIRST_RIDGE)
    rows = [second_hop(example.signals, example.first_hop(heads) @ first) for example in measured]
    second = logistic_regression(np.concatenate(rows), is_evidence, sample_weights, _SECOND_RIDGE)
    return _Weights(first, second)


def _held_out(measured: Sequence[_Measured], heads: int) -> dict[str, tuple[float, float]]:
    """Mean area under the curve per source, of weights (and heads) found without the questions they are tried on."""
    areas: dict[str, list[tuple[float, float]]] = {}
    for fold in range(_FOLDS):
        training = [example for example in measured if example.fold != fold]
        chosen = _best_heads(training, heads) if heads else [0]
        weights = _fit(training, chosen)
        for example in measured:
            if example.fold == fold:
                first = example.first_hop(chosen) @ weights.first_hop
                second = second_hop(example.signals, first) @ weights.second_hop
                areas.setdefault(example.source, []).append(
                    (area_under_curve(first, example.is_evidence), area_under_curve(second, example.is_evidence))
                )
    return {source: tuple(np.mean(pairs, axis=0).round(4).tolist()) for source, pairs in areas.items()}


def logistic_regression(rows: np.ndarray, positive: np.ndarray, sample_weights: np.ndarray, ridge: float) -> np.ndarray:
    """Weights of the columns that make the logarithm of the odds of `positive`, by Newton's method.

    Args:
        rows: (samples, columns).
        positive: (samples) of bool.
        sample_weights: how much each sample counts.
        ridge: half of this times the square of the weights is added to the loss; the intercept is free.
    """
    design = np.column_stack([rows, np.ones(len(rows))])
    penalty = np.diag([ridge] * rows.shape[1] + [1e-6])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (sample_weights * (chance - positive)) + penalty @ weights
        curvature = (design * (sample_weights * chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights[:-1]
