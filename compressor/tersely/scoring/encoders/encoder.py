"""What token classifiers and pruners have in common: a tokenizer, batches, and that they are no language models.

Both stand where a scorer does, so that a `Compressor` holds either; what only a language model can do, they refuse.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import torch

from tersely.errors import ModelError
from tersely.scoring.devices import best_device, check_device, check_dtype
from tersely.scoring.scorer import Encoding, Head, Progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Tokens in one batch, padding included: enough to keep the matrix units busy.
_BATCH_TOKENS = 4096

# Token ids and a mask of those that are no padding (both int64; texts, tokens) -> an array for each text's tokens.
Compute = Callable[[torch.Tensor, torch.Tensor], "tuple[np.ndarray, ...]"]


class Encoder:
    """A model that reads a text at once, from both sides. Safe to call from several threads.

    Args:
        name: what the caller calls the model.
        tokenizer: its own, a fast one.
        fingerprint: of its weights.
        context_length: tokens that it reads at once, special ones included.
        device: where it is.
    """

    supports_shallow = False
    heads: Sequence[Head] = ()

    def __init__(
        self, name: str, tokenizer: PreTrainedTokenizerBase, fingerprint: str, context_length: int, device: str
    ) -> None:
        if not tokenizer.is_fast:
            raise ModelError(f"model {name!r} has no fast tokenizer, which is needed to know where each token stands")
        special = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
        if None in special:
            raise ModelError(f"model {name!r} has a tokenizer without the special tokens of an encoder: {special}")
        self.name, self.fingerprint, self.context_length, self.device = name, fingerprint, context_length, device
        self.start, self.separator, self._padding = (int(token) for token in special if token is not None)
        self.tokenizer = tokenizer.backend_tokenizer
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        # A document that contains `[SEP]` is text, and separates nothing.
        self.tokenizer.encode_special_tokens = True
        self._one_batch_at_a_time = threading.Lock()

    def encode(self, text: str) -> Encoding:
        """Tokenize a text with the model's own tokenizer."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        return Encoding(encoding.ids, encoding.offsets)

    def run(
        self, sequences: Sequence[Sequence[int]], compute: Compute, progress: Progress | None
    ) -> list[tuple[np.ndarray, ...]]:
        """What the model computes of each sequence of token ids; those of like length share a batch."""
        results: list[tuple[np.ndarray, ...]] = [()] * len(sequences)
        total, done = sum(map(len, sequences)), 0
        for numbers in _batches(sequences):
            length = max(len(sequences[number]) for number in numbers)
            tokens = torch.full((len(numbers), length), self._padding)
            mask = torch.zeros_like(tokens)
            for row, number in enumerate(numbers):
                tokens[row, : len(sequences[number])] = torch.tensor(sequences[number])
                mask[row, : len(sequences[number])] = 1
            with self._one_batch_at_a_time, torch.inference_mode():
                computed = compute(tokens.to(self.device), mask.to(self.device))
            for row, number in enumerate(numbers):
                results[number] = tuple(values[row] for values in computed)
                done += len(sequences[number])
            if progress:
                progress(done / total)
        return results

    def score(self, *arguments: object, **options: object) -> NoReturn:
        """Refused: an encoder gives no token a probability of its own."""
        self._refuse()

    attend = chain = with_depth = score

    def prepare(self, requests: Sequence[object], progress: Progress | None = None) -> None:
        """Nothing of an encoder's work can be done before a text is there."""
        if requests:
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise ModelError(
            f"model {self.name!r} labels tokens and is no causal language model: it has no log-probabilities and no "
            f"attention to give; name a causal language model for this"
        )


def encoder_device(device: str | None, dtype: str | None) -> tuple[str, torch.dtype]:
    """Where an encoder is computed, and in which type: by default float32, for labels near a threshold are fine.

    Raises:
        ModelError: it cannot be computed there or so.
    """
    device = device or best_device()
    check_device(device)
    check_dtype(dtype)
    if dtype == "int8":
        raise ModelError(
            "an encoder cannot be computed in int8; leave dtype out, or give a floating torch dtype's name"
        )
    floating: torch.dtype = getattr(torch, dtype or "float32")
    return device, floating


def _batches(sequences: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Positions of sequences of like length, as many as a batch holds."""
    batch: list[int] = []
    for number in sorted(range(len(sequences)), key=lambda number: len(sequences[number])):
        # In ascending order the new one is the longest, and all are padded to it.
        if batch and (len(batch) + 1) * len(sequences[number]) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch
