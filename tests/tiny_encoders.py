"""Tiny random checkpoints of token classifiers, the same in every process and under every version of torch.

It imports nothing of Tersely: the program that freezes the reference's numbers runs in the reference's environment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForTokenClassification,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
)

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}

# Three documents: of one sentence, of several, and of more tokens than a model reads at once.
TEXTS = [
    "The old mill on the river was built in 1820 by Jan de Vries.",
    "It was sold in October 2009 for 1,850,000 euros! Its roof had fallen in, and nobody lived there since the war. "
    "The new owner (a baker) turned it into a museum; it is open daily, from 10:30 to 17:00.",
    " ".join(
        f"In room {number} the visitors see {number * 7} stones, ropes and sails that the millers used; "
        f"the guide says they weigh {number * 13} kilos and that the river moved them."
        for number in range(1, 31)
    ),
]


def save_bert(folder: Path, labels: int = 2) -> Path:
    """A BERT with WordPiece: it continues words with `##`."""
    tokenizer, special = word_pieces()
    configuration = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=512,
        num_labels=labels,
        type_vocab_size=2,
        **SIZES,
    )
    return save(folder, BertForTokenClassification(configuration), tokenizer, special)


def save_xlm_roberta(folder: Path) -> Path:
    """An XLM-RoBERTa with unigrams: it begins words with `▁`, and its positions begin after the padding's."""
    tokenizer, special = unigrams()
    configuration = xlm_roberta_configuration(tokenizer, num_labels=2)
    return save(folder, XLMRobertaForTokenClassification(configuration), tokenizer, special)


def xlm_roberta_configuration(tokenizer: Tokenizer, **values: Any) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=514,
        pad_token_id=1,
        type_vocab_size=1,
        **values,
        **SIZES,
    )


def word_pieces() -> tuple[Tokenizer, dict[str, str]]:
    """BERT's kind of tokenizer, and its special tokens."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_signs(), *_stems(), *(f"##{part}" for part in _parts())]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer, {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}


def unigrams() -> tuple[Tokenizer, dict[str, str]]:
    """XLM-RoBERTa's kind of tokenizer, and its special tokens."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *_signs(), *(f"▁{stem}" for stem in _stems()), *_parts()]
    pieces = list(dict.fromkeys(pieces))
    tokenizer = Tokenizer(models.Unigram([(piece, -float(len(pieces) % 7) - 1.0) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer, {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def save(folder: Path, model: PreTrainedModel, tokenizer: Tokenizer, special: dict[str, str]) -> Path:
    """Write a model with random weights and its tokenizer, as a Hub has them."""
    randomise(model)
    model.save_pretrained(folder)
    return save_tokenizer(folder, tokenizer, special)


def save_tokenizer(folder: Path, tokenizer: Tokenizer, special: dict[str, str]) -> Path:
    tokenizer.add_special_tokens(list(special.values()))
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def randomise(model: torch.nn.Module) -> None:
    """Normal numbers of a generator whose stream never changes, large enough that labels differ."""
    generator = np.random.RandomState(0)
    for name, parameter in sorted(model.named_parameters()):
        values = torch.from_numpy(generator.standard_normal(tuple(parameter.shape)).astype(np.float32))
        parameter.data = 1 + 0.1 * values if "norm.weight" in name.lower() else 0.3 * values


def _signs() -> list[str]:
    return list("!\"#$%&'()*+,-./:;?0123456789")


def _stems() -> list[str]:
    """Letters, and the words of the texts that are to be one token."""
    words = {word.strip(",.;!()") for text in TEXTS for word in text.split()}
    frequent = sorted(word for word in words if word.isalpha() and len(word) % 2)
    letters = [chr(code) for code in [*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1)]]
    return [*letters, *frequent]


def _parts() -> list[str]:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    return [*letters, *"0123456789", "ers", "ones", "ed", "ill", "isit"]
