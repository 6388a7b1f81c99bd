"""The token classifiers of LLMLingua-2 (arXiv 2403.12968): which tokens of a text to keep, whatever is asked.

Checkpoints of the BERT and XLM-RoBERTa families with two labels, drop and keep, such as `microsoft/llmlingua-2-*`.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import torch

from tersely.errors import ModelError
from tersely.memory import Memory
from tersely.scoring.abilities import Ability
from tersely.scoring.conversion import quiet_transformers
from tersely.scoring.encoders.encoder import Encoder, encoder_device
from tersely.scoring.fingerprint import model_fingerprint
from tersely.scoring.kinds import ABILITIES, FAMILIES
from tersely.scoring.labels import LabelledChunk
from tersely.scoring.models import model_path
from tersely.scoring.scorer import Encoding, Progress
from tersely.settings import CacheSettings

# What marks a token in each family: one that goes on with a word, or one that begins one.
_CONTINUES, _BEGINS = "##", "▁"
_CONTEXT_LENGTH = 512  # tokens, as all of these checkpoints were trained
_KEEP = 1  # the label
# About what a token's label takes in memory, with its text and its place.
_BYTES_OF_TOKEN = 250


class TokenClassifierScorer(Encoder):
    """A `TokenClassifier` over a checkpoint of transformers. Labels depend on the text alone, so they are remembered.

    Args:
        model: a folder or a Hub id.
        device: a torch device; by default CUDA, else MPS, else the processor.
        dtype: a torch dtype's name; by default float32.
        cache: how much memory labels may take between calls.

    Raises:
        ModelError: the model cannot be found or loaded, or has other labels than drop and keep.
    """

    abilities: frozenset[Ability] = ABILITIES["token classifier"]

    def __init__(
        self, model: str, *, device: str | None = None, dtype: str | None = None, cache: CacheSettings | None = None
    ) -> None:
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        where, floating = encoder_device(device, dtype)
        source = str(model_path(model) or model)
        try:
            with quiet_transformers():
                tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
                network = AutoModelForTokenClassification.from_pretrained(
                    source, dtype=floating, trust_remote_code=False, use_safetensors=True
                )
        except Exception as error:  # transformers and its file formats raise dozens of types here
            raise ModelError(
                f"token classifier {model!r} could not be loaded from {source} ({type(error).__name__}: {error}); it "
                f"must have safetensors weights and a tokenizer; fetch it anew if it is damaged"
            ) from error
        family, labels = network.config.model_type, network.config.num_labels
        if family not in FAMILIES["token classifier"] or labels != 2:
            raise ModelError(
                f"token classifier {model!r} is of the family {family!r} with {labels} labels; LLMLingua-2's are of "
                f"{' or '.join(FAMILIES['token classifier'])} with 2, drop and keep"
            )
        self._network = network.eval().requires_grad_(False).to(where)
        # XLM-RoBERTa counts positions from after the padding's.
        positions = network.config.max_position_embeddings - (
            network.config.pad_token_id + 1 if family != "bert" else 0
        )
        fingerprint = model_fingerprint(network.named_parameters())
        super().__init__(model, tokenizer, fingerprint, min(_CONTEXT_LENGTH, positions), where)
        self._marks_words = family != "bert"
        if self._marks_words:
            # llmlingua 0.2.2 puts BERT's special tokens around every text, and XLM-RoBERTa does not know them.
            self.start = self.separator = int(tokenizer.unk_token_id)
        self._unknown = tokenizer.unk_token_id
        self._labels: Memory[list[LabelledChunk]] = Memory((cache or CacheSettings()).memory_bytes)

    def label(
        self, texts: Sequence[str], chunk_ends: Collection[str], progress: Progress | None = None
    ) -> list[list[LabelledChunk]]:
        """See `TokenClassifier.label`."""
        ends = frozenset(chunk_ends)
        labels = {text: self._labels.get((text, ends)) for text in dict.fromkeys(texts)}
        encodings = {text: self.encode(text) for text, known in labels.items() if known is None}
        chunks = [(text, chunk) for text, encoding in encodings.items() for chunk in self._chunks(encoding, ends)]
        sequences = [
            [self.start, *encodings[text].tokens[chunk.start : chunk.stop], self.separator][: self.context_length]
            for text, chunk in chunks
        ]
        fresh: dict[str, list[LabelledChunk]] = {text: [] for text in encodings}
        computed = self.run(sequences, self._keep_probabilities, progress)
        for (text, chunk), (probabilities,) in zip(chunks, computed, strict=True):
            fresh[text].append(self._labelled(encodings[text], chunk, probabilities[1:]))
        for text, encoding in encodings.items():
            self._labels.put((text, ends), fresh[text], len(encoding.tokens) * _BYTES_OF_TOKEN + len(text))
        return [labels[text] or fresh.get(text, []) for text in texts]

    def _chunks(self, encoding: Encoding, chunk_ends: Collection[str]) -> Iterator[range]:
        """Tokens that go through the model together: up to the last end of a chunk that fits, else all that fit.

        A chunk with its end may have a token more than fits; then the closing special token is left out.
        """
        full = self.context_length - 2
        start, count = 0, len(encoding.tokens)
        while start + full < count:
            places = range(start + full, start, -1)
            last = next((at for at in places if self._token(encoding, at) in chunk_ends), start + full)
            yield range(start, last + 1)
            start = last + 1
        if start < count:
            yield range(start, count)

    def _token(self, encoding: Encoding, position: int) -> str:
        token: str = self.tokenizer.id_to_token(encoding.tokens[position])
        return token

    def _keep_probabilities(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[np.ndarray, ...]:
        logits = self._network(input_ids=tokens, attention_mask=mask).logits
        return (logits.float().softmax(-1)[..., _KEEP].cpu().numpy(),)

    def _labelled(self, encoding: Encoding, chunk: range, probabilities: np.ndarray) -> LabelledChunk:
        """The tokens of a chunk that stand for text; an unknown one says nothing of a word, as in the reference."""
        known = [at for at in chunk if encoding.tokens[at] != self._unknown]
        tokens = [self._token(encoding, at) for at in known]
        return LabelledChunk(
            [self._text(token) for token in tokens],
            [self._begins(token) for token in tokens],
            [encoding.offsets[at] for at in known],
            probabilities[[at - chunk.start for at in known]],
        )

    def _text(self, token: str) -> str:
        return token.lstrip(_BEGINS) if self._marks_words else token.removeprefix(_CONTINUES)

    def _begins(self, token: str) -> bool:
        if self._marks_words:
            return token.startswith(_BEGINS) or token in string.punctuation
        return not token.startswith(_CONTINUES)
