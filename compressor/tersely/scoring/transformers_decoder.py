"""Any causal language model of transformers as a `Decoder`: what is special to a family stays in its own code.

Attention comes through transformers' interface for it, which hands over queries, keys and values. A model that computes
its attention past that interface is noticed here, once, and then takes one text at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from tersely.errors import ModelError
from tersely.scoring.decoder import TRUNCATED_VOCABULARY, Attend
from tersely.scoring.fingerprint import model_fingerprint
from tersely.scoring.packing import run
from tersely.scoring.pass_items import PassItem

# The name under which transformers finds the attention below.
_IMPLEMENTATION = "tersely"


class TransformersDecoder:
    """A `Decoder` (decoder.py).

    Args:
        model: ready to compute, on its device.
        name: what its user calls it.

    Raises:
        ModelError: its logits are not what its output layer says.
    """

    supports_shallow = False  # its layers belong to transformers

    def __init__(self, model: PreTrainedModel, name: str) -> None:
        self._model = model
        configuration = model.config.get_text_config()
        self.layers: int = getattr(configuration, "num_hidden_layers", 0)
        self.heads: int = getattr(configuration, "num_attention_heads", 0)  # not every model has any
        self.context_length = getattr(configuration, "max_position_embeddings", None)
        self.device = str(model.device)
        self.fingerprint = model_fingerprint(model.named_parameters())
        tokens = [token % configuration.vocab_size for token in range(1, 9)]
        self._check_head(tokens, name)
        self.packs = False
        self.packs = self._can_pack(tokens)

    def hidden(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend, active_from: Mapping[int, int]
    ) -> torch.Tensor:
        if not self.packs:
            output = self._model.base_model(input_ids=tokens[None], use_cache=False)
        else:
            with _attending(attend):
                output = self._model.base_model(input_ids=tokens[None], position_ids=positions[None], use_cache=False)
        states: torch.Tensor = output.last_hidden_state[0]
        return states

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model.get_output_embeddings()(hidden)
        return logits

    def truncated_logits(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.logits(hidden)  # all of them: its head may do more than multiply
        return logits[:, :TRUNCATED_VOCABULARY], logits[: len(targets)].gather(1, targets[:, None])[:, 0]

    def _check_head(self, tokens: list[int], name: str) -> None:
        """Some models change their logits after the head (soft caps, scales): scoring them here would be wrong."""
        ids = torch.tensor([tokens], device=self.device)
        head = self._model.get_output_embeddings()
        with torch.inference_mode():
            expected = self._model(input_ids=ids, use_cache=False).logits
            logits = None if head is None else head(self._model.base_model(input_ids=ids).last_hidden_state)
        if (
            logits is None
            or logits.shape != expected.shape
            or not torch.allclose(logits.float(), expected.float(), atol=1e-2)
        ):
            raise ModelError(
                f"model {name!r} does more to its logits than its output layer shows (a soft cap or a scale), "
                f"which Tersely does not follow; use another model"
            )

    def _can_pack(self, tokens: list[int]) -> bool:
        """Whether the model's attention comes through the interface: a text in parts is as likely as whole."""
        expected = run(self, [PassItem(tokens, score_from=3)])[0].log_probabilities
        neighbour = PassItem(tokens[::-1])
        try:
            self._model.set_attn_implementation(_IMPLEMENTATION)
            self.packs = True
            prefix = run(self, [neighbour, PassItem(tokens, prefix_length=2)])[1].key_values
            assert prefix is not None
            scores = run(self, [neighbour, PassItem(tokens[2:], (prefix,), score_from=1)])[1].log_probabilities
        except Exception:  # an unknown model may raise anything here
            return False
        return np.allclose(expected, scores, atol=1e-3 if self._model.dtype == torch.float32 else 0.3)


# Computes attention in the pass that runs here; None outside of one, where transformers computes as it always does.
_ATTEND: ContextVar[Attend | None] = ContextVar("attend", default=None)


@contextmanager
def _attending(attend: Attend) -> Iterator[None]:
    token = _ATTEND.set(attend)
    try:
        yield
    finally:
        _ATTEND.reset(token)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **arguments: Any,
) -> tuple[torch.Tensor, None]:
    attend = _ATTEND.get()
    if attend is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **arguments)
    layer, scaling = int(module.layer_idx), arguments.get("scaling")  # type: ignore[arg-type]
    return attend(layer, query, key, value, scaling, arguments.get("sliding_window")), None


def _mask(**arguments: Any) -> torch.Tensor | None:
    return sdpa_mask(**arguments) if _ATTEND.get() is None else None


AttentionInterface.register(_IMPLEMENTATION, _attention)
AttentionMaskInterface.register(_IMPLEMENTATION, _mask)
