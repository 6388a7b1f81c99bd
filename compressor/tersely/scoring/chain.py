"""Scoring a text piece by piece, each piece after what was accepted of those before it.

Keys and values of what was accepted are held, so that no token is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tersely.scoring.pass_items import KeyValues, PassItem, PassResult
from tersely.scoring.scorer import ScoringRequest


class CachedChain:
    """A `Chain`.

    Args:
        prefixes: with what each condition starts.
        layers: so many of the model's layers compute what was accepted; None for all.
        context_length: of the model, in tokens.
        run: runs items through the model.
        score: scores whole requests, for pieces longer than half the context.
    """

    def __init__(
        self,
        prefixes: Sequence[Sequence[int]],
        layers: int | None,
        context_length: int,
        run: Callable[[Sequence[PassItem]], Sequence[PassResult]],
        score: Callable[[Sequence[ScoringRequest]], Sequence[np.ndarray]],
    ) -> None:
        truncated_vocabulary = len(prefixes) > 1  # scores of several conditions are only compared with each other
        self._conditions = [_Condition(prefix, layers, context_length, truncated_vocabulary) for prefix in prefixes]
        self._longest = context_length // 2
        self._run, self._score = run, score

    def accept(self, tokens: Sequence[int]) -> None:
        for condition in self._conditions:
            condition.tokens.extend(tokens)

    def score(self, tokens: Sequence[int]) -> np.ndarray:
        if not tokens or len(tokens) > self._longest:
            requests = [ScoringRequest(tokens, condition.tokens) for condition in self._conditions]
            return np.stack(self._score(requests))
        items = [condition.item(tokens) for condition in self._conditions]
        scores = np.full((len(items), len(tokens)), np.nan, dtype=np.float32)
        for row, condition, result in zip(scores, self._conditions, self._run(items), strict=True):
            condition.append(result.key_values)
            # Where nothing stands before it, the first token has no score.
            row[len(tokens) - len(result.log_probabilities) :] = result.log_probabilities
        return scores


class _Condition:
    """What was accepted, with keys and values of all but its last token: that one predicts the next piece."""

    def __init__(
        self, prefix: Sequence[int], layers: int | None, context_length: int, truncated_vocabulary: bool
    ) -> None:
        self.tokens = list(prefix)  # from the oldest one that is still in the context
        self._layers, self._context_length = layers, context_length
        self._truncated_vocabulary = truncated_vocabulary
        self._half = context_length // 2
        # Stays at the beginning, whatever slides away; unless it is too long for that itself.
        self._pinned = list(prefix) if len(prefix) <= self._half // 2 else []
        self._cached: tuple[KeyValues, ...] = ()
        self.restart()

    def item(self, tokens: Sequence[int]) -> PassItem:
        """What was accepted since the last piece, and this piece: in one pass."""
        if len(self.tokens) + len(tokens) > self._context_length:
            self.restart()
        accepted = self.tokens[sum(key_values.tokens for key_values in self._cached) :]
        return PassItem(
            [*accepted, *tokens],
            self._cached,
            prefix_length=max(len(accepted) - 1, 0),
            layers=self._layers,
            score_from=max(len(accepted), 1),
            truncated_vocabulary=self._truncated_vocabulary,
        )

    def append(self, key_values: KeyValues | None) -> None:
        """Hold keys and values of the last item's prefix."""
        if key_values is not None:
            self._cached += (key_values,)

    def restart(self) -> None:
        """Begin anew with the last half window: what is older no longer fits the model."""
        newest = self.tokens[len(self._pinned) :][len(self._pinned) - self._half :]
        self.tokens = [*self._pinned, *newest]
        self._cached = ()
