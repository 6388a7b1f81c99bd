"""Forward passes over packed sequences: many short texts side by side in one long row, none of them padded.

All layers but attention look at one token at a time, so they need not know where a text ends; attention is told (see
`packed_attention.py`). The same rows of the same weights give the same bits whatever else shares a pass, so what is
kept of a text is what reading it again would give.

Of a text of which nothing is wanted but what later tokens see of it, some of the model is enough: after a number of
layers its hidden states stay as they are, and the keys and values of the other layers are read from there (SwiftKV,
arXiv 2410.03960, which trains a model for it; the embedded one does well as it is).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from tersely.scoring.packed_attention import PackedAttention
from tersely.scoring.products import padded
from tersely.scoring.stretches import NOTHING, Outcome, Stretch

# Where log-probabilities are compared only with each other, it is enough to know them among so many of the commonest
# tokens: those with the lowest numbers, since BPE, of which most vocabularies are, numbers tokens as it makes them.
COMMON = 4096
# Rows of logits that exist at once; at 49,152 words and bfloat16 a row is 96 KiB.
_HEAD_ROWS = 256
# Of those, how many are normalised at once: in float32 they must still fit a processor's cache.
_NORMALISED_ROWS = 32
# A pass has a multiple of so many tokens: matrix libraries compute a handful of rows in another order than many.
_ROW_MULTIPLE = 16


# Attention of one layer: its number; queries, keys and values (1, heads, tokens, width); the scale of their products,
# and how many keys a query sees, where the model says so -> (1, tokens, heads, width).
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor, float | None, int | None], torch.Tensor]


class Decoder(Protocol):
    """A causal language model, as a pass needs it.

    Attributes:
        layers, heads: how many it has; heads in each layer.
        context_length: the most positions it knows.
        device: where its weights are.
        fingerprint: tells it from other models, whatever they are called.
        packs: whether `hidden` leaves attention to its caller; where not, it reads one text from the first token on.
        stops: whether `hidden` can leave hidden states as they are from some layer on.
    """

    layers: int
    heads: int
    context_length: int | None
    device: str
    fingerprint: str
    packs: bool
    stops: bool

    def hidden(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend, going_on: Mapping[int, torch.Tensor]
    ) -> torch.Tensor:
        """The last hidden states (tokens, width) of tokens at positions, as `logits` takes them.

        Args:
            tokens, positions: (tokens) of int64.
            attend: called for each layer, with all tokens' queries, keys and values.
            going_on: a layer's number -> which hidden states it and those after it change; at first all. Always empty
                for a decoder that does not stop.
        """

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states (tokens, width) -> logits (tokens, vocabulary)."""

    def common_logits(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden states (tokens, width) -> logits of the vocabulary's first `COMMON` (tokens, at most `COMMON`), and of
        one target each for as many states as there are targets (targets).
        """


def run(decoder: Decoder, stretches: Sequence[Stretch]) -> list[Outcome]:
    """All stretches in one forward pass.

    Args:
        decoder: where it does not pack, each stretch has a pass of its own.
        stretches: at least one; where the decoder does not pack, only log-probabilities may be wanted of them.
    """
    if len(stretches) > 1 and not decoder.packs:
        return [outcome for stretch in stretches for outcome in run(decoder, [stretch])]
    # Those whose attention is computed together stand side by side: their rows are a slice of the pass.
    order = sorted(range(len(stretches)), key=lambda number: _shape(stretches[number]))
    stretches = [stretches[number] for number in order]
    attend = PackedAttention(stretches, decoder.layers, stops=decoder.stops, device=decoder.device)
    tokens = [token for stretch in stretches for token in stretch.tokens]
    positions = [stretch.first_position + i for stretch in stretches for i in range(len(stretch.tokens))]
    rest = -len(tokens) % _ROW_MULTIPLE if decoder.packs else 0
    ids = torch.tensor(tokens + [0] * rest, device=decoder.device)
    places = torch.tensor(positions + [0] * rest, device=decoder.device)
    with torch.inference_mode():
        hidden = decoder.hidden(ids, places, attend, _going_on(decoder, stretches, attend))
        scores = _scores(decoder, stretches, attend.rows, hidden, ids)
    outcomes = {
        number: Outcome(attend.state(place), scores.get(place, NOTHING), attend.attended(place))
        for place, number in enumerate(order)
    }
    return [outcomes[number] for number in range(len(stretches))]


def _shape(stretch: Stretch) -> tuple[int, int]:
    """What stretches have in common whose attention is computed together: how many tokens, after how many."""
    return len(stretch.tokens), stretch.first_position


def _going_on(decoder: Decoder, stretches: Sequence[Stretch], attend: PackedAttention) -> dict[int, torch.Tensor]:
    """From which layer on which rows are still computed: of what is kept, no more than its state depends on."""
    stops = [attend.stop(stretch) if stretch.keep else decoder.layers for stretch in stretches]
    found = {}
    for layer in {stop for stop in stops if stop < decoder.layers}:
        rows = [
            row
            for stretch, its_rows, stop in zip(stretches, attend.rows, stops, strict=True)
            for row in its_rows[stretch.keep if layer >= stop else 0 :]
        ]
        rows += rows[-1:] * (-len(rows) % _ROW_MULTIPLE)
        found[layer] = torch.tensor(rows, dtype=torch.int64, device=decoder.device)
    return found


def _scores(
    decoder: Decoder, stretches: Sequence[Stretch], rows: Sequence[range], hidden: torch.Tensor, tokens: torch.Tensor
) -> dict[int, np.ndarray]:
    """For each stretch of which they are wanted the log-probabilities of its scored tokens."""
    found: dict[int, np.ndarray] = {}
    for among_common in (False, True):
        scored = {
            number: its_rows[stretch.score_from :]
            for number, (stretch, its_rows) in enumerate(zip(stretches, rows, strict=True))
            if stretch.score_from and stretch.among_common == among_common
        }
        if scored:
            of_all = [row for its_rows in scored.values() for row in its_rows]
            wanted = torch.tensor(of_all, dtype=torch.int64, device=hidden.device)
            # The row of token i-1 predicts token i.
            scores = _log_probabilities(decoder, hidden[wanted - 1], tokens[wanted], among_common)
            parts = np.split(scores, np.cumsum([len(its_rows) for its_rows in scored.values()])[:-1])
            found.update(zip(scored, parts, strict=True))
    return found


def _log_probabilities(decoder: Decoder, hidden: torch.Tensor, targets: torch.Tensor, among_common: bool) -> np.ndarray:
    """Log-probability (float32) of each target (n) under the hidden state (n, width) that predicts it.

    It is among all tokens of the vocabulary, or among the commonest and the target itself.
    """
    scores = torch.empty(len(targets), dtype=torch.float32)
    hidden = padded(hidden, _ROW_MULTIPLE)
    for start in range(0, len(targets), _HEAD_ROWS):
        here, places = (some[start : start + _HEAD_ROWS] for some in (hidden, targets))
        if among_common:
            common, of_target = decoder.common_logits(here, places)
            # A last column is for the target that is none of them.
            rare = of_target.masked_fill(places < common.shape[1], -torch.inf)[:, None].to(common.dtype)
            logits = torch.cat([common[: len(places)], rare], dim=1)
            places = places.clamp(max=common.shape[1])
        else:
            logits = decoder.logits(here)[: len(places)]
        some = zip(logits.split(_NORMALISED_ROWS), places.split(_NORMALISED_ROWS), strict=True)
        found = [-cross_entropy(rows.float(), of_rows, reduction="none") for rows, of_rows in some]
        scores[start : start + _HEAD_ROWS] = torch.cat(found)
    return scores.numpy()
