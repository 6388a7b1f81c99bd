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

from tersely.scoring.layout import Layout
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
# In each layer a multiple of so many tokens is computed: matrix libraries compute a handful of rows in another order.
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
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend, going_on: Mapping[int, int]
    ) -> torch.Tensor:
        """The last hidden states (tokens, width) of tokens at positions, as `logits` takes them.

        Args:
            tokens, positions: (tokens) of int64.
            attend: called for each layer, with all tokens' queries, keys and values.
            going_on: a layer's number -> the first of the hidden states that it and those after it change. Always empty
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
    multiple = _ROW_MULTIPLE if decoder.packs else 1
    layout = Layout(stretches, decoder.layers, stops=decoder.stops, multiple=multiple)
    attend = PackedAttention(stretches, layout, decoder.layers, decoder.device)
    tokens, positions = [0] * layout.length, [0] * layout.length
    for number, stretch in enumerate(stretches):
        for place, row in enumerate(layout.rows(number)):
            tokens[row], positions[row] = stretch.tokens[place], stretch.first_position + place
    ids, places = (torch.tensor(of_all, device=decoder.device) for of_all in (tokens, positions))
    with torch.inference_mode():
        hidden = decoder.hidden(ids, places, attend, layout.going_on)
        scores = _scores(decoder, stretches, layout, hidden, ids)
    outcomes = {
        number: Outcome(attend.state(place), scores.get(place, NOTHING), attend.attended(place))
        for place, number in enumerate(order)
    }
    return [outcomes[number] for number in range(len(stretches))]


def _shape(stretch: Stretch) -> tuple[int, int]:
    """What stretches have in common whose tokens that are not kept are computed together: how many, and up to where."""
    return len(stretch.tokens) - stretch.keep, stretch.first_position + len(stretch.tokens)


def _scores(
    decoder: Decoder, stretches: Sequence[Stretch], layout: Layout, hidden: torch.Tensor, tokens: torch.Tensor
) -> dict[int, np.ndarray]:
    """For each stretch of which they are wanted the log-probabilities of its scored tokens."""
    found: dict[int, np.ndarray] = {}
    for among_common in (False, True):
        scored = {
            number: layout.rows(number)[stretch.score_from - 1 :]
            for number, stretch in enumerate(stretches)
            if stretch.score_from and stretch.among_common == among_common
        }
        if scored:
            # The row of a token predicts the next one.
            predicting, wanted = (
                torch.tensor(
                    [row for rows in scored.values() for row in rows[some]], dtype=torch.int64, device=hidden.device
                )
                for some in (slice(None, -1), slice(1, None))
            )
            scores = _log_probabilities(decoder, hidden[predicting], tokens[wanted], among_common)
            parts = np.split(scores, np.cumsum([len(rows) - 1 for rows in scored.values()])[:-1])
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
