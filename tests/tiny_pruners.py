"""Tiny random pruners in the layouts of open-provence, Provence and XProvence, the same in every process.

It imports nothing of Tersely: the program that freezes the references' numbers runs in their environment, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tiny_encoders import SIZES, TEXTS, randomise, save_tokenizer, unigrams, word_pieces, xlm_roberta_configuration
from tokenizers import Tokenizer
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    DebertaV2Config,
    ModernBertConfig,
    PretrainedConfig,
    XLMRobertaModel,
)


def save_open_provence_deberta(folder: Path) -> Path:
    """open-provence's layout over DeBERTa-v2."""
    return _save_open_provence(folder, _deberta, scale=1)


def save_open_provence_modernbert(folder: Path) -> Path:
    """open-provence's layout over ModernBERT."""
    # What goes into its last norm is large; else all probabilities would be 0 or 1.
    return _save_open_provence(folder, _modernbert, scale=0.05)


def save_provence(folder: Path) -> Path:
    """Provence's layout: DeBERTa-v2 with its own ranking head, and a head for tokens beside it."""
    tokenizer, special = word_pieces()
    configuration = _deberta(tokenizer)
    configuration.num_labels = 1
    ranking = AutoModelForSequenceClassification.from_config(configuration)
    weights = _random(nn.ModuleDict({"ranking": ranking, "token_classifier": nn.Linear(SIZES["hidden_size"], 2)}))
    values = {**configuration.to_dict(), "architectures": ["Provence"], "model_type": "Provence"}
    return _save(folder, values, {_bare(name): weight for name, weight in weights.items()}, tokenizer, special)


def save_xprovence(folder: Path) -> Path:
    """XProvence's layout: XLM-RoBERTa with its pooler, a classifier on that, and a head for tokens."""
    tokenizer, special = unigrams()
    configuration = xlm_roberta_configuration(tokenizer, num_labels=1)
    width = SIZES["hidden_size"]
    network = nn.ModuleDict(
        {
            "roberta": XLMRobertaModel(configuration, add_pooling_layer=True),
            "classifier": nn.Linear(width, 1),
            "token_classifier": nn.Linear(width, 2),
        }
    )
    values = {**configuration.to_dict(), "architectures": ["XLMRobertaForCompressionAndRanking"]}
    return _save(folder, values, _random(network), tokenizer, special)


QUESTION = "When was the old mill sold?"
# Texts of one sentence, of several, and with a sign that the tokenizers do not know.
PASSAGES = [TEXTS[0], TEXTS[1], "The mill — a museum now — is open daily, from 10:30 to 17:00. The river moved it."]

PRUNERS = {
    "open-provence-deberta": save_open_provence_deberta,
    "open-provence-modernbert": save_open_provence_modernbert,
    "provence": save_provence,
    "xprovence": save_xprovence,
}


def _save_open_provence(folder: Path, encoder: Callable[[Tokenizer], PretrainedConfig], scale: float) -> Path:
    tokenizer, special = word_pieces()
    configuration = encoder(tokenizer)
    configuration.num_labels = 1
    ranking = AutoModelForSequenceClassification.from_config(configuration)
    head = nn.ModuleDict({"classifier": nn.Linear(SIZES["hidden_size"], 2)})
    weights = _random(nn.ModuleDict({"ranking_model": ranking, "pruning_head": head}))
    weights["pruning_head.classifier.weight"] *= scale
    values = {
        "model_type": "open_provence",
        "architectures": ["OpenProvenceForSequenceClassification"],
        "mode": "reranking_pruning",
        "base_model_config": configuration.to_dict(),
        "tokenizer_name_or_path": str(folder),
        "pruning_config": {"hidden_size": SIZES["hidden_size"], "num_labels": 2},
        "max_length": 512,
        "num_labels": 1,
        "num_pruning_labels": 2,
        "default_threadshold": 0.2,
    }
    return _save(folder, values, weights, tokenizer, special)


def _deberta(tokenizer: Tokenizer) -> PretrainedConfig:
    return DebertaV2Config(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=512,
        relative_attention=True,
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        pooler_hidden_size=SIZES["hidden_size"],
        **SIZES,
    )


def _modernbert(tokenizer: Tokenizer) -> PretrainedConfig:
    return ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=512,
        local_attention=32,
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=None,
        eos_token_id=None,
        **SIZES,
    )


def _random(network: nn.Module) -> dict[str, torch.Tensor]:
    randomise(network)
    return {name: weight.contiguous() for name, weight in network.state_dict().items() if weight.is_floating_point()}


def _bare(name: str) -> str:
    return name.removeprefix("ranking.")


def _save(
    folder: Path,
    values: dict[str, Any],
    weights: dict[str, torch.Tensor],
    tokenizer: Tokenizer,
    special: dict[str, str],
) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(values, default=str))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return save_tokenizer(folder, tokenizer, special)
