"""Tersely's own method: whole sentences, list items and table rows, chosen by how likely they are evidence.

One pass of the model over each passage and the question after it tells where the question's tokens look (in a few
attention heads that are known to look at evidence) and how much likelier the passage makes the question than others do;
BM25 adds what both share in words. A second hop without the model then follows the best sentences to where they point:
to documents whose title they name, and to the words that they add to the question. What each signal weighs stands in
the model's profile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tersely.budget.pieces import Piece
from tersely.methods.evidence.fragments import words_of_phrase
from tersely.methods.evidence.profile import Profile, profile_for
from tersely.methods.evidence.signals import Signals, measure, second_hop
from tersely.methods.evidence.token_scores import prefetch_requests
from tersely.methods.method import Method, Ranking, Task
from tersely.scoring.scorer import Scorer, ScoringRequest
from tersely.text.qualifiers import has_qualifier
from tersely.text.segmentation import SegmentedDocument, Unit, own_text, unit_text

# Of two units as likely to be evidence the shorter one leaves room for others. At 1 the order would be by evidence per
# character, and long sentences would have no chance.
_LENGTH_COST = 0.3
# Chosen on six logs. No profile has it, for questions with marked evidence are hardly ever about failures.
_FAILURE_WEIGHT = 3.0
_SAYS_ENOUGH = 60  # characters of a text that says the same wherever it stands
_LENGTH_OF_ALL = 20  # characters: the least that a unit costs, with what parts it from its neighbours


def rank(task: Task) -> Ranking:
    """Documents by the logarithm of the odds, but for a constant, that their best unit is evidence."""
    profile = profile_for(task.scorer.fingerprint, task.scorer.name)
    signals = measure(task.scorer, task.documents, task.question or "", profile.head_positions, task.progress)
    first = (
        signals.model_scores @ profile.model_weights
        + signals.first_hop @ profile.first_hop_weights
        + _FAILURE_WEIGHT * signals.failure_signs
    )
    evidence = second_hop(signals, first) @ profile.second_hop_weights
    relevance = np.full(len(task.documents), -np.inf)
    np.maximum.at(relevance, [position for position, _ in signals.units], evidence)
    return Ranking(relevance.tolist(), lambda order: _pieces(task, profile, signals, evidence))


def prefetch(scorer: Scorer, documents: Sequence[SegmentedDocument]) -> list[ScoringRequest]:
    """The requests of `rank` that are the same whatever the question."""
    profile = profile_for(scorer.fingerprint, scorer.name)
    return prefetch_requests(scorer, documents, profile.head_positions)


def _pieces(task: Task, profile: Profile, signals: Signals, evidence: np.ndarray) -> list[Piece]:
    """Units, best first, each text once; where fragments are asked for, with the words of a unit that may be cut."""
    documents = task.documents
    lengths = np.array([_letters(documents[position], unit) for position, unit in signals.units])
    worth_its_length = evidence - _LENGTH_COST * np.log(lengths + _LENGTH_OF_ALL)
    pieces: list[Piece] = []
    seen: set[str] = set()
    for number in np.argsort(-worth_its_length, kind="stable").tolist():
        position, unit = signals.units[number]
        segmented = documents[position]
        if lengths[number] == 0 and lengths.any():
            continue  # a stray sign says nothing
        text = " ".join(unit_text(segmented, unit).split())
        # What is short says something else under another title.
        key = text if len(text) >= _SAYS_ENOUGH else f"{segmented.title}\n{text}"
        if key in seen:
            continue
        seen.add(key)
        parts: Callable[[], list[Piece]] = list
        if task.settings.fragments and unit.divisible and not has_qualifier(text):
            parts = partial(
                words_of_phrase, position, segmented, unit, signals.token_scores[position], profile.model_weights
            )
        worth = float(evidence[number])
        pieces.append(Piece(position, unit.words.start, unit.words.stop, unit.context, worth, parts))
    return pieces


def _letters(segmented: SegmentedDocument, unit: Unit) -> int:
    """Letters and digits of a unit."""
    return sum(map(str.isalnum, own_text(segmented, unit)))


EVIDENCE = Method(
    rank,
    prefetch=prefetch,
    needs_question=True,
    needs_model=True,
    default_order="best_first",
    whole_units=True,
    margin=2.0,
)
