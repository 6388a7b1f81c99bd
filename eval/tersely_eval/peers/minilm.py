"""all-MiniLM-L6-v2: how near the meaning of texts is to that of a question, as sentence-transformers computes it.

The weights are float32, as the filters that use this model have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tersely.scoring.conversion import quiet_transformers
from tersely_eval.peers.minilm_weights import check_weights

_LONGEST = 256  # tokens that the model reads of a text, as its own settings say
_BATCH_TOKENS = 4096  # padding included


class SentenceEncoder:
    """Embeds texts.

    Args:
        folder: of the model, with its tokenizer.

    Raises:
        OSError: there is no such model.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer
        from transformers import AutoModel

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()
        with quiet_transformers():
            self._model = AutoModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False).eval()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The mean of each text's token vectors, at length 1: float32, (texts, size).

        Texts of like length share a forward pass, so little of it is padding.
        """
        import torch

        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        embedded = np.zeros((len(texts), self._model.config.hidden_size), dtype=np.float32)
        with torch.inference_mode():
            for batch in _batches([len(of_text) for of_text in tokens]):
                longest = len(tokens[batch[-1]])
                ids = torch.zeros(len(batch), longest, dtype=torch.long)
                for row, number in enumerate(batch):
                    ids[row, : len(tokens[number])] = torch.tensor(tokens[number])
                mask = ids != 0
                hidden = self._model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
                mean = (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
                embedded[batch] = torch.nn.functional.normalize(mean).numpy()
        return embedded

    def similarities(self, texts: Sequence[str], question: str) -> np.ndarray:
        """The cosine of each text with the question, from -1 to 1."""
        asked, *embedded = self.embed([question, *texts])
        similarities: np.ndarray = np.stack(embedded) @ asked
        return similarities


@cache
def load_encoder(folder: Path) -> SentenceEncoder:
    """The encoder of a folder, loaded once, and run once so that no question pays for the first pass.

    Raises:
        PeerError: its weights are missing or damaged.
    """
    check_weights(folder)
    encoder = SentenceEncoder(folder)
    encoder.embed(["warm"])
    return encoder


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions, short texts first, in batches whose padded tokens are few enough."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[number] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(number)
    yield batch
