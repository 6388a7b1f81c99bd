"""The files of a pruner -> its two heads on one encoder. No remote code: the layouts that are known are read here.

| layout | weights of the encoder and the ranking head | weights of the head for tokens |
| --- | --- | --- |
| open-provence | `ranking_model.*`, or without that prefix | `pruning_head.classifier` |
| Provence (DeBERTa-v2) | `deberta.*`, `pooler.dense`, `classifier` | `token_classifier` |
| XProvence (XLM-RoBERTa) | `roberta.*` with its pooler, `classifier` | `token_classifier` |

They follow the published code: naver/bergen, `scripts/provence`, and hotchpotch/open_provence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from tersely.errors import ModelError
from tersely.scoring.conversion import quiet_transformers
from tersely.scoring.fingerprint import model_fingerprint
from tersely.scoring.hub import hub_folder
from tersely.scoring.kinds import FAMILIES, read_configuration
from tersely.scoring.models import model_path

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

_OPEN_HEAD, _PROVENCE_HEAD = "pruning_head.classifier.", "token_classifier."
# What the weights of an encoder begin with, where its configuration does not name its family.
_ENCODERS = {"deberta": "deberta-v2", "roberta": "xlm-roberta"}
# Both authors keep a sentence from here on where nobody says anything else.
_THRESHOLD = 0.1
# Tokens; longer inputs than this cost more than they tell, whatever the encoder could read.
_LONGEST_INPUT = 4096


class LoadedPruner(NamedTuple):
    """A pruner ready to run.

    Attributes:
        network: token ids and mask (both int64; texts, tokens) -> logits of the ranking head (texts, 1 or more) and of
            the head for tokens (texts, tokens, 2).
        tokenizer: its own.
        fingerprint: of its weights.
        context_length: tokens that it reads at once.
        threshold, rounds: as in `Pruner`.
        plain_questions: whether it was trained on questions in lower case without punctuation.
    """

    network: nn.Module
    tokenizer: PreTrainedTokenizerBase
    fingerprint: str
    context_length: int
    threshold: float
    rounds: bool
    plain_questions: bool


def load_pruner(model: str) -> LoadedPruner:
    """Load a pruner for inference.

    Args:
        model: a folder or a Hub id.

    Raises:
        ModelError: it cannot be found, or is of no known layout, or its weights are not those of its layout.
    """
    from transformers import AutoTokenizer

    folder = model_path(model) or hub_folder(model)
    configuration = read_configuration(str(folder))
    try:
        weights = _read_weights(folder)
        head = next((name for name in (_OPEN_HEAD, _PROVENCE_HEAD) if f"{name}weight" in weights), None)
        if head is None:
            raise ModelError(
                f"pruner {model!r} has no weights {_OPEN_HEAD}weight or {_PROVENCE_HEAD}weight, so it is of no layout "
                f"that is known: Provence's, XProvence's or open-provence's"
            )
        is_open = head == _OPEN_HEAD
        encoder = _encoder_configuration(model, configuration, weights)
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
            network = _Pruner(_ranking_model(encoder, weights), encoder.hidden_size)
        network.load(weights, head)
    except ModelError:
        raise
    except Exception as error:  # transformers and its file formats raise dozens of types here
        raise ModelError(
            f"pruner {model!r} could not be loaded from {folder} ({type(error).__name__}: {error}); fetch it anew if "
            f"it is damaged"
        ) from error
    threshold = configuration.get("default_threadshold", configuration.get("default_threshold"))  # spelled so there
    return LoadedPruner(
        network.eval().requires_grad_(False),
        tokenizer,
        model_fingerprint(network.named_parameters()),
        _context_length(encoder, configuration.get("max_length") if is_open else None),
        _THRESHOLD if threshold is None else float(threshold),
        rounds=not is_open,
        plain_questions=not is_open,
    )


def _context_length(encoder: PreTrainedConfig, trained: int | None) -> int:
    """The tokens that a pruner reads at once: as it says, else 512 for DeBERTa, else those there are positions for."""
    # XLM-RoBERTa counts positions from after the padding's.
    positions = int(encoder.max_position_embeddings) - (2 if encoder.model_type == "xlm-roberta" else 0)
    return min(trained or (512 if encoder.model_type == "deberta-v2" else positions), positions, _LONGEST_INPUT)


class _Pruner(nn.Module):
    """An encoder with a ranking head, and the head for tokens on what the encoder says of each."""

    def __init__(self, ranking: nn.Module, width: int) -> None:
        super().__init__()
        self.ranking, self.tokens = ranking, nn.Linear(width, 2)
        self._states: list[torch.Tensor] = []
        encoder: Any = ranking.base_model
        if hasattr(encoder, "final_norm"):
            # ModernBERT: open-provence was trained on what transformers 4 had for the last hidden states, which is
            # what goes into the last norm, not what comes out of it.
            encoder.final_norm.register_forward_pre_hook(lambda module, inputs: self._states.append(inputs[0]))
        else:
            encoder.register_forward_hook(lambda module, inputs, output: self._states.append(output[0]))

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ranking = self.ranking(input_ids=tokens, attention_mask=mask).logits
        return ranking, self.tokens(self._states.pop())

    def load(self, weights: Mapping[str, torch.Tensor], head: str) -> None:
        """Fill in the weights.

        Raises:
            RuntimeError: some are missing, or there are others.
        """
        other_heads = tuple(name for name in (_OPEN_HEAD, _PROVENCE_HEAD) if name != head)
        renamed = {
            f"tokens.{name.removeprefix(head)}" if name.startswith(head) else f"ranking.{_plain(name)}": weight
            for name, weight in weights.items()
            # Older versions of transformers saved what is a number anyway.
            if not name.endswith("position_ids") and not name.startswith(("pruning_head.pooling", *other_heads))
        }
        self.load_state_dict(renamed)


class _PooledRanking(nn.Module):
    """XProvence's ranking head: a classifier on XLM-RoBERTa's own pooled first token."""

    def __init__(self, configuration: PreTrainedConfig, labels: int) -> None:
        from transformers import XLMRobertaModel

        super().__init__()
        self.roberta = XLMRobertaModel(configuration, add_pooling_layer=True)  # type: ignore[arg-type]
        self.classifier = nn.Linear(configuration.hidden_size, labels)

    @property
    def base_model(self) -> nn.Module:
        return self.roberta

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> _Logits:
        pooled = self.roberta(input_ids=input_ids, attention_mask=attention_mask).pooler_output
        return _Logits(self.classifier(pooled))


class _Logits(NamedTuple):
    logits: torch.Tensor


def _ranking_model(configuration: PreTrainedConfig, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    from transformers import AutoModelForSequenceClassification

    plain = {_plain(name): weight for name, weight in weights.items()}
    if "roberta.pooler.dense.weight" in plain and "classifier.weight" in plain:
        return _PooledRanking(configuration, len(plain["classifier.weight"]))
    last = next((name for name in ("classifier.out_proj.weight", "classifier.weight") if name in plain), None)
    configuration.num_labels = len(plain[last]) if last else 1
    network: nn.Module = AutoModelForSequenceClassification.from_config(configuration, trust_remote_code=False)
    return network


def _encoder_configuration(
    model: str, configuration: Mapping[str, Any], weights: Mapping[str, torch.Tensor]
) -> PreTrainedConfig:
    """The encoder's own configuration: inside the pruner's in open-provence's layout, else among its values."""
    from transformers import AutoConfig

    values = dict(configuration.get("base_model_config") or configuration)
    family = values.pop("model_type", None)
    known = FAMILIES["pruner"]
    if family not in known:  # Provence's name there a type of their own
        beginnings = {_plain(name).partition(".")[0] for name in weights}
        family = next((kind for name, kind in _ENCODERS.items() if name in beginnings), family)
    if family not in known:
        raise ModelError(f"pruner {model!r} has an encoder of the family {family!r}; known are {', '.join(known)}")
    for name in ("auto_map", "architectures", "torch_dtype", "dtype", "num_labels", "id2label", "label2id"):
        values.pop(name, None)
    encoder: PreTrainedConfig = AutoConfig.for_model(family, **values)
    return encoder


def _plain(name: str) -> str:
    return name.removeprefix("ranking_model.")


def _read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights of a folder.

    Raises:
        ModelError: it has none as safetensors.
    """
    from safetensors.torch import load_file

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder} has no safetensors weights; pickled ones are never read, for they could run code")
    return {name: weight.float() for file in files for name, weight in load_file(str(file)).items()}
