"""A model's name -> a decoder and a tokenizer, ready to score; `models.py` finds its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tersely.errors import ModelError, TokenizerError
from tersely.scoring.conversion import quiet_transformers
from tersely.scoring.models import check_model, model_path

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

    from tersely.scoring.decoder import Decoder

_TOKENIZER = "tokenizer.json"


class LoadedModel(NamedTuple):
    """A causal language model ready to score; `dtype` is the one that it is computed in."""

    name: str
    dtype: str
    decoder: Decoder
    tokenizer: Tokenizer


def load_model(name: str, *, dtype: str | None, device: str) -> LoadedModel:
    """Load a causal language model and its tokenizer, for inference only.

    Args:
        name: as in `model_path`.
        dtype: a torch dtype's name, such as `"bfloat16"` or `"float32"`; or `"int8"` for a model of the Llama family on
            a processor with 8-bit matmuls, with bfloat16 or float32 where 8 bits are too few. None: int8 where that is
            possible, else bfloat16, else float32.
        device: the torch device's name, such as `"cpu"` or `"cuda"`.

    Raises:
        ModelError: the model cannot be found, or its files are corrupt or not of a causal language model; or it cannot
            be computed on that device or in that dtype here.
    """
    from tersely.scoring.devices import best_floating_dtype, check_device, check_dtype
    from tersely.scoring.llama import Llama, eight_bit_levels, load_configuration

    check_device(device)
    check_dtype(dtype)
    path = model_path(name)
    if path is not None:
        check_model(path)
    try:
        configuration = load_configuration(path) if path is not None and (path / _TOKENIZER).exists() else None
        possible = dtype in (None, "int8") and configuration is not None and device == "cpu"
        levels = eight_bit_levels() if possible else None
        if dtype == "int8" and levels is None:
            raise ModelError(
                f"model {name!r} cannot be computed in int8 on {device}: that takes a model of the Llama family and a "
                f"processor with products of 8 bits (AVX2, AVX-512 VNNI, AVX VNNI or AMX); leave dtype out"
            )
        floating = best_floating_dtype(device) if dtype in (None, "int8") else dtype
        if path is not None and configuration is not None:
            from tokenizers import Tokenizer

            decoder = Llama(path, configuration, dtype=floating, device=device, levels=levels)
            tokenizer = Tokenizer.from_file(str(path / _TOKENIZER))
            return LoadedModel(name, floating if levels is None else "int8", decoder, tokenizer)
        return _through_transformers(name, str(path or name), floating, device)
    except ModelError:
        raise
    except Exception as error:  # transformers and its file formats raise dozens of types here
        raise ModelError(
            f"model {name!r} could not be loaded from {path or name} to {device} ({type(error).__name__}: {error}); it "
            f"must be a causal language model with safetensors weights and a tokenizer; fetch it anew if it is damaged"
        ) from error


def _through_transformers(name: str, source: str, dtype: str, device: str) -> LoadedModel:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tersely.scoring.transformers_decoder import TransformersDecoder

    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=getattr(torch, dtype), trust_remote_code=False, use_safetensors=True
        )
    if not tokenizer.is_fast:
        raise ModelError(f"model {name!r} has no fast tokenizer, which is needed to know where each token stands")
    decoder = TransformersDecoder(model.eval().requires_grad_(False).to(device), name)
    return LoadedModel(name, dtype, decoder, tokenizer.backend_tokenizer)


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The Hugging Face tokenizer of a folder or a Hub id.

    Raises:
        TokenizerError: there is none.
    """
    from transformers import AutoTokenizer

    try:
        with quiet_transformers():
            return AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except Exception as error:  # transformers raises many types here
        raise TokenizerError(f"tokenizer {name!r} could not be loaded ({type(error).__name__}: {error})") from error
