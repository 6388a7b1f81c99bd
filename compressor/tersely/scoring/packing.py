"""Forward passes over packed sequences: many short texts side by side in one long row, none of them padded.

All layers but attention look at one token at a time, so they need not know where a text ends. Attention is told: here
it runs stretch by stretch, each after the keys and values of what stands before it. The same rows of the same weights
give the same bits whatever else shares a pass, so what is kept of a text is what reading it again would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import torch

from tersely.scoring.attention import attention
from tersely.scoring.scorer import Head

# Rows of logits that exist at once; at 49,152 words and bfloat16 a row is 96 KiB.
_HEAD_ROWS = 256
# Of those, how many are normalised at once: in float32 they must still fit a processor's cache.
_NORMALISED_ROWS = 32
# A pass has a multiple of so many tokens: matrix libraries compute a handful of rows in another order than many.
_ROW_MULTIPLE = 16


class State(NamedTuple):
    """What attention keeps of a text: keys and values (layers, heads, tokens, width)."""

    keys: torch.Tensor
    values: torch.Tensor

    @property
    def tokens(self) -> int:
        """How many tokens of text it stands for."""
        return self.keys.shape[2]

    @property
    def nbytes(self) -> int:
        """What it takes of memory."""
        return self.keys.nbytes + self.values.nbytes


@dataclass(frozen=True, eq=False, slots=True)
class Stretch:
    """Tokens to run through the model, and what is wanted of them.

    Attributes:
        tokens: at least one.
        before: states of what stands before them, in order.
        keep: the state of this many tokens from the first on is wanted.
        layers: of so many of the model's layers, from the first on; None for all.
        score_from: log-probabilities are wanted of the tokens from this position on (1 or more).
        heads: attention is wanted of these heads.
        look_from: the tokens whose attention is read, from this position on.
    """

    tokens: Sequence[int]
    before: tuple[State, ...] = ()
    keep: int = 0
    layers: int | None = None
    score_from: int | None = None
    heads: tuple[Head, ...] = ()
    look_from: int = 0

    @property
    def first_position(self) -> int:
        """How many tokens stand before."""
        return sum(state.tokens for state in self.before)


class Outcome(NamedTuple):
    """What a pass says of one stretch; empty where it was not wanted.

    Attributes:
        state: of the tokens that were to be kept; None where none were.
        log_probabilities: nats (float32), one a scored token.
        attention: weights in [0, 1] (float32; heads, tokens before `look_from`), the mean over the tokens that look.
    """

    state: State | None
    log_probabilities: np.ndarray
    attention: np.ndarray


NOTHING = np.empty(0, dtype=np.float32)


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
    """

    layers: int
    heads: int
    context_length: int | None
    device: str
    fingerprint: str
    packs: bool

    def hidden(self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend) -> torch.Tensor:
        """The last hidden states (tokens, width) of tokens at positions, as `logits` takes them."""

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states (tokens, width) -> logits (tokens, vocabulary)."""


class PassEnded(Exception):  # noqa: N818 - it is news, no error
    """Ends a forward pass when all that is wanted of it has been read."""


def run(decoder: Decoder, stretches: Sequence[Stretch]) -> list[Outcome]:
    """All stretches in one forward pass; it ends as soon as all that is wanted has been read.

    Args:
        decoder: where it does not pack, each stretch has a pass of its own.
        stretches: at least one; where the decoder does not pack, only log-probabilities may be wanted of them.
    """
    if len(stretches) > 1 and not decoder.packs:
        return [outcome for stretch in stretches for outcome in run(decoder, [stretch])]
    running = _Pass(stretches, decoder.layers)
    tokens = [token for stretch in stretches for token in stretch.tokens]
    positions = [stretch.first_position + i for stretch in stretches for i in range(len(stretch.tokens))]
    rest = -len(tokens) % _ROW_MULTIPLE if decoder.packs else 0
    ids = torch.tensor(tokens + [0] * rest, device=decoder.device)
    with torch.inference_mode():
        try:
            hidden = decoder.hidden(ids, torch.tensor(positions + [0] * rest, device=decoder.device), running.attend)
        except PassEnded:
            hidden = None
        scores = running.log_probabilities(decoder, hidden, ids)
    return [
        Outcome(running.states.get(number), scores.get(number, NOTHING), running.attention(number))
        for number in range(len(stretches))
    ]


def _log_probabilities(decoder: Decoder, hidden: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
    """Log-probability (float32) of each target (n) under the hidden state (n, width) that predicts it."""
    scores = torch.empty(len(targets), dtype=torch.float32)
    hidden = torch.nn.functional.pad(hidden, (0, 0, 0, -len(hidden) % _ROW_MULTIPLE))
    for start in range(0, len(targets), _HEAD_ROWS):
        logits = decoder.logits(hidden[start : start + _HEAD_ROWS])[: len(targets) - start]
        for row, some in enumerate(logits.split(_NORMALISED_ROWS)):
            first = start + row * _NORMALISED_ROWS
            rows = slice(first, first + len(some))
            scores[rows] = -torch.nn.functional.cross_entropy(some.float(), targets[rows], reduction="none")
    return scores.numpy()


@dataclass(eq=False)
class _Pass:
    """What one forward pass needs to know in its attention, and what it collects there."""

    stretches: Sequence[Stretch]
    layers: int
    states: dict[int, State] = field(default_factory=dict)
    _weights: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)  # stretch, position in heads
    _masks: dict[tuple[int, int, int], torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ends = np.cumsum([len(stretch.tokens) for stretch in self.stretches]).tolist()
        self._rows = [slice(end - len(one.tokens), end) for end, one in zip(ends, self.stretches, strict=True)]
        read = [head.layer for stretch in self.stretches for head in stretch.heads]
        last = max([*read, *(self._kept_layers(stretch) - 1 for stretch in self.stretches if stretch.keep)], default=-1)
        # Past this layer nothing is wanted; None where the pass goes to its end.
        self._last_layer = None if any(stretch.score_from for stretch in self.stretches) else last

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        sliding_window: int | None,
    ) -> torch.Tensor:
        """Attention of one layer: queries, keys and values (1, heads, tokens, width) -> (1, tokens, heads, width)."""
        output = query.new_zeros((1, query.shape[2], query.shape[1], value.shape[3]))
        for number, (stretch, rows) in enumerate(zip(self.stretches, self._rows, strict=True)):
            if stretch.before and layer >= len(stretch.before[0].keys):
                continue  # nothing is wanted of it from here on
            queries, keys, values = query[:, :, rows], key[:, :, rows], value[:, :, rows]
            if stretch.keep and layer < self._kept_layers(stretch):
                self._keep(number, layer, keys[0], values[0])
            if stretch.before:
                keys = torch.cat([*(state.keys[layer][None] for state in stretch.before), keys], dim=2)
                values = torch.cat([*(state.values[layer][None] for state in stretch.before), values], dim=2)
            if stretch.heads:
                self._read(number, layer, queries[0], keys[0], scaling)
            if layer == self._last_layer:
                continue
            mask = self._mask(queries, keys.shape[2], sliding_window)
            output[:, rows] = attention(queries[0], keys[0], values[0], mask, scaling).transpose(0, 1)
        if layer == self._last_layer:
            raise PassEnded
        return output

    def attention(self, number: int) -> np.ndarray:
        """What the heads of one stretch saw (heads, tokens before those that look)."""
        found = [self._weights[number, position] for position in range(len(self.stretches[number].heads))]
        return torch.stack(found).cpu().numpy() if found else NOTHING

    def log_probabilities(
        self, decoder: Decoder, hidden: torch.Tensor | None, tokens: torch.Tensor
    ) -> dict[int, np.ndarray]:
        """For each stretch of which they are wanted the log-probabilities of its scored tokens."""
        scored = {
            number: range(rows.start + stretch.score_from, rows.stop)
            for number, (stretch, rows) in enumerate(zip(self.stretches, self._rows, strict=True))
            if stretch.score_from
        }
        if not scored or hidden is None:
            return {}
        wanted = torch.tensor([row for rows in scored.values() for row in rows], device=hidden.device)
        # The row of token i-1 predicts token i.
        scores = _log_probabilities(decoder, hidden[wanted - 1], tokens[wanted])
        parts = np.split(scores, np.cumsum([len(rows) for rows in scored.values()])[:-1])
        return dict(zip(scored, parts, strict=True))

    def _kept_layers(self, stretch: Stretch) -> int:
        return stretch.layers or self.layers

    def _keep(self, number: int, layer: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        keep, layers = self.stretches[number].keep, self._kept_layers(self.stretches[number])
        if layer == 0:
            shapes = [(layers, one.shape[0], keep, one.shape[2]) for one in (keys, values)]
            self.states[number] = State(keys.new_empty(shapes[0]), values.new_empty(shapes[1]))
        self.states[number].keys[layer] = keys[:, :keep]
        self.states[number].values[layer] = values[:, :keep]

    def _read(self, number: int, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float | None) -> None:
        """Take the weights that are wanted of one layer: they are computed a second time, for a few rows and heads."""
        stretch = self.stretches[number]
        here = [position for position, head in enumerate(stretch.heads) if head.layer == layer]
        if not here:
            return
        heads = [stretch.heads[position].head for position in here]
        shared = query.shape[0] // key.shape[0]  # heads may share their keys
        queries, keys = query[heads, stretch.look_from :].float(), key[[head // shared for head in heads]].float()
        logits = queries @ keys.transpose(1, 2) * (scaling or query.shape[-1] ** -0.5)
        rows, columns = logits.shape[1:]
        later = torch.ones((rows, columns), dtype=torch.bool, device=key.device).triu(columns - rows + 1)
        weights = logits.masked_fill(later, -torch.inf).softmax(dim=-1).mean(dim=1)
        self._weights.update(
            ((number, position), row[: columns - rows]) for position, row in zip(here, weights, strict=True)
        )

    def _mask(self, queries: torch.Tensor, keys: int, window: int | None) -> torch.Tensor | None:
        """What to add to the logits (queries, keys): 0 or, where a query may not see a key, minus infinity.

        None where each query sees all up to itself, from the first on.
        """
        count, device = queries.shape[2], queries.device
        window = window if window is not None and window < keys else 0
        if count == keys and not window:
            return None
        if (count, keys, window) not in self._masks:
            seen = torch.ones((count, keys), dtype=torch.bool, device=device).tril(keys - count)
            seen = seen.triu(keys - count - window + 1) if window else seen
            # Made here, since torch would make it of bools in each layer anew.
            mask = torch.zeros((count, keys), dtype=queries.dtype, device=device).masked_fill_(~seen, -torch.inf)
            self._masks[count, keys, window] = mask
        return self._masks[count, keys, window]
