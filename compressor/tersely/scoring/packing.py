"""Forward passes over packed sequences: many short texts side by side in one long row, without padding between them.

All layers but attention look at one token at a time, so they need not know where a text ends; `attention/` does. The
same rows of the same weights give the same bits whatever else shares a pass, so cached keys and values are what
computing them again would give.

A prefix of which only keys and values are wanted needs no more than some of the layers: then its hidden states stay as
they are, and later layers compute its keys and values from them (SwiftKV, arXiv 2410.03960, which trains a model for
it; the embedded model does well as it is).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from tersely.scoring.attention import PackedAttention
from tersely.scoring.decoder import Decoder
from tersely.scoring.layout import Layout
from tersely.scoring.pass_items import NOTHING, PassItem, PassResult
from tersely.scoring.rows import padded

# Rows of logits that exist at once; at 49,152 words and bfloat16 a row is 96 KiB.
_HEAD_ROWS = 256
# Logits that are normalised at once: in float32 they must still fit a processor's cache.
_NORMALISED_LOGITS = 32 * 49_152
# Each layer computes a multiple of so many tokens: matrix libraries sum a handful of rows in another order.
_ROW_MULTIPLE = 16


def run(decoder: Decoder, items: Sequence[PassItem]) -> list[PassResult]:
    """All items in one forward pass.

    Args:
        decoder: where it does not pack, each item has a pass of its own.
        items: at least one; where the decoder does not pack, only log-probabilities may be wanted of them.
    """
    if len(items) > 1 and not decoder.packs:
        return [result for item in items for result in run(decoder, [item])]
    # Items whose attention is computed together stand side by side: then their rows are a slice of the pass.
    order = sorted(range(len(items)), key=lambda number: _shape(items[number]))
    items = [items[number] for number in order]
    multiple = _ROW_MULTIPLE if decoder.packs else 1
    layout = Layout(items, decoder.layers, shallow=decoder.supports_shallow, multiple=multiple)
    attend = PackedAttention(items, layout, decoder.layers, decoder.device)
    tokens, positions = [0] * layout.length, [0] * layout.length
    for number, item in enumerate(items):
        for place, row in enumerate(layout.rows(number)):
            tokens[row], positions[row] = item.tokens[place], item.first_position + place
    token_ids, position_ids = (torch.tensor(ids, device=decoder.device) for ids in (tokens, positions))
    with torch.inference_mode():
        hidden = decoder.hidden(token_ids, position_ids, attend, layout.active_from)
        scores = _scores(decoder, items, layout, hidden, token_ids)
    results = {
        number: PassResult(attend.key_values(place), scores.get(place, NOTHING), attend.weights(place))
        for place, number in enumerate(order)
    }
    return [results[number] for number in range(len(items))]


def _shape(item: PassItem) -> tuple[int, int]:
    """What items have in common whose tokens after the prefix are computed together: how many, and up to where."""
    return len(item.tokens) - item.prefix_length, item.first_position + len(item.tokens)


def _scores(
    decoder: Decoder, items: Sequence[PassItem], layout: Layout, hidden: torch.Tensor, tokens: torch.Tensor
) -> dict[int, np.ndarray]:
    """An item's number -> the log-probabilities of its scored tokens, where they are wanted."""
    scores: dict[int, np.ndarray] = {}
    for truncated in (False, True):
        scored = {
            number: layout.rows(number)[item.score_from - 1 :]
            for number, item in enumerate(items)
            if item.score_from and item.truncated_vocabulary == truncated
        }
        if scored:
            # The row of a token predicts the next one.
            predicting, targets = (
                torch.tensor(
                    [row for rows in scored.values() for row in rows[side]], dtype=torch.int64, device=hidden.device
                )
                for side in (slice(None, -1), slice(1, None))
            )
            log_probabilities = _log_probabilities(decoder, hidden[predicting], tokens[targets], truncated)
            ends = np.cumsum([len(rows) - 1 for rows in scored.values()])
            scores.update(zip(scored, np.split(log_probabilities, ends[:-1]), strict=True))
    return scores


def _log_probabilities(decoder: Decoder, hidden: torch.Tensor, targets: torch.Tensor, truncated: bool) -> np.ndarray:
    """Log-probability (float32) of each target (n) under the hidden state (n, width) that predicts it.

    It is normalised over the whole vocabulary, or over the truncated one and the target itself.
    """
    scores = torch.empty(len(targets), dtype=torch.float32)
    hidden = padded(hidden, _ROW_MULTIPLE)
    for start in range(0, len(targets), _HEAD_ROWS):
        states, classes = (tensor[start : start + _HEAD_ROWS] for tensor in (hidden, targets))
        if truncated:
            logits, target_logits = decoder.truncated_logits(states, classes)
            # A last column is for the target that is not in the truncated vocabulary.
            rare = target_logits.masked_fill(classes < logits.shape[1], -torch.inf)[:, None].to(logits.dtype)
            classes = classes.clamp(max=logits.shape[1])
            logits = torch.cat([logits[: len(classes)], rare], dim=1)
        else:
            logits = decoder.logits(states)[: len(classes)]
        rows_at_once = max(_NORMALISED_LOGITS // logits.shape[1], 1)
        chunks = zip(logits.split(rows_at_once), classes.split(rows_at_once), strict=True)
        scores[start : start + _HEAD_ROWS] = torch.cat(
            [-cross_entropy(rows.float(), row_targets, reduction="none") for rows, row_targets in chunks]
        )
    return scores.numpy()
