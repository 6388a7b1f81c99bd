"""Scoring a text piece by piece, each piece after what was kept of those before it. The state of what was accepted is
kept, so that no token is read twice to condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tersely.scoring.scorer import ScoringRequest
from tersely.scoring.stretches import Outcome, State, Stretch


class StateChain:
    """A `Chain`.

    Args:
        prefixes: with what each condition starts.
        layers: by so many of the model's layers conditions are read; None for all.
        context_length: of the model, in tokens.
        run: runs stretches through the model.
        score: scores whole requests, for pieces longer than half the context.
    """

    def __init__(
        self,
        prefixes: Sequence[Sequence[int]],
        layers: int | None,
        context_length: int,
        run: Callable[[Sequence[Stretch]], Sequence[Outcome]],
        score: Callable[[Sequence[ScoringRequest]], Sequence[np.ndarray]],
    ) -> None:
        among_common = len(prefixes) > 1  # they are compared with each other
        self._conditions = [_Condition(prefix, layers, context_length, among_common) for prefix in prefixes]
        self._longest = context_length // 2
        self._run, self._score = run, score

    def accept(self, tokens: Sequence[int]) -> None:
        for condition in self._conditions:
            condition.tokens.extend(tokens)

    def score(self, tokens: Sequence[int]) -> np.ndarray:
        if not tokens or len(tokens) > self._longest:
            return np.stack(self._score([ScoringRequest(tokens, one.tokens) for one in self._conditions]))
        stretches = [condition.stretch(tokens) for condition in self._conditions]
        scores = np.full((len(stretches), len(tokens)), np.nan, dtype=np.float32)
        for row, condition, outcome in zip(scores, self._conditions, self._run(stretches), strict=True):
            condition.read(outcome.state)
            found = outcome.log_probabilities
            row[len(tokens) - len(found) :] = found  # where nothing stands before it, the first token has no score
        return scores


class _Condition:
    """What was accepted, and the state of it, but for the last token: that one predicts the next piece."""

    def __init__(self, prefix: Sequence[int], layers: int | None, context_length: int, among_common: bool) -> None:
        self.tokens = list(prefix)  # from the oldest token that counts
        self._layers, self._context_length, self._among_common = layers, context_length, among_common
        self._half = context_length // 2
        # Stays at the head, whatever slides away; unless it is too long for that itself.
        self._pinned = list(prefix) if len(prefix) <= self._half // 2 else []
        self._states: tuple[State, ...] = ()
        self.restart()

    def stretch(self, tokens: Sequence[int]) -> Stretch:
        """What was accepted since the last piece, and this piece: read in one pass."""
        if len(self.tokens) + len(tokens) > self._context_length:
            self.restart()
        unread = self.tokens[sum(state.tokens for state in self._states) :]
        return Stretch(
            [*unread, *tokens],
            self._states,
            keep=max(len(unread) - 1, 0),
            layers=self._layers,
            score_from=max(len(unread), 1),
            among_common=self._among_common,
        )

    def read(self, state: State | None) -> None:
        """Take the state of what the last stretch was to keep."""
        if state is not None:
            self._states += (state,)

    def restart(self) -> None:
        """Begin anew with the last half window: what is older no longer fits the model."""
        newest = self.tokens[len(self._pinned) :][len(self._pinned) - self._half :]
        self.tokens = [*self._pinned, *newest]
        self._states = ()
