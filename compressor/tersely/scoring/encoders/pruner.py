"""Query-aware pruners: an encoder over question and text, one head that ranks the text and one that labels its tokens.

These are Provence (arXiv 2501.16214), XProvence and open-provence. `layouts.py` reads their checkpoints; here a text
goes through the model after its question.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from tersely.scoring.abilities import Ability
from tersely.scoring.encoders.encoder import Encoder, encoder_device
from tersely.scoring.encoders.layouts import load_pruner
from tersely.scoring.kinds import ABILITIES
from tersely.scoring.labels import LabelledPassage
from tersely.scoring.scorer import Encoding, Progress
from tersely.settings import CacheSettings

_HELPS = 1  # the label
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class PrunerScorer(Encoder):
    """A `Pruner` over a checkpoint of one of the known layouts. Its answers depend on the question, so none is kept.

    Args:
        model: a folder or a Hub id.
        device: a torch device; by default CUDA, else MPS, else the processor.
        dtype: a torch dtype's name; by default float32.
        cache: has no meaning here.

    Raises:
        ModelError: the model cannot be found or loaded, or is of no known layout.
    """

    abilities: frozenset[Ability] = ABILITIES["pruner"]

    def __init__(
        self, model: str, *, device: str | None = None, dtype: str | None = None, cache: CacheSettings | None = None
    ) -> None:
        where, floating = encoder_device(device, dtype)
        loaded = load_pruner(model)
        super().__init__(model, loaded.tokenizer, loaded.fingerprint, loaded.context_length, where)
        self.threshold, self.rounds = loaded.threshold, loaded.rounds
        self._plain_questions = loaded.plain_questions
        self._network = loaded.network.to(where, floating)

    def prune(
        self, question: str, texts: Sequence[str], ends: Sequence[Sequence[int]], progress: Progress | None = None
    ) -> list[LabelledPassage]:
        """See `Pruner.prune`."""
        if self._plain_questions:
            question = " ".join(question.lower().translate(_NO_PUNCTUATION).split()) or question
        # A question of more than half of what the model reads would leave no room for a text.
        asked = self.encode(question).tokens[: self.context_length // 2]
        room = self.context_length - len(asked) - 3
        encodings = [self.encode(text) for text in texts]
        parts = [
            (number, part)
            for number, (encoding, cuts) in enumerate(zip(encodings, ends, strict=True))
            for part in _parts(encoding, cuts, room)
        ]
        sequences = [
            [self.start, *asked, self.separator, *encodings[number].tokens[part.start : part.stop], self.separator]
            for number, part in parts
        ]
        probabilities = [np.empty(len(encoding.tokens), dtype=np.float32) for encoding in encodings]
        relevance = [-np.inf] * len(texts)
        first = len(asked) + 2
        for (number, part), (labels, score) in zip(parts, self.run(sequences, self._compute, progress), strict=True):
            probabilities[number][part.start : part.stop] = labels[first : first + len(part)]
            relevance[number] = max(relevance[number], float(score))
        return [
            LabelledPassage(encoding.offsets, values, score)
            for encoding, values, score in zip(encodings, probabilities, relevance, strict=True)
        ]

    def _compute(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[np.ndarray, ...]:
        ranking, labels = self._network(tokens, mask)
        return labels.float().softmax(-1)[..., _HELPS].cpu().numpy(), ranking.float()[:, 0].cpu().numpy()


def _parts(encoding: Encoding, ends: Sequence[int], room: int) -> Iterator[range]:
    """Tokens that go through the model together: as many whole sentences as there is room for.

    A sentence that is longer is cut where the room ends. A text without tokens is one part: it has a relevance, too.
    """
    count = len(encoding.tokens)
    lasts = np.array([end for _, end in encoding.offsets], dtype=np.int64)
    borders = np.searchsorted(lasts, np.asarray(ends, dtype=np.int64), side="right")
    start = 0
    while count - start > room:
        fitting = borders[(borders > start) & (borders <= start + room)]
        stop = int(fitting[-1]) if len(fitting) else start + room
        yield range(start, stop)
        start = stop
    yield range(start, count)
